import { expect, it } from 'vitest'
import { CapabilityCounts } from './capability-counts.ts'

it('adds runs up, takes the newest report of a run, and counts what the engine refused', () => {
  const counts = new CapabilityCounts()
  expect(counts.report(1, { chain: { calls: 3, denied: 0 } }, 10)).toEqual([])
  expect(counts.report(1, { chain: { calls: 5, denied: 1 } }, 20)).toEqual(['chain'])
  expect(counts.report(2, { chain: { calls: 2, denied: 0 } }, 30)).toEqual([])
  counts.refuse('chain')
  expect(counts.of('chain')).toEqual({ calls: 7, denied: 2, lastUsedAt: 30 })
  expect(counts.of('__proto__')).toEqual({ calls: 0, denied: 0, lastUsedAt: null })
})

it('knows when a capability was used last', () => {
  const counts = new CapabilityCounts()
  counts.report(1, { chain: { calls: 3, denied: 0 }, http: { calls: 1, denied: 1 } }, 10)
  counts.report(1, { chain: { calls: 3, denied: 0 }, http: { calls: 2, denied: 2 } }, 20)
  expect(counts.of('chain').lastUsedAt).toBe(10)
  expect(counts.of('http').lastUsedAt).toBe(20)
  counts.use('chain', 25)
  expect(counts.of('chain')).toEqual({ calls: 3, denied: 0, lastUsedAt: 25 })
})
