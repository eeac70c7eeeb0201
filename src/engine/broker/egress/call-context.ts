/** What the steps of spec tools 4 work on. */
import type { Clock } from '../../clock.ts'
import type { CallPolicy } from '../../contracts/tool/broker.ts'
import type { Egress } from '../../egress/egress.ts'
import type { CallScanner } from '../scan/types.ts'
import type { SecretLease } from '../secrets/types.ts'
import type { CallAccount } from './call-account.ts'
import type { RateWindows } from './rate-windows.ts'
import type { EgressSum } from './request/request-size.ts'
import type { RequestTimer } from './request-timer.ts'
import type { HopNotes, TraceBook } from './trace-book.ts'

/** What the requests of one call share. */
export interface CallContext {
  readonly policy: CallPolicy
  readonly egress: Egress
  readonly scanner: CallScanner
  readonly lease: SecretLease
  readonly rates: RateWindows
  readonly sum: EgressSum
  readonly account: CallAccount
  readonly trace: TraceBook
  readonly clock: Clock
  /** Of the monotonic clock. */
  readonly deadlineAtMs: number
  /** Aborted when the call is cancelled. */
  readonly signal: AbortSignal
}

/** One request of the guest on its way. */
export interface RequestRun {
  readonly call: CallContext
  readonly timer: RequestTimer
  /** From the first byte of any hop. */
  requestSent: boolean
  notes: HopNotes
}
