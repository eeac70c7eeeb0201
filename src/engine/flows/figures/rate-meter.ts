import type { Clock } from '../../clock.ts'

/** The rate is over the last so many milliseconds. */
const spanMs = 4_000

/** How fast a counter rises, over the last seconds. */
export class RateMeter {
  private readonly clock: Pick<Clock, 'monotonicMs'>
  private samples: { readonly atMs: number; readonly count: number }[] = []

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.clock = clock
  }

  /** Begins anew, from `count`. */
  begin(count = 0): void {
    this.samples = [{ atMs: this.clock.monotonicMs(), count }]
  }

  sample(count: number): void {
    const atMs = this.clock.monotonicMs()
    this.samples.push({ atMs, count })
    // One sample older than the span stays, to measure from.
    while (this.samples.length > 2 && (this.samples[1]?.atMs ?? atMs) <= atMs - spanMs) this.samples.shift()
  }

  /** Per second; 0 without two samples, or when the last of them is older than the span. */
  get rate(): number {
    const first = this.samples[0]
    const last = this.samples[this.samples.length - 1]
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
    if (this.clock.monotonicMs() - last.atMs > spanMs) return 0
    return Math.max(0, ((last.count - first.count) * 1_000) / (last.atMs - first.atMs))
  }
}
