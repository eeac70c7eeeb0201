/** The states of one call and how they follow each other (spec tools 10). A pure table; who runs the call moves it. */
import type { ToolCallView } from '../../../../shared/domain/tool.ts'
import { PaddockError } from '../../../../shared/errors.ts'

export type JobState =
  | 'reserved'
  | 'queued'
  | 'preparing'
  | 'running'
  | 'stopping'
  | 'settling'
  /** The ledger could not be written; the caller has the answer, the settlement is tried again. */
  | 'deferred'
  | 'settled'

const followers: Readonly<Record<JobState, readonly JobState[]>> = {
  reserved: ['queued', 'settling'],
  queued: ['preparing', 'running', 'settling'],
  preparing: ['queued', 'settling'],
  running: ['stopping', 'settling'],
  stopping: ['settling'],
  settling: ['settled', 'deferred'],
  deferred: ['settled'],
  settled: [],
}

/** Moves through the states of one call; each step is told once. */
export class JobStates {
  private current: JobState = 'reserved'
  private readonly onStep: (state: JobState) => void

  constructor(onStep: (state: JobState) => void) {
    this.onStep = onStep
  }

  get state(): JobState {
    return this.current
  }

  /** Whether a guest may act for the call. */
  get isActing(): boolean {
    return this.current === 'running' || this.current === 'stopping'
  }

  /** Whether the call has its answer, for good or until the ledger is well. */
  get isAnswered(): boolean {
    return this.current === 'settled' || this.current === 'deferred'
  }

  /** Throws `internal.bug` for a step that the table does not have; `settled` is entered once. */
  to(next: JobState): void {
    if (!followers[this.current].includes(next)) {
      throw new PaddockError('internal.bug', `A call cannot go from ${this.current} to ${next}.`)
    }
    this.current = next
    this.onStep(next)
  }
}

/** The state as it is shown: to the caller a deferred call is over. */
export function shownState(state: JobState): ToolCallView['state'] {
  return state === 'deferred' ? 'settled' : state
}
