/** Steps 2 and 3: the method and the headers of a guest's request (spec tools 4). */
import { httpMethods, type HttpRule } from '../../../../shared/contracts/tool.ts'
import { isToken } from '../../../egress/headers.ts'
import type { HeaderPair } from '../../../egress/types.ts'
import { Refusal } from '../failures.ts'

export type HttpMethod = HttpRule['methods'][number]

const maxHeaders = 64
const maxHeaderBytes = 16 * 1_024

/** The host's own, and those between two neighbours of a connection (RFC 9110, 7.6.1). */
const reserved = new Set([
  'host', 'content-length', 'accept-encoding',
  'connection', 'expect', 'keep-alive', 'proxy-authenticate', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade',
]) // prettier-ignore

/** Servers take another method or path from these than the one that a rule allowed. */
const overriding = new Set([
  'x-http-method', 'x-http-method-override', 'x-method-override', 'x-original-url', 'x-rewrite-url',
]) // prettier-ignore

/** Throws `Refusal` (`method_not_allowed`). */
export function checkMethod(text: string): HttpMethod {
  const wanted = text.length > 32 ? '' : text.trim().toUpperCase()
  const method = httpMethods.find((each) => each === wanted)
  if (method === undefined) {
    throw new Refusal('method', 'method_not_allowed', `The method is none of ${httpMethods.join(', ')}.`)
  }
  return method
}

/** Header pairs in the order given. Throws `Refusal` (`invalid_headers`). */
export function checkHeaders(json: string): HeaderPair[] {
  if (Buffer.byteLength(json) > maxHeaderBytes) throw refused('The headers have more than 16 KiB.')
  const pairs = Object.entries(parseObject(json))
  if (pairs.length > maxHeaders) throw refused('There are more than 64 headers.')
  const seen = new Set<string>()
  return pairs.map(([name, value]) => {
    const lower = name.toLowerCase()
    if (!isToken(name)) throw refused('The name of a header is no token.')
    if (typeof value !== 'string') throw refused(`The header ${name} is no text.`)
    // Latin-1 without its two blocks of controls: what HTTP can carry.
    if (!/^[\x20-\x7e\xa0-\xff]*$/.test(value)) throw refused(`The header ${name} has a control character.`)
    if (reserved.has(lower)) throw refused(`The header ${name} is the host's own.`)
    if (overriding.has(lower)) throw refused(`The header ${name} would change the method or the path.`)
    if (seen.has(lower)) throw refused(`The header ${name} is there twice.`)
    seen.add(lower)
    return [name, value] as const
  })
}

function parseObject(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
  } catch {
    // Told below.
  }
  throw refused('The headers are no JSON object.')
}

function refused(reason: string): Refusal {
  return new Refusal('headers', 'invalid_headers', reason)
}
