import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'
import { HostFailure } from '../capability.ts'

export function messagingFailure(
  kind: HostErrorKind,
  message: string,
  options: { readonly code?: number; readonly cause?: unknown } = {},
): HostFailure {
  return new HostFailure('messaging', kind, message, options)
}
