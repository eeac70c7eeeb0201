/** Content references as operators, manifests and announcements write them (spec nexum-host 4.1). */
import { PaddockError } from '../../shared/errors.ts'

export type ContentReference =
  | { readonly scheme: 'sha256'; readonly sha256: string }
  | { readonly scheme: 'bzz'; readonly address: string }
  | { readonly scheme: 'ipfs'; readonly cid: string }
  /** `host` is null where a configured registry is meant. */
  | {
      readonly scheme: 'oci'
      readonly host: string | null
      readonly repository: string
      readonly sha256: string
    }
  | { readonly scheme: 'https'; readonly url: string; readonly sha256: string | null }

const digest = /^[0-9a-fA-F]{64}$/
const schemes = ['sha256', 'bzz', 'ipfs', 'oci', 'https'] as const

/** Whether a text names content rather than a file. */
export function isContentReference(text: string): boolean {
  return schemes.some((scheme) => text.toLowerCase().startsWith(`${scheme}:`))
}

/** Reads `<scheme>:<rest>`. Throws `content.bad_reference` saying what is allowed. */
export function parseReference(text: string): ContentReference {
  const colon = text.indexOf(':')
  const scheme = text.slice(0, Math.max(0, colon)).toLowerCase()
  const rest = text.slice(colon + 1)
  switch (scheme) {
    case 'sha256':
      if (!digest.test(rest)) throw bad(text, '"sha256:" and 64 hexadecimal digits')
      return { scheme, sha256: rest.toLowerCase() }
    case 'bzz':
      if (!digest.test(rest)) throw bad(text, '"bzz:" and 64 hexadecimal digits')
      return { scheme, address: rest.toLowerCase() }
    case 'ipfs':
      if (!/^[A-Za-z0-9]{8,128}$/.test(rest)) throw bad(text, '"ipfs:" and a CID')
      return { scheme, cid: rest }
    case 'oci':
      return parseOci(text, rest)
    case 'https':
      return parseHttps(text)
    default:
      throw bad(text, 'sha256:…, bzz:…, ipfs:…, oci:… or https://…')
  }
}

function parseOci(text: string, rest: string): ContentReference {
  const match = /^([a-z0-9][a-z0-9._:/-]{0,300})@sha256:([0-9a-fA-F]{64})$/.exec(rest)
  const [, name = '', sha256 = ''] = match ?? []
  const [first = '', ...others] = name.split('/')
  const hasHost = others.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const repository = hasHost ? others.join('/') : name
  if (match === null || !/^[a-z0-9._/-]+$/.test(repository) || repository.includes('..')) {
    throw bad(text, '"oci:" with a repository and "@sha256:" with 64 hexadecimal digits')
  }
  return { scheme: 'oci', host: hasHost ? first : null, repository, sha256: sha256.toLowerCase() }
}

function parseHttps(text: string): ContentReference {
  const hash = text.indexOf('#')
  const fragment = hash === -1 ? null : text.slice(hash + 1)
  let url: URL
  try {
    url = new URL(hash === -1 ? text : text.slice(0, hash))
  } catch {
    throw bad(text, 'a full https address')
  }
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') {
    throw bad(text, 'an https address without a user name')
  }
  if (fragment === null) return { scheme: 'https', url: url.href, sha256: null }
  const sha256 = /^sha256=([0-9a-fA-F]{64})$/.exec(fragment)?.[1]
  if (sha256 === undefined) throw bad(text, 'an https address with "#sha256=" and 64 hexadecimal digits')
  return { scheme: 'https', url: url.href, sha256: sha256.toLowerCase() }
}

function bad(text: string, allowed: string): PaddockError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  return new PaddockError('content.bad_reference', `${JSON.stringify(shown)} is no content reference.`, {
    remedy: `Write ${allowed}.`,
    details: { allowed },
  })
}
