// What `import … from 'paddock:guest'` gives a module: the few things QuickJS and the contract leave open.
import type { HostError, HostErrorKind } from 'nexum:host/types@0.2.0'

/** An error record to throw from `init` or `onEvent`. */
export function hostError(
  domain: string,
  kind: HostErrorKind['tag'],
  message: string,
  details: { code?: number; data?: string } = {},
): HostError {
  return { domain, kind: { tag: kind }, code: details.code ?? 0, message, data: details.data ?? null }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isHostError(value: unknown): value is HostError {
  return isRecord(value) && typeof value['domain'] === 'string' && isRecord(value['kind'])
}

/** The record behind something a host call threw; anything that is not a host-error is thrown on. */
export function caughtHostError(thrown: unknown): HostError {
  if (isHostError(thrown)) return thrown
  if (isRecord(thrown) && isHostError(thrown['payload'])) return thrown['payload']
  throw thrown
}

/** UTF-8 bytes of a text; unpaired surrogates become U+FFFD. */
export function encodeText(text: string): Uint8Array {
  const bytes: number[] = []
  for (const character of text) {
    let point = character.codePointAt(0) ?? 0
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd
    if (point < 0x80) bytes.push(point)
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63))
    else if (point < 0x10000)
      bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    else {
      bytes.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 63),
        0x80 | ((point >> 6) & 63),
        0x80 | (point & 63),
      )
    }
  }
  return Uint8Array.from(bytes)
}

/** The text of UTF-8 bytes; throws a RangeError on bytes that are not UTF-8. */
export function decodeText(bytes: Iterable<number>): string {
  let escaped = ''
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`
  try {
    return decodeURIComponent(escaped)
  } catch {
    throw new RangeError('The bytes are not UTF-8 text.')
  }
}

/** `0x` and two lower-case hex digits per byte. */
export function hex(bytes: Iterable<number>): string {
  let digits = '0x'
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0')
  return digits
}
