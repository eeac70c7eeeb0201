/** Step 15: which headers of an answer a guest may see (spec tools 4). */
import type { HeaderPair } from '../../../egress/types.ts'
import { credentialHeaderNames } from '../request/guest-credentials.ts'

const maxHeaders = 128
const maxBytes = 64 * 1_024
const sensitiveNames = new Set([
  ...credentialHeaderNames,
  'www-authenticate',
  'set-cookie',
  'proxy-authenticate',
])
const sensitiveWords = [
  'auth',
  'token',
  'secret',
  'credential',
  'password',
  'cookie',
  'api-key',
  'apikey',
  'api_key',
]

/** Names in lower case, each once, repeats joined; what is over the bounds is left out. */
export function visibleHeaders(headers: readonly HeaderPair[]): HeaderPair[] {
  const joined = new Map<string, string>()
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (isSensitive(lower) || !/^[\x20-\x7e\t]*$/.test(value)) continue
    const before = joined.get(lower)
    joined.set(lower, before === undefined ? value : `${before}, ${value}`)
  }
  let bytes = 0
  return [...joined].slice(0, maxHeaders).filter(([name, value]) => {
    const size = name.length + value.length
    if (bytes + size > maxBytes) return false
    bytes += size
    return true
  })
}

/** A JSON object of strings. */
export function headersJson(headers: readonly HeaderPair[]): string {
  // Not by assignment: `__proto__` is a name like any other.
  return JSON.stringify(Object.fromEntries(headers))
}

function isSensitive(name: string): boolean {
  return sensitiveNames.has(name) || sensitiveWords.some((word) => name.includes(word))
}
