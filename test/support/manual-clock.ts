import type { Clock } from '../../src/engine/clock.ts'

interface Timer {
  at: number
  readonly periodMs: number | null
  readonly action: () => void
}

/** A clock that moves only when told, so that hours of backoff take no time. */
export class ManualClock implements Clock {
  private time: number
  private readonly timers = new Set<Timer>()

  constructor(startMs = 1_700_000_000_000) {
    this.time = startMs
  }

  now(): number {
    return this.time
  }

  monotonicMs(): number {
    return this.time
  }

  after(delayMs: number, action: () => void): () => void {
    return this.add({ at: this.time + delayMs, periodMs: null, action })
  }

  every(periodMs: number, action: () => void): () => void {
    return this.add({ at: this.time + periodMs, periodMs, action })
  }

  /** Timers that have not fired or been cancelled. */
  get pending(): number {
    return this.timers.size
  }

  /** Milliseconds until the next timer fires; null without any. */
  get nextInMs(): number | null {
    return this.timers.size === 0 ? null : Math.min(...[...this.timers].map((timer) => timer.at)) - this.time
  }

  /** Moves on, firing what becomes due in its order. */
  advance(ms: number): void {
    const end = this.time + ms
    for (;;) {
      const due = [...this.timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.time = Math.max(this.time, due.at)
      if (due.periodMs === null) this.timers.delete(due)
      else due.at += due.periodMs
      due.action()
    }
    this.time = end
  }

  /** Moves on as a machine that sleeps: what became due meanwhile fires once, late. */
  oversleep(ms: number): void {
    this.time += ms
    for (const timer of [...this.timers].filter(({ at }) => at <= this.time)) {
      if (timer.periodMs === null) this.timers.delete(timer)
      else timer.at = this.time + timer.periodMs
      timer.action()
    }
  }

  private add(timer: Timer): () => void {
    this.timers.add(timer)
    return () => void this.timers.delete(timer)
  }
}
