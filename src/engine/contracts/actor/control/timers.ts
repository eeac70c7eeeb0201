/** The timers of one actor, each replacing the one before of its name. */
import type { Clock } from '../../../clock.ts'

/** `wake` outlives a sleep; a destroy ends it. */
export type TimerName = 'deadline' | 'idle' | 'retry' | 'wake'

export class ActorTimers {
  private readonly clock: Clock
  private readonly cancels = new Map<TimerName, () => void>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Names of the timers that run. */
  get running(): TimerName[] {
    return [...this.cancels.keys()]
  }

  set(name: TimerName, delayMs: number, action: () => void): void {
    this.cancel(name)
    const cancel = this.clock.after(delayMs, () => {
      this.cancels.delete(name)
      action()
    })
    this.cancels.set(name, cancel)
  }

  cancel(...names: readonly TimerName[]): void {
    for (const name of names) {
      this.cancels.get(name)?.()
      this.cancels.delete(name)
    }
  }
}
