import { isIP } from 'node:net'
import { EgressError } from './egress-error.ts'

/** Longest URL that is parsed, in characters. */
const maxUrlLength = 8_192

/**
 * An absolute http or https URL by the WHATWG parser, without fragment and user-info. Throws `EgressError`
 * (`invalid-url`). What the URL's host is, is `url.hostname` of the result and never a slice of the text (spec
 * nexum-host 8.8).
 */
export function parseTarget(text: string): URL {
  if (text.length > maxUrlLength) throw new EgressError('invalid-url', 'The URL is too long.')
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new EgressError('invalid-url', 'The URL is not an absolute URL.')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new EgressError('invalid-url', 'The URL is neither http nor https.')
  }
  if (url.hostname === '') throw new EgressError('invalid-url', 'The URL has no host.')
  url.hash = ''
  url.username = ''
  url.password = ''
  return url
}

/** The host without the brackets of an IPv6 address, as sockets want it. */
export function bareHost(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
}

export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

/** The address a URL names literally, or null where it names a host. */
export function literalAddress(url: URL): string | null {
  const host = bareHost(url)
  return isIP(host) === 0 ? null : host
}
