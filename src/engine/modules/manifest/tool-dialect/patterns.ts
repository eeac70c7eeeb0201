/** Patterns of a tool's declaration: each answers the pattern as it is compared later, or null for what must be refused (spec tools 2). */
import { secretNameSchema } from '../../../../shared/contracts/tool.ts'

/** An HTTP token, hence a name of a header. */
const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/
const maxHostBytes = 253
const maxPathLetters = 1_024

/** A host, or `*.` and a suffix, as URLs spell it: lower case, punycode, IPv6 in brackets. */
export function hostPattern(text: string): string | null {
  if (!text.startsWith('*.')) return literalHost(text)
  const suffix = literalHost(text.slice(2))
  if (suffix === null || /^[\d.]+$|^\[/.test(suffix) || suffix.length + 2 > maxHostBytes) return null
  return `*.${suffix}`
}

/** A host without a wildcard. */
export function literalHost(text: string): string | null {
  const isAddress = /^\[[0-9A-Fa-f:.]{2,45}\]$/.test(text)
  if (!isAddress && !/^[^\s*/\\:@?#%[\]<>^|"'`]+$/.test(text)) return null
  const hostname = hostnameOf(`https://${text}/`)
  if (hostname === null) return null
  const isSound = hostname !== '' && hostname.length <= maxHostBytes && !hostname.endsWith('.')
  return isSound && hostname.split('.').every((label) => label !== '' && (isAddress || label.length <= 63))
    ? hostname
    : null
}

function hostnameOf(address: string): string | null {
  try {
    return new URL(address).hostname
  } catch {
    return null
  }
}

/** Whether `host`, which is literal, is one that `pattern` matches: a wildcard stands for exactly one label. */
export function matchesHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host
  const suffix = pattern.slice(1)
  return host.endsWith(suffix) && /^[^.]+$/.test(host.slice(0, -suffix.length))
}

/** A prefix of paths; it is compared on whole segments, plain and decoded, hence nothing in it may be encoded. */
export function pathPrefix(text: string): string | null {
  if (!text.startsWith('/') || text.length > maxPathLetters || !/^[\x21-\x7e]+$/.test(text)) return null
  if (/[?#%\\]|\/\//.test(text)) return null
  return text.split('/').some((segment) => segment === '.' || segment === '..') ? null : text
}

/** `dir/`, or an exact file, inside the workspace. */
export function workspacePattern(text: string): string | null {
  if (text === '' || text.length > 1_024 || /[\u0000-\u001f\u007f\\:*]/.test(text)) return null
  const inner = text.endsWith('/') ? text.slice(0, -1) : text
  const isSound = inner.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  return isSound ? text : null
}

/** A name of a secret, or the beginning of one and a `*`. */
export function secretPattern(text: string): string | null {
  const name = text.endsWith('*') ? text.slice(0, -1) : text
  return secretNameSchema.safeParse(name).success ? text : null
}

export function headerName(text: string): string | null {
  return token.test(text) ? text : null
}
