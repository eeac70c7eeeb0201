import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { closeEngines } from '../support/engine.ts'
import { faults } from './all.ts'
import { Arena } from './arena.ts'
import { chosenSeed, Random } from './random.ts'
import { tryFault } from './run.ts'

// PADDOCK_FAULTS=long tries each as often as `npm run faults` does.
const patienceMs = process.env['PADDOCK_FAULTS'] === 'long' ? 1_800_000 : 120_000
const random = new Random(chosenSeed())
let arena: Arena

beforeAll(async () => {
  await buildFixtures()
  arena = await Arena.open(random)
})
afterAll(async () => {
  await closeEngines()
  await arena.close()
})

describe.skipIf(process.platform !== 'linux')(`faults at the moments of seed ${random.seed}`, () => {
  it.for(faults)('$name', { timeout: patienceMs }, async (fault, { skip }) => {
    const { error, skipped, tried } = await tryFault(arena, fault)
    if (skipped !== null) skip(skipped)
    if (error !== null) throw error
    expect(tried).toBeGreaterThan(0)
  })
})
