/** Durations in 25 bounds from 100 ns to 10 s and an overflow (spec flows 11). Recording allocates nothing. */

const decades = 8
const steps = [1, 2.5, 5]
const firstBoundNs = 100

function makeBounds(): Float64Array {
  const bounds: number[] = []
  for (let decade = 0; decade < decades; decade += 1) {
    for (const step of steps) bounds.push(firstBoundNs * step * 10 ** decade)
  }
  bounds.push(firstBoundNs * 10 ** decades)
  return Float64Array.from(bounds)
}

/** Upper bounds in nanoseconds. */
export const histogramBounds = makeBounds()

const maxExponent = 31

/** By the number of leading zeros of a duration, the first bucket that it can be in. */
const firstBuckets = Uint8Array.from({ length: maxExponent + 2 }, (_, zeros) => {
  const least = zeros > maxExponent ? 0 : 2 ** (maxExponent - zeros)
  const found = histogramBounds.findIndex((bound) => least <= bound)
  return found < 0 ? histogramBounds.length : found
})

export class Histogram {
  count = 0
  sumNs = 0
  minNs = Number.POSITIVE_INFINITY
  maxNs = 0
  private readonly buckets = new Float64Array(histogramBounds.length + 1)

  /** Notes one duration in nanoseconds. */
  record(ns: number): void {
    this.count += 1
    this.sumNs += ns
    if (ns < this.minNs) this.minNs = ns
    if (ns > this.maxNs) this.maxNs = ns
    let bucket = ns > 0x7fff_ffff ? secondsBucket : (firstBuckets[Math.clz32(ns)] ?? 0)
    while (bucket < histogramBounds.length && ns > (histogramBounds[bucket] ?? 0)) bucket += 1
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
  }

  /** Nanoseconds that a share of 0 to 1 of all durations stay within: linear inside a bucket, the overflow reports the longest. */
  percentile(share: number): number {
    if (this.count === 0) return 0
    const rank = share * this.count
    let below = 0
    for (let bucket = 0; bucket < histogramBounds.length; bucket += 1) {
      const inside = this.buckets[bucket] ?? 0
      if (inside > 0 && below + inside >= rank) {
        const lower = bucket === 0 ? 0 : (histogramBounds[bucket - 1] ?? 0)
        const upper = histogramBounds[bucket] ?? 0
        const value = lower + ((upper - lower) * Math.max(0, rank - below)) / inside
        return Math.min(this.maxNs, Math.max(this.minNs, value))
      }
      below += inside
    }
    return this.maxNs
  }
}

const secondsBucket = histogramBounds.findIndex((bound) => bound > 2 ** maxExponent)
