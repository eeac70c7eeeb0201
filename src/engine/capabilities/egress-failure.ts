/** What a guest sees of an exchange that failed (spec nexum-host 7.2); for every capability that speaks HTTP. */
import type { HostErrorKind } from '../../shared/sandbox/host-error.ts'
import { EgressError, type EgressErrorKind } from '../egress/egress-error.ts'
import { HostFailure } from './capability.ts'

const kindOf: Readonly<Record<EgressErrorKind, HostErrorKind>> = {
  'invalid-url': 'invalid-input',
  'forbidden-address': 'denied',
  dns: 'unavailable',
  connect: 'unavailable',
  tls: 'unavailable',
  timeout: 'timeout',
  'too-large': 'invalid-input',
  closed: 'unavailable',
  malformed: 'unavailable',
  cancelled: 'timeout',
}

/** The failure of `domain` with code 0 and no data. Throws `error` again when it is not of the egress. */
export function egressFailure(domain: string, error: unknown): HostFailure {
  if (!(error instanceof EgressError)) throw error
  return new HostFailure(domain, kindOf[error.kind], error.message, { cause: error })
}

/** The kind that an HTTP status of 400 or more stands for, where a status is a failure at all. */
export function kindOfStatus(status: number): HostErrorKind {
  if (status === 429) return 'rate-limited'
  if (status === 408 || status === 504) return 'timeout'
  if (status === 401 || status === 403) return 'denied'
  return status < 500 ? 'invalid-input' : 'unavailable'
}
