import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { budgetsSchema } from '../../src/shared/domain/budgets.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import { bundleOf, chainOf, closeEngines, startEngine, type TestEngine } from '../support/engine.ts'
import { until } from '../support/until.ts'

let folder: string
let anvil: Anvil
let test: TestEngine
/** Number of the newest block. */
let head = 0

beforeAll(async () => {
  await buildFixtures()
  folder = await mkdtemp(join(tmpdir(), 'paddock-gates-'))
  anvil = await new Anvil().start(join(folder, 'state.json'))
})
afterAll(async () => {
  await anvil.end('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  test = await startEngine({ chains: [chainOf(anvil.ws)] })
})
afterEach(closeEngines)

async function loadWarm(): Promise<string> {
  const name = await test.load(await bundleOf('counter'))
  await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
  await nextBlock(name)
  return name
}

async function whenPrepared(name: string): Promise<void> {
  await test.when(`${name} is loaded`, () =>
    test.engine.modules
      .views()
      .some((module) => module.name === name && module.status.state === 'initialising'),
  )
}

async function nextBlock(name: string): Promise<void> {
  await anvil.mine(1)
  head += 1
  await test.whenCommitted(name, head)
}

/** Milliseconds from an event's arrival to its commit, for the blocks from `first` on; ascending. */
function latencies(name: string, first: number): number[] {
  return test.dispatches
    .filter(({ module, dispatch }) => module === name && (dispatch.blockNumber ?? 0) >= first)
    .map(({ dispatch: { queuedMs, durationMs } }) => queuedMs + durationMs)
    .sort((a, b) => a - b)
}

function p99(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

describe('preparing and executing', () => {
  it('forty cold loads at once do not hold up the events of a warm module', async () => {
    const name = await loadWarm()
    const quietFrom = head + 1
    for (let block = 0; block < 150; block += 1) await nextBlock(name)
    const quiet = latencies(name, quietFrom)

    const bundles = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        // A limit of its own each, so that each is compiled; rejected in the end, so that no process stays.
        bundleOf('init-rejected', {
          name: `cold-${index}`,
          chainId: null,
          limits: { memory_bytes: 8_388_608 + index * 65_536 },
        }),
      ),
    )
    const burstFrom = head + 1
    const began = performance.now()
    let mostPreparing = 0
    const state = { over: false }
    const burst = Promise.all(bundles.map((bundle) => test.load(bundle))).finally(() => {
      state.over = true
    })
    burst.catch(() => undefined)
    while (!state.over) {
      await nextBlock(name)
      mostPreparing = Math.max(mostPreparing, test.engine.gates.preparing.inUse)
    }
    await burst
    const loadMs = ((performance.now() - began) / bundles.length) * mostPreparing
    const during = latencies(name, burstFrom)
    // Whoever waited for one permit only would wait for a load. Processors are shared, so the slowest may be slower.
    expect(p99(during)).toBeLessThan(loadMs / 2)
    expect(median(during)).toBeLessThan(10 * p99(quiet))
    expect(during.length).toBeGreaterThan(50)
    expect(mostPreparing).toBeGreaterThan(1)
    for (const bundle of bundles.keys())
      expect(test.view(`cold-${bundle}`).lastError?.error.code).toBe('module.init_rejected')
    expect(test.engine.gates.preparing.inUse).toBe(0)
  }, 60_000)

  it('goes on preparing while as much executes as may', async () => {
    const { preparing, executing } = test.engine.gates
    while (executing.tryTake());
    expect(executing.inUse).toBe(64)
    const loading = test.load(await bundleOf('counter'))
    await whenPrepared('counter')
    expect([preparing.inUse, executing.waiting]).toEqual([0, 1])
    executing.giveBack()
    await loading
    expect(test.state('counter')).toBe('running')
    await until(() => expect(executing.inUse).toBe(63))
  })

  it('goes on executing while as much prepares as may', async () => {
    const name = await loadWarm()
    const { preparing, executing } = test.engine.gates
    while (preparing.tryTake());
    expect(preparing.inUse).toBe(16)
    let loaded = false
    const loading = test.load(await bundleOf('counter', { name: 'late' })).then(() => {
      loaded = true
    })
    for (let block = 0; block < 20; block += 1) await nextBlock(name)
    expect([loaded, preparing.waiting, executing.inUse]).toEqual([false, 1, 0])
    preparing.giveBack()
    await loading
    expect(test.state('late')).toBe('running')
    expect(preparing.inUse).toBe(15)
  })

  it('gives the permit of a load back whose module was stopped meanwhile', async () => {
    const { preparing, executing } = test.engine.gates
    while (executing.tryTake());
    const loading = test.load(await bundleOf('counter'))
    await whenPrepared('counter')
    await test.engine.modules.stop('counter')
    await loading
    expect([preparing.inUse, executing.waiting, test.engine.governor.open]).toEqual([0, 0, 0])
    expect(test.state('counter')).toBe('stopped')
  })
})

describe('budgets', () => {
  it('stop the events of one module only, and let it go on when there is more', async () => {
    const name = await loadWarm()
    const other = await test.load(await bundleOf('counter', { name: 'other' }))
    const limited = (limit: number): ReturnType<typeof budgetsSchema.parse> =>
      budgetsSchema.parse({ modules: { [name]: [{ dimension: 'invocations', limit, period: 'day' }] } })
    test.engine.setBudgets(limited(2))
    const first = head + 1
    for (let block = 0; block < 5; block += 1) await nextBlock(other)
    await test.when('the module waits', () =>
      test.engine.state.snapshot().notices.some(({ error }) => error.code === 'governor.limit_exceeded'),
    )
    expect(test.committed(name).filter((block) => block >= first)).toEqual([first, first + 1])
    test.engine.setBudgets(limited(100))
    await test.whenCommitted(name, head)
    expect(test.committed(name).filter((block) => block >= first)).toEqual(
      [0, 1, 2, 3, 4].map((index) => first + index),
    )
    await until(() => expect(test.engine.governor.open).toBe(0))
    expect(test.engine.governor.standings()).toMatchObject([
      { account: `operator/module/${name}`, used: 5, held: 0 },
    ])
    expect(test.engine.state.snapshot().notices).toEqual([])
  })

  it('hold nothing after a sandbox was killed, and outlive the engine', async () => {
    const name = await loadWarm()
    test.engine.setBudgets(
      budgetsSchema.parse({ operator: [{ dimension: 'invocations', limit: 1_000, period: 'week' }] }),
    )
    for (let block = 0; block < 3; block += 1) await nextBlock(name)
    const { pid, run } = test.view(name)
    process.kill(pid!, 'SIGKILL')
    await test.whenRun(name, run + 1)
    await nextBlock(name)
    await until(() => expect([test.engine.governor.open, test.engine.gates.executing.inUse]).toEqual([0, 0]))
    const [standing] = test.engine.governor.standings()
    expect(standing).toMatchObject({ account: 'operator', held: 0 })
    expect(standing!.used).toBeGreaterThanOrEqual(5)
    await test.engine.shutdown()
    const again = await startEngine({ stateDir: test.stateDir, settings: test.settings })
    expect(again.engine.governor.standings()[0]!.used).toBeGreaterThanOrEqual(standing!.used)
    await again.whenState(name, 'running')
  })
})
