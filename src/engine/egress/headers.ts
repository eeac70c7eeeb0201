import type { EgressRequest, HeaderPair } from './types.ts'

/** Headers between two neighbours of a connection (RFC 9110, 7.6.1) and those that frame a message: the host's own. */
const hostManaged = new Set([
  'connection', 'content-length', 'expect', 'keep-alive', 'proxy-authenticate', 'proxy-authorization',
  'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
]) // prettier-ignore

/** Whether the text is a token, as methods and header names must be (RFC 9110, 5.6.2). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)
}

/** Whether the text can be sent as a header's value: no line breaks, no controls, no more than Latin-1. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text)
}

/** Methods that would make a tunnel or show what was added on the way. */
export function isForbiddenMethod(method: string): boolean {
  return ['CONNECT', 'TRACE', 'TRACK'].includes(method.toUpperCase())
}

/** What of a caller's headers is sent: all but those the host manages itself, and those `connection` names. */
export function forwardableHeaders(headers: readonly HeaderPair[]): HeaderPair[] {
  const named = headers
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(','))
    .map((name) => name.trim().toLowerCase())
  return headers.filter(([name]) => {
    const lower = name.toLowerCase()
    return !hostManaged.has(lower) && !named.includes(lower)
  })
}

/** The headers that the egress adds to a request. */
export function managedHeaders({ url, method, headers, body, pool }: EgressRequest): HeaderPair[] {
  const managed: HeaderPair[] = [
    ['host', url.host],
    ['connection', pool === undefined ? 'close' : 'keep-alive'],
  ]
  if (!headers.some(([name]) => name.toLowerCase() === 'accept-encoding')) {
    managed.push(['accept-encoding', 'gzip, deflate, br'])
  }
  // A length of 0 is said for methods whose requests may have bodies (RFC 9110, 8.6).
  if (body !== null || !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(method.toUpperCase())) {
    managed.push(['content-length', String(body?.length ?? 0)])
  }
  return managed
}
