import type { Clock } from '../../clock.ts'

/** Listeners are told at most four times a second (style 3). */
const everyMs = 250

/** Tells that something changed, soon and not too often. */
export class ChangeSignal {
  private readonly clock: Clock
  private readonly listeners = new Set<() => void>()
  private cancel: (() => void) | null = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  touch(): void {
    if (this.listeners.size === 0) return
    this.cancel ??= this.clock.after(everyMs, () => {
      this.cancel = null
      for (const listener of [...this.listeners]) listener()
    })
  }

  dispose(): void {
    this.cancel?.()
    this.cancel = null
    this.listeners.clear()
  }
}
