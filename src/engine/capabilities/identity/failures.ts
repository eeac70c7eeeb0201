import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'
import { HostFailure } from '../capability.ts'

/** EIP-1193: the user refused. */
export const userRefused = 4001

/** A host-error of the domain `identity`. */
export function identityFailure(kind: HostErrorKind, message: string, code = 0): HostFailure {
  return new HostFailure('identity', kind, message, { code })
}
