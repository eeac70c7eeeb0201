import type { Transition } from '../../shared/domain/chain.ts'
import type { Clock } from '../clock.ts'
import { chainLimits } from './limits.ts'
import type { ChainRequestError } from './request-error.ts'

/** The latest changes of one thing's standing, for views. */
export class Timeline {
  readonly #clock: Clock
  #entries: readonly Transition[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Newest last. The list itself is never changed. */
  get entries(): Transition[] {
    return [...this.#entries]
  }

  add(from: string, to: string, reason: ChainRequestError | null): void {
    const entry = { time: this.#clock.now(), from, to, reason: reason?.toReport() ?? null }
    this.#entries = [...this.#entries.slice(1 - chainLimits.timelineEntries), entry]
  }
}
