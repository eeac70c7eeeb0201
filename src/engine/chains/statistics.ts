import { chainLimits } from './limits.ts'

/** The latest latencies of an endpoint, for quantiles. */
export class LatencyRing {
  readonly #samples: number[] = []
  #next = 0

  add(ms: number): void {
    this.#samples[this.#next] = ms
    this.#next = (this.#next + 1) % chainLimits.latencySamples
  }

  /** The smallest sample that at least `share` (0 to 1) of all samples do not exceed, in ms; null without any. */
  quantile(share: number): number | null {
    const sorted = [...this.#samples].sort((a, b) => a - b)
    return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null
  }
}

const windowSeconds = 10

/** Counts events of the last ten seconds. */
export class RateWindow {
  readonly #counts = new Map<number, number>()

  add(nowMs: number, count = 1): void {
    const second = Math.floor(nowMs / 1_000)
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + count)
    this.#forget(second)
  }

  perSecond(nowMs: number): number {
    this.#forget(Math.floor(nowMs / 1_000))
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total / windowSeconds
  }

  #forget(second: number): void {
    for (const key of this.#counts.keys()) {
      // Seconds of the future are left over from a clock that was set back.
      if (key <= second - windowSeconds || key > second) this.#counts.delete(key)
    }
  }
}
