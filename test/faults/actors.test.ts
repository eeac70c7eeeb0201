import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildActors } from '../fixtures/actors/build-actors.mjs'
import { startActors } from '../support/actors.ts'
import { closeEngines, startEngine } from '../support/engine.ts'
import { actorsUnderKills } from './actors.ts'
import { chosenSeed, Random } from './random.ts'

beforeAll(() => buildActors())
afterAll(() => closeEngines())

it('16 actors under a mixed load with sandboxes killed: no acknowledged write is lost, every unknown one is told', async () => {
  const actors = await startActors(await startEngine(), 'probe')
  const load = { actors: 16, requests: 320, kills: 2, width: 16 }
  const result = await actorsUnderKills(actors, load, new Random(chosenSeed()))
  expect(result.kills).toBe(2)
  expect(result.acknowledged).toBeGreaterThan(150)
  expect(result.applied).toBeGreaterThanOrEqual(result.acknowledged)
})
