// What `import … from 'paddock:guest'` gives a module: the few things QuickJS and the contract leave open.
import type { HostError, HostErrorKind } from 'nexum:host/types@0.2.0'

export { decodeText, encodeText } from './text.ts'

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

/** `0x` and two lower-case hex digits per byte. */
export function hex(bytes: Iterable<number>): string {
  let digits = '0x'
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0')
  return digits
}
