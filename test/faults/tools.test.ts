import { afterAll, expect, it } from 'vitest'
import { closeEngines } from '../support/engine.ts'
import { chosenSeed, Random } from './random.ts'
import { toolStorm } from './tool-storm.ts'

afterAll(() => closeEngines())

it('spec tools 14 main thread, permit ownership, cancellation: a storm of 200 calls of 40 callers is answered call by call and leaves nothing', async () => {
  const { ended, delay, idle } = await toolStorm({ calls: 200, callers: 40 }, new Random(chosenSeed()))
  expect(ended['ok']).toBeGreaterThan(80)
  expect(ended['cancelled']).toBeGreaterThan(20)
  expect(ended['guest']).toBeGreaterThan(10)
  // What the machine makes every process wait is no fault of ours.
  expect(delay.p99).toBeLessThan(16 + idle.p99)
}, 120_000)
