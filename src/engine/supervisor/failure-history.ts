/** What happened to a module so far, across its runs and across engines: restarts, the last failure, a quarantine. */
import type { Quarantine } from '../../shared/domain/module.ts'
import type { ErrorReport } from '../../shared/errors.ts'
import { endClassOf } from '../sandboxes/process-end.ts'
import { initialLifecycle, type LifecycleState } from './lifecycle.ts'
import type { SupervisionRecord } from './supervision-store.ts'

/** What of a module's failures outlives the engine. */
export type Remembered = Omit<SupervisionRecord, 'lastLines'>

export class FailureHistory {
  private restartCount = 0
  private last: { readonly time: number; readonly error: ErrorReport } | null = null
  private quarantined: Quarantine | null = null

  get restarts(): number {
    return this.restartCount
  }

  get lastError(): { time: number; error: ErrorReport } | null {
    return this.last
  }

  /** Set while the module is dead by too many failures. */
  get quarantine(): Quarantine | null {
    return this.quarantined
  }

  /** Where an engine before this one left off: the window of failures goes on, the quarantined stays dead. */
  restore(remembered: Remembered): LifecycleState {
    const { failureTimes, consecutiveFailures, restarts, lastError, quarantine } = remembered
    this.restartCount = restarts
    this.last = lastError
    this.quarantined = quarantine
    const state: LifecycleState = { ...initialLifecycle, failureTimes, consecutiveFailures }
    if (quarantine === null) return state
    return { ...state, phase: { name: 'dead', error: quarantine.cause, poisoned: true } }
  }

  /** Takes note of the phase that was entered at `now`. */
  enter(state: LifecycleState, now: number): void {
    const { phase, consecutiveFailures, failureTimes } = state
    switch (phase.name) {
      case 'resolving':
      case 'loading':
        this.quarantined = null
        return
      case 'restarting':
        this.restartCount += 1
        this.last = { time: now, error: phase.error }
        return
      case 'dead':
        this.last = { time: now, error: phase.error }
        if (phase.poisoned) {
          const attempts = Math.max(consecutiveFailures, failureTimes.length)
          this.quarantined = { since: now, cause: phase.error, class: endClassOf(phase.error), attempts }
        }
        return
      default:
        return
    }
  }

  /** The operator ends the quarantine; answers whether there was one. */
  release(): boolean {
    const wasQuarantined = this.quarantined !== null
    this.quarantined = null
    return wasQuarantined
  }

  record({ failureTimes, consecutiveFailures }: LifecycleState): Remembered {
    return {
      failureTimes: [...failureTimes],
      consecutiveFailures,
      restarts: this.restartCount,
      lastError: this.last,
      quarantine: this.quarantined,
    }
  }
}
