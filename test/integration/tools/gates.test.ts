/** Gates, permits, single preparation, recycling of threads: who waits for whom, and who holds what (spec tools 9). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEngines } from '../../support/engine.ts'
import { failureOf, nothingHeld, TestTools } from '../../support/tool-engine.ts'
import { handTool, type HandOptions } from '../../support/tool-components.ts'
import { until as untilSoon } from '../../support/until.ts'

let tools: TestTools

beforeAll(async () => {
  tools = await TestTools.start()
  await tools.load({ name: 'hand', component: 'hand' })
  await tools.load({ name: 'other', component: 'hand', limits: { timeout_ms: 5000 } })
}, 120_000)

afterAll(async () => {
  await closeEngines()
  await tools.close()
})

/** Many threads take their time to begin on a small machine. */
async function until(expectation: () => void): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      await untilSoon(expectation)
      return
    } catch {
      // Once more, and at last for good.
    }
  }
  await untilSoon(expectation)
}

const [wait, count] = [{ deed: 'wait' }, { deed: 'count' }]

/** Another component each: nothing prepared of one serves another. */
function distinct(number: number, more: HandOptions['replace'] = []): Promise<Uint8Array> {
  return handTool({ replace: [['"one"', `"${String(number).padStart(3, '0')}"`], ...more] })
}

/** A tool that takes its time to say what it is. */
const slowSchema: NonNullable<HandOptions['replace']> = [
  [
    '(func (export "near:agent/tool@0.4.1#schema") (result i32)',
    `(func (export "near:agent/tool@0.4.1#schema") (result i32)
      (call $block (call $subscribe (i64.const 3500000000)))`,
  ],
]

function running(): number {
  return tools.service.all.reduce((sum, { counts }) => sum + counts.running, 0)
}

describe('gates', () => {
  it('spec tools 14 gates, permit ownership: with 64 under way the 65th waits, a preparation does not; 64 who leave give all back', async () => {
    const leave = new AbortController()
    let most = 0
    const stop = setInterval(() => {
      const busy = tools.service.pool.all.flatMap(({ threads }) => [...threads]).length
      most = Math.max(most, running())
      expect(busy).toBeLessThanOrEqual(32 * tools.service.pool.all.length)
    }, 5)
    const calls = Array.from({ length: 64 }, () => tools.call('hand', wait, { signal: leave.signal }))
    await until(() => expect(running()).toBe(64))
    const late = tools.call('hand', count)
    await until(() => expect(tools.service.gates[0]?.waiting).toBe(1))
    await tools.load({ name: 'fresh', component: await distinct(1) })
    expect(tools.service.list().find(({ module }) => module === 'fresh')?.state).toBe('ready')
    expect(tools.service.gates[0]?.waiting).toBe(1)
    leave.abort()
    const again = Array.from({ length: 64 }, () => tools.call('hand', count))
    expect((await late).outcome).toMatchObject({ ok: true })
    for (const view of await Promise.all(calls)) expect(failureOf(view).kind).toBe('cancelled')
    for (const view of await Promise.all(again)) expect(view.outcome).toEqual({ ok: true, output: '1' })
    clearInterval(stop)
    expect(most).toBe(64)
    expect(tools.held).toEqual(nothingHeld)
  }, 120_000)

  it('spec tools 14 gates: with 16 preparing a prepared call is answered within 200 ms', async () => {
    const names = Array.from({ length: 17 }, (_, index) => `slow-${index}`)
    const loads = names.map(async (name, index) =>
      tools.load({ name, component: await distinct(100 + index, slowSchema) }),
    )
    await until(() => expect(tools.service.preparing.inUse).toBe(16))
    const times: number[] = []
    for (let round = 0; round < 5; round += 1) {
      const began = performance.now()
      expect(await tools.output('hand', count)).toBe(1)
      times.push(performance.now() - began)
    }
    expect(tools.service.preparing.inUse).toBe(16)
    expect(Math.min(...times)).toBeLessThan(200)
    await Promise.all(loads)
    expect(tools.service.preparing.inUse).toBe(0)
  }, 120_000)

  it('spec tools 14 single flight: 50 first calls prepare once, and the first can leave', async () => {
    const { begun, described } = tools.service.prepared
    const load = tools.load({ name: 'cold', component: await distinct(200, slowSchema) })
    await until(() =>
      expect(tools.service.list().find(({ module }) => module === 'cold')?.state).toBe('preparing'),
    )
    const leave = new AbortController()
    const first = tools.call('cold', count, { signal: leave.signal })
    const others = Array.from({ length: 49 }, () => tools.call('cold', count))
    await until(() =>
      expect(tools.service.view(tools.service.history({ limit: 1 })[0]?.id ?? '')?.state).toBe('preparing'),
    )
    leave.abort()
    expect(failureOf(await first).kind).toBe('cancelled')
    for (const view of await Promise.all(others)) expect(view.outcome).toEqual({ ok: true, output: '1' })
    await load
    expect([tools.service.prepared.begun - begun, tools.service.prepared.described - described]).toEqual([
      1, 1,
    ])
  }, 120_000)

  it('spec tools 14 single flight: a component that fails fails all 50, tried once', async () => {
    const { begun } = tools.service.prepared
    const failing: NonNullable<HandOptions['replace']> = [
      [
        '(i32.store (i32.const 516) (i32.const 92))',
        '(call $block (call $subscribe (i64.const 1000000000))) (i32.store (i32.const 516) (i32.const 40))',
      ],
    ]
    const load = tools.load({ name: 'broken', component: await distinct(201, failing) })
    await until(() =>
      expect(tools.service.list().find(({ module }) => module === 'broken')?.state).toBe('preparing'),
    )
    const calls = Array.from({ length: 50 }, () => tools.call('broken', count))
    for (const view of await Promise.all(calls)) {
      expect(failureOf(view)).toMatchObject({ kind: 'manifest', code: 'invalid_schema' })
    }
    await load
    expect(tools.service.prepared.begun - begun).toBe(1)
    expect(tools.held).toEqual(nothingHeld)
  }, 120_000)
})

describe('threads', () => {
  it('spec tools 14 live memories: 64 at a time, 10 times over, without a failure and within the bounds of each process', async () => {
    let [mostThreads, mostInstances] = [0, 0]
    const stop = setInterval(() => {
      for (const { threads, instances } of tools.service.pool.all) {
        mostThreads = Math.max(mostThreads, threads.size)
        mostInstances = Math.max(mostInstances, instances)
      }
    }, 2)
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        for (let round = 0; round < 10; round += 1) expect(await tools.output('other', count)).toBe(1)
      }),
    )
    clearInterval(stop)
    expect(mostThreads).toBeGreaterThan(0)
    expect(mostThreads).toBeLessThanOrEqual(32)
    // One that is being made while its thread is counted may be above.
    expect(mostInstances).toBeLessThanOrEqual(91)
    expect(tools.held).toEqual(nothingHeld)
  }, 120_000)
})
