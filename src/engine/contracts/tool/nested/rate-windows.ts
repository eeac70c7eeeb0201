/** How often something may happen a minute and an hour, counted in windows that slide by their sixtieth part. */
import type { Clock } from '../../../clock.ts'

const parts = 60

class Window {
  private readonly partMs: number
  private readonly most: number
  private readonly counts = new Map<number, number>()

  constructor(periodMs: number, most: number) {
    this.partMs = periodMs / parts
    this.most = most
  }

  hasRoom(now: number): boolean {
    const oldest = Math.floor(now / this.partMs) - parts
    let sum = 0
    for (const [part, count] of this.counts) {
      if (part <= oldest) this.counts.delete(part)
      else sum += count
    }
    return sum < this.most
  }

  add(now: number): void {
    const part = Math.floor(now / this.partMs)
    this.counts.set(part, (this.counts.get(part) ?? 0) + 1)
  }
}

export class RateWindows {
  private readonly clock: Clock
  private readonly windows: readonly Window[]

  constructor(clock: Clock, rate: { readonly perMinute: number; readonly perHour: number }) {
    this.clock = clock
    this.windows = [new Window(60_000, rate.perMinute), new Window(3_600_000, rate.perHour)]
  }

  /** Counts one more if both windows have room; what is refused does not count (spec tools 4 step 1). */
  take(): boolean {
    const now = this.clock.monotonicMs()
    if (!this.windows.every((window) => window.hasRoom(now))) return false
    for (const window of this.windows) window.add(now)
    return true
  }
}
