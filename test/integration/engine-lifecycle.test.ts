import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  isAlive,
  MovableClock,
  range,
  startEngine,
  type TestEngine,
} from '../support/engine.ts'
import { until } from '../support/until.ts'

let folder: string
let anvil: Anvil
let clock: MovableClock
let test: TestEngine
/** Number of the newest block. */
let head = 0

beforeAll(async () => {
  await buildFixtures()
  folder = await mkdtemp(join(tmpdir(), 'paddock-lifecycle-'))
  anvil = await new Anvil().start(join(folder, 'state.json'))
})
afterAll(async () => {
  await anvil.end('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  clock = new MovableClock()
  test = await startEngine({ chains: [chainOf(anvil.ws)], clock })
})
afterEach(closeEngines)

async function mine(count: number): Promise<void> {
  await anvil.mine(count)
  head += count
}

/** Loads a bundle and waits until it hears of blocks. */
async function load(...bundle: Parameters<typeof bundleOf>): Promise<string> {
  const name = await test.load(await bundleOf(...bundle))
  await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
  return name
}

/** Every block of the range exactly once, none besides. */
async function expectEachOnce(name: string, first: number, last: number): Promise<void> {
  const keys = await test.engine.modules.storeKeys({ name, prefix: 'block/', after: null, limit: 1_000 })
  const numbers = keys.entries.map(({ key }) => Number(key.slice('block/'.length))).sort((a, b) => a - b)
  expect(numbers).toEqual(range(first, last))
  for (const number of numbers)
    expect([number, await test.stored(name, `block/${number}`)]).toEqual([number, '1'])
}

describe('a module that works', () => {
  it('loads, initialises, handles events, stops, starts and restarts on one store', async () => {
    const first = head + 1
    await load('counter')
    expect(test.states.get('counter')).toEqual(['resolving', 'loading', 'initialising', 'running'])
    expect(test.view('counter')).toMatchObject({ run: 1, restarts: 0, lastError: null })
    const { pid } = test.view('counter')
    expect(isAlive(pid!)).toBe(true)

    await mine(3)
    await test.whenCommitted('counter', head)

    await test.engine.modules.stop('counter')
    expect(test.states.get('counter')!.slice(-2)).toEqual(['stopping', 'stopped'])
    expect(test.view('counter').pid).toBeNull()
    expect(isAlive(pid!)).toBe(false)
    await mine(2)

    await test.engine.modules.start('counter')
    expect(test.view('counter')).toMatchObject({ run: 2, restarts: 0, status: { state: 'running' } })
    await test.whenCommitted('counter', head)
    await test.engine.modules.restart('counter')
    expect(test.view('counter')).toMatchObject({ run: 3, restarts: 0 })
    await mine(1)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
    expect(test.committed('counter')).toEqual(range(first, head))
  })

  it('leaves its store when it is removed, and takes it along when purged', async () => {
    await load('counter')
    const first = head + 1
    await mine(1)
    await test.whenCommitted('counter', head)
    const { bundlePath } = test.view('counter')
    await test.engine.modules.remove('counter', false)
    expect(test.engine.modules.views()).toEqual([])
    await test.load(bundlePath)
    await mine(1)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
    await test.engine.modules.remove('counter', true)
    await test.load(bundlePath)
    expect(await test.stored('counter', 'count/0')).toBeNull()
  })
})

describe('modules that do not work', () => {
  it('spec nexum-host 18 row 67: end by themselves while another goes on with every block', async () => {
    const first = head + 1
    await load('counter')

    await test.load(await bundleOf('init-rejected'))
    expect(test.view('init-rejected').status).toMatchObject({
      state: 'dead',
      error: { code: 'module.init_rejected' },
    })
    expect(test.view('init-rejected')).toMatchObject({
      restarts: 0,
      run: 1,
      lastError: { error: { code: 'module.init_rejected' } },
    })

    await test.load(await bundleOf('init-unavailable'))
    expect(test.states.get('init-unavailable')).toContain('restarting')
    await test.whenState('init-unavailable', 'dead')
    expect(test.view('init-unavailable')).toMatchObject({
      restarts: 4,
      run: 5,
      lastError: { error: { code: 'guest.error' } },
    })

    await test.load(await bundleOf('trap-init'))
    await test.whenState('trap-init', 'dead')
    expect(test.view('trap-init').lastError?.error.code).toBe('sandbox.trap')

    await mine(2)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
    expect(test.view('counter')).toMatchObject({ run: 1, restarts: 0, lastError: null })
    expect(test.engine.state.snapshot().engine.sandboxes).toBe(1)
  })

  it('spec nexum-host 18 row 7, 69: start again after a trap, rolled back; five in ten minutes are the end, reviving forgives', async () => {
    await load('trap')
    await test.load(await bundleOf('counter'))
    const first = head + 1
    for (const failure of range(1, 4)) {
      await mine(1)
      await test.whenRun('trap', failure + 1)
      expect(test.view('trap')).toMatchObject({
        restarts: failure,
        lastError: { error: { code: 'sandbox.trap' } },
      })
    }
    expect(await test.stored('trap', 'trap/touched')).toBeNull()
    expect(test.states.get('trap')!.slice(-4)).toEqual(['restarting', 'loading', 'initialising', 'running'])
    await mine(1)
    await test.whenState('trap', 'dead')
    expect(test.view('trap')).toMatchObject({ run: 5, restarts: 4, pid: null })

    await test.engine.modules.start('trap')
    const { run } = test.view('trap')
    await test.when(
      'the trap was tried again',
      () => test.view('trap').run > run || test.state('trap') === 'running',
    )
    await mine(1)
    await test.whenRun('trap', run + 1)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
  })

  it('fail far apart without an end', async () => {
    await load('trap')
    for (const failure of range(1, 7)) {
      clock.skip(11 * 60_000)
      await mine(1)
      // A committed event would forgive; this module has none, and ten in a row are the other bound.
      await test.whenRun('trap', failure + 1)
    }
    expect(test.view('trap')).toMatchObject({ restarts: 7, status: { state: 'running' } })
  })

  it('spec nexum-host 18 row 70, 71: that loop, grow or recurse without end are replaced, and nobody else notices', async () => {
    const first = head + 1
    await load('counter')
    await test.load(await bundleOf('endless-loop', { limits: { fuel_per_event: 10_000_000 } }))
    await test.load(await bundleOf('endless-loop', { name: 'slow-loop', limits: { deadline_ms: 200 } }))
    await test.load(await bundleOf('memory-hog', { limits: { memory_bytes: 8 * 1024 * 1024 } }))
    await test.load(await bundleOf('deep-recursion'))
    const names = ['endless-loop', 'slow-loop', 'memory-hog', 'deep-recursion']
    const pids = names.map((name) => test.view(name).pid!)
    await mine(1)
    for (const name of names) await test.whenRun(name, 2)
    const code = (name: string) => test.view(name).lastError?.error.code
    expect(code('endless-loop')).toBe('sandbox.out_of_fuel')
    expect(['sandbox.deadline', 'sandbox.out_of_fuel']).toContain(code('slow-loop'))
    expect(['sandbox.out_of_memory', 'sandbox.trap']).toContain(code('memory-hog'))
    expect(code('deep-recursion')).toBe('sandbox.trap')
    for (const pid of pids) await until(() => expect(isAlive(pid)).toBe(false))
    await mine(1)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
    expect(test.view('counter')).toMatchObject({ run: 1, restarts: 0 })
  })

  it('spec nexum-host 18 row 65: that answer an error keep their instance; the event is rolled back and not repeated', async () => {
    await load('host-error')
    await mine(2)
    await test.when('both were rolled back', () => test.dispatches.length === 2)
    expect(test.dispatches.map(({ dispatch }) => [dispatch.result, dispatch.error?.code])).toEqual([
      ['rolled-back', 'guest.error'],
      ['rolled-back', 'guest.error'],
    ])
    expect(await test.stored('host-error', 'host-error/touched')).toBeNull()
    expect(test.view('host-error')).toMatchObject({
      run: 1,
      restarts: 0,
      usage: { rolledBack: 2, rolledBackInRow: 2 },
      lastError: { error: { code: 'guest.error' } },
    })
  })
})

describe('a sandbox that is killed', () => {
  it('spec nexum-host 18 row 35: is replaced without losing or doubling a block, at twenty-four random moments', async () => {
    const first = head + 1
    await load('counter')
    let kills = 0
    while (kills < 24) {
      const mining = mine(3)
      // Anywhere between the first event's way in and the last one's way out.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 12))
      const { pid, run } = test.view('counter')
      if (pid === null) continue
      process.kill(pid, 'SIGKILL')
      kills += 1
      // Every third time it dies again while it starts.
      if (kills % 3 === 0) {
        await test.when(
          'the next process is there',
          () => test.view('counter').pid !== null && test.view('counter').pid !== pid,
        )
        process.kill(test.view('counter').pid!, 'SIGKILL')
        kills += 1
      }
      await mining
      await test.whenRun('counter', run + 1)
      // An event during which three processes die is given up by design, so each round comes to its end.
      await test.whenCommitted('counter', head)
      clock.skip(11 * 60_000)
    }
    expect(test.dispatches.filter(({ dispatch }) => dispatch.result !== 'committed')).toEqual([])
    await expectEachOnce('counter', first, head)
    expect(new Set(test.committed('counter')).size).toBe(test.committed('counter').length)
    expect(test.view('counter').lastError?.error.code).toBe('sandbox.exited')
  })

  it('that died five times is revived by hand and catches up', async () => {
    const first = head + 1
    await load('counter')
    await mine(1)
    await test.whenCommitted('counter', head)
    for (const failure of range(1, 5)) {
      await mine(2)
      const { run, pid } = test.view('counter')
      process.kill(pid!, 'SIGKILL')
      if (failure < 5) await test.whenRun('counter', run + 1)
    }
    await test.whenState('counter', 'dead')
    await mine(4)
    await test.engine.modules.start('counter')
    await test.whenRun('counter', 6)
    await mine(1)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
  })
})
