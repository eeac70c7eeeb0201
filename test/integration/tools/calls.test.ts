/** Calls of tools in a real engine: what they answer, and how they end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEngines } from '../../support/engine.ts'
import { nothingHeld, TestTools } from '../../support/tool-engine.ts'

let tools: TestTools

beforeAll(async () => {
  tools = await TestTools.start()
  await tools.load({ name: 'probe' })
  await tools.load({ name: 'hand', component: 'hand', limits: { timeout_ms: 500 } })
}, 120_000)

afterAll(async () => {
  await closeEngines()
  await tools.close()
})

describe('a call', () => {
  it('spec tools 14 cost: is served warm, and listing instantiates nothing', async () => {
    expect(await tools.output('probe', { step: { do: 'answer', value: { a: 1 } } })).toEqual({ a: 1 })
    const { described, begun } = tools.service.prepared
    const uses = (): number => tools.service.pool.all.reduce((sum, { instances }) => sum + instances, 0)
    const before = uses()
    const views = tools.service.list()
    expect(views.map(({ module, state }) => [module, state])).toEqual([
      ['probe', 'ready'],
      ['hand', 'ready'],
    ])
    expect(JSON.parse(views[0]?.schema ?? '')).toMatchObject({ type: 'object' })
    expect([uses(), tools.service.prepared.described, tools.service.prepared.begun]).toEqual([
      before,
      described,
      begun,
    ])
    const times: number[] = []
    for (let round = 0; round < 30; round += 1) {
      const began = performance.now()
      await tools.output('hand', { deed: 'count' })
      times.push(performance.now() - began)
    }
    const median = times.sort((a, b) => a - b)[15] ?? 0
    console.info(`warm call: ${median.toFixed(2)} ms p50`)
    expect(median).toBeLessThan(15)
  })
})

it('leaves nothing held', () => {
  expect(tools.held).toEqual(nothingHeld)
})
