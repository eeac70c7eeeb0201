/** The reservation of one call: owned from the first line of the job, settled exactly once (spec tools 10, 12). */
import type { ToolDeclaration } from '../../../../shared/contracts/tool.ts'
import type { ToolUsage } from '../../../../shared/domain/tool.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { Clock } from '../../../clock.ts'
import type { Lane } from '../../../governor/account.ts'
import type { Denial } from '../../../governor/events.ts'
import { lifetimeSlackMs, renewEveryMs, type Governor } from '../../../governor/governor.ts'
import { actualOf, estimateOf, isAccountable } from './estimate.ts'

/** Longest wait at each of the two gates (spec tools 9). */
const queueBoundMs = 2 * 30_000

export interface ReservationRequest {
  readonly governor: Governor
  readonly clock: Clock
  readonly lane: Lane
  readonly declaration: ToolDeclaration
  readonly timeoutMs: number
  /** A person agreed to go on past the share at which a budget asks. */
  readonly approved: boolean
  /** Of an outer layer; the job owns it from here on. */
  readonly handedIn: string | undefined
}

/** How a settlement went. `deferred`: it counts, and is written once the ledger can be. */
export type Settled = 'reconciled' | 'released' | 'deferred' | 'failed'

export class CallReservation {
  readonly id: string
  private readonly governor: Governor
  private readonly stopRenewing: () => void
  private isSettled = false

  private constructor(governor: Governor, clock: Clock, id: string) {
    this.governor = governor
    this.id = id
    this.stopRenewing = clock.every(renewEveryMs, () => governor.renew(id))
  }

  /** Holds the estimate, or takes over what an outer layer holds. Throws `governor.*` for a hand-over that does not fit. */
  static take(request: ReservationRequest): CallReservation | Denial {
    const { governor, clock, lane, declaration, timeoutMs, approved, handedIn } = request
    const estimate = estimateOf(declaration, timeoutMs)
    if (handedIn !== undefined) {
      governor.takeOver(handedIn, lane, estimate)
      return new CallReservation(governor, clock, handedIn)
    }
    const lifetimeMs = queueBoundMs + timeoutMs + lifetimeSlackMs
    const grant = governor.reserve(lane, estimate, lifetimeMs, { approved })
    return grant.granted ? new CallReservation(governor, clock, grant.reservation.id) : grant.denial
  }

  /** Counts what was used, or frees what was held when nothing was. Never throws. */
  async settle(usage: ToolUsage): Promise<Settled> {
    if (this.isSettled) return 'failed'
    this.isSettled = true
    this.stopRenewing()
    const { governor, id } = this
    const phase = isAccountable(usage) ? 'reconcile' : 'release'
    try {
      if (phase === 'reconcile') governor.reconcile(id, actualOf(usage))
      else governor.release(id)
    } catch (error) {
      // Swept, though it was renewed: what was used has been counted (spec tools 12).
      if (error instanceof PaddockError && error.code === 'governor.reservation_closed') return 'reconciled'
      this.releaseAnyway(phase)
      return 'failed'
    }
    const isWritten = await governor.whenWritten(id)
    return isWritten ? (phase === 'reconcile' ? 'reconciled' : 'released') : 'deferred'
  }

  /** What could not be counted must not be held for ever either (spec tools 10). */
  private releaseAnyway(phase: 'reconcile' | 'release'): void {
    if (phase === 'release') return
    try {
      this.governor.release(this.id)
    } catch {
      // It is settled or was never there: nothing is held.
    }
  }
}
