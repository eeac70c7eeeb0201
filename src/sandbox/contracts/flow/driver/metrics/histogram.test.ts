import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram, histogramBounds } from './histogram.ts'

function bucketOf(ns: number): number {
  const found = histogramBounds.findIndex((bound) => ns <= bound)
  return found < 0 ? histogramBounds.length : found
}

describe('spec flows 18, metrics: percentiles', () => {
  it('has 25 bounds from 100 ns to 10 s', () => {
    expect([...histogramBounds.slice(0, 4)]).toEqual([100, 250, 500, 1_000])
    expect(histogramBounds).toHaveLength(25)
    expect(histogramBounds.at(-1)).toBe(1e10)
  })

  it('are within one bucket of those of the sorted list', () => {
    const durations = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.double({ min: 0, max: 3e10, noNaN: true })),
      { minLength: 1, maxLength: 400 },
    )
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99, 1), (list, share) => {
        const histogram = new Histogram()
        for (const ns of list) histogram.record(ns)
        const sorted = [...list].sort((one, other) => one - other)
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0
        expect(Math.abs(bucketOf(histogram.percentile(share)) - bucketOf(exact))).toBeLessThanOrEqual(1)
        expect(histogram.count).toBe(list.length)
        expect([histogram.minNs, histogram.maxNs]).toEqual([sorted[0], sorted.at(-1)])
      }),
      { numRuns: 300 },
    )
  })

  it('beyond the last bound are the longest, and nothing is 0', () => {
    const histogram = new Histogram()
    expect(histogram.percentile(0.99)).toBe(0)
    for (const ns of [2e10, 4e10]) histogram.record(ns)
    expect(histogram.percentile(0.5)).toBe(4e10)
  })
})
