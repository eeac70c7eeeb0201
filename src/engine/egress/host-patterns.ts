/** Host names as allowlists name them (spec nexum-host 8.8). */
import { isIPv4 } from 'node:net'
import { domainToASCII } from 'node:url'

/**
 * Whether a host, as a WHATWG URL names it, is the pattern's: the same name, or any name below the suffix of
 * `*.suffix`, never the suffix itself. Letter case does not matter; a trailing dot does. Patterns with a port, scheme
 * or path match nothing, and an address is matched by itself alone.
 */
export function matchesHost(pattern: string, host: string): boolean {
  const wanted = asciiOf(pattern)
  const name = host.toLowerCase()
  if (wanted === '' || name === '') return false
  if (!wanted.startsWith('*.')) return wanted === name
  const suffix = wanted.slice(1)
  if (suffix === '.' || suffix.includes('*') || isAddress(name)) return false
  return name.length > suffix.length && name.endsWith(suffix) && !name.startsWith('.')
}

export function matchesAnyHost(patterns: readonly string[], host: string): boolean {
  return patterns.some((pattern) => matchesHost(pattern, host))
}

function isAddress(host: string): boolean {
  return host.startsWith('[') || isIPv4(host)
}

function asciiOf(pattern: string): string {
  const lower = pattern.toLowerCase()
  if (/^[\x00-\x7f]*$/.test(lower)) return lower
  return lower.startsWith('*.') ? `*.${domainToASCII(lower.slice(2))}` : domainToASCII(lower)
}
