import { afterAll, expect, it } from 'vitest'
import { closeEngines, startEngine } from '../support/engine.ts'
import { slowSink } from './slow-sink.ts'

afterAll(() => closeEngines())

const mebibyte = 1_048_576

it('spec flows 18 memory bound: 200,000 elements before a sink that pauses: none lost, in order, memory bounded', async () => {
  const result = await slowSink(await startEngine(), {
    elements: 200_000,
    warmUp: 80_000,
    leastMs: 0,
    pauseEvery: 1_000,
  })
  expect(result.deepest).toBeLessThanOrEqual(result.bound)
  // The young generation grows for a while yet; 200 bytes kept of each element would be more.
  expect(result.grownAtEndBytes).toBeLessThan(24 * mebibyte)
}, 120_000)
