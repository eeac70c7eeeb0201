import { expect, it } from 'vitest'
import { CapabilityCounts } from './capability-counts.ts'

it('adds runs up, takes the newest report of a run, and counts what the engine refused', () => {
  const counts = new CapabilityCounts()
  counts.report(1, { chain: { calls: 3, denied: 0 } })
  counts.report(1, { chain: { calls: 5, denied: 1 } })
  counts.report(2, { chain: { calls: 2, denied: 0 } })
  counts.refuse('chain')
  expect(counts.of('chain')).toEqual({ calls: 7, denied: 2 })
  expect(counts.of('__proto__')).toEqual({ calls: 0, denied: 0 })
})
