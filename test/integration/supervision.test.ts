import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'
import { ForkLauncher } from '../../src/engine/sandboxes/fork-launcher.ts'
import { Sandbox, type SandboxEnd } from '../../src/engine/sandboxes/sandbox.ts'
import type { ModuleView } from '../../src/shared/domain/module.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  entries,
  faultOf,
  fileSettings,
  isAlive,
  MovableClock,
  range,
  startEngine,
  temporaryFolder,
  type TestEngine,
} from '../support/engine.ts'
import { until } from '../support/until.ts'

let anvil: Anvil
let head = 0
const children: ChildProcess[] = []
const mebibyte = 1_048_576

beforeAll(async () => {
  await buildFixtures()
  anvil = await new Anvil().start(join(await temporaryFolder(), 'state.json'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await closeEngines()
})
afterAll(() => anvil.end('SIGKILL'))

async function mine(count: number): Promise<void> {
  await anvil.mine(count)
  head += count
}

async function live(test: TestEngine): Promise<TestEngine> {
  await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
  return test
}

async function blocksOf(test: TestEngine, name: string): Promise<[number, string | null][]> {
  const { entries: keys } = await test.engine.modules.storeKeys({
    name,
    prefix: 'block/',
    after: null,
    limit: 1_000,
  })
  const numbers = keys.map(({ key }) => Number(key.slice('block/'.length))).sort((a, b) => a - b)
  return Promise.all(
    numbers.map(async (number): Promise<[number, string | null]> => [
      number,
      await test.stored(name, `block/${number}`),
    ]),
  )
}

const onceEach = (first: number, last: number) => range(first, last).map((number) => [number, '1'])

function signal(view: ModuleView, name: NodeJS.Signals): void {
  if (view.pid === null) throw new Error(`${view.name} has no process`)
  process.kill(view.pid, name)
}

describe.skipIf(process.platform === 'win32')('a sandbox that stops answering', () => {
  it('is found within 3 s, replaced with nothing lost, and hurts no other module', async () => {
    const test = await startEngine({ chains: [chainOf(anvil.ws)] })
    const first = head + 1
    await test.load(await bundleOf('counter', { name: 'frozen' }))
    await test.load(await bundleOf('counter', { name: 'bystander' }))
    await live(test)
    await mine(1)
    await test.whenCommitted('frozen', head)
    const before = test.view('frozen')
    const stoppedAt = performance.now()
    signal(before, 'SIGSTOP')
    for (const _ of range(1, 3)) {
      await mine(1)
      await test.whenCommitted('bystander', head)
    }
    expect(test.view('frozen').pid).toBe(before.pid)
    await test.when('the frozen one is found', () => test.view('frozen').lastError !== null)
    const foundMs = performance.now() - stoppedAt
    // Found within 3 s; the rest is the way from the kill to here on a busy machine.
    expect(foundMs).toBeLessThan(3_500)
    expect(foundMs).toBeGreaterThan(1_500)
    expect(test.view('frozen').lastError?.error).toMatchObject({
      code: 'sandbox.unresponsive',
      details: { class: 'killed', signal: 'SIGKILL' },
    })
    expect(test.view('frozen').lastError?.error.message).toMatch(/did not answer for 2\.[789] s|for 3\.0 s/)
    await test.whenRun('frozen', 2)
    await test.whenCommitted('frozen', head)
    expect(isAlive(before.pid ?? 0)).toBe(false)
    expect(test.view('bystander')).toMatchObject({ run: 1, restarts: 0, lastError: null })
    for (const name of ['frozen', 'bystander'])
      expect(await blocksOf(test, name)).toEqual(onceEach(first, head))
  })
})

describe('a sandbox process', () => {
  it('that holds too much memory is ended with that reason', async () => {
    const sandbox = new Sandbox({
      launcher: new ForkLauncher(),
      entry: entries.sandbox,
      serviceName: 'too-large',
      generation: 1,
      clock: systemClock,
      // No Node process is this small: its first report is over the limit.
      residentLimitBytes: 16 * mebibyte,
      handlers: {
        onHostCall: () => Promise.reject(new Error('unexpected')),
        onLogs: () => undefined,
        onProcess: () => undefined,
        onOutput: () => undefined,
      },
    })
    const end = await new Promise<SandboxEnd>((resolve) => sandbox.onEnd(resolve))
    expect(end).toMatchObject({
      class: 'oom',
      error: { code: 'sandbox.out_of_memory', details: { signal: 'SIGKILL' } },
    })
    expect(end.error?.message).toMatch(/^The sandbox process held \d+ MiB of memory; 16 MiB are allowed\.$/)
  })

  it.skipIf(process.platform === 'win32')('killed or crashed from outside says which, in words', async () => {
    const test = await startEngine({ chains: [chainOf(anvil.ws)] })
    await test.load(await bundleOf('counter'))
    const told: [NodeJS.Signals, string, string][] = [
      ['SIGKILL', 'killed', 'The sandbox process was killed from outside (SIGKILL).'],
      ['SIGSEGV', 'crash', 'The sandbox process crashed (SIGSEGV).'],
      ['SIGABRT', 'oom', 'The sandbox process ran out of memory (SIGABRT).'],
    ]
    for (const [index, [name, endClass, words]] of told.entries()) {
      signal(test.view('counter'), name)
      await test.whenRun('counter', index + 2)
      const error = test.view('counter').lastError?.error
      expect([error?.message, error?.details?.['class']]).toEqual([words, endClass])
    }
    const { records } = await test.engine.logs.query({ module: 'counter' }, null, 200)
    expect(records.filter(({ event }) => event === 'sandbox_ended')).toHaveLength(told.length)
  })
})

describe('quarantine', () => {
  it('follows the fifth failure, survives the engine, and ends on the word of the operator', async () => {
    const stateDir = await temporaryFolder()
    const settings = fileSettings(join(stateDir, 'settings.json'), {
      devnet: { autoStart: false },
      chains: [chainOf(anvil.ws)],
    })
    const one = await live(await loaded(await startEngine({ stateDir, settings })))
    for (const failure of range(1, 4)) {
      await mine(1)
      await one.whenRun('trap', failure + 1)
    }
    // The window of failures goes on over a restart of the engine.
    await one.engine.shutdown()
    const two = await live(await startEngine({ stateDir, settings }))
    expect(two.view('trap')).toMatchObject({ status: { state: 'running' }, restarts: 4, quarantine: null })
    expect(two.view('trap').lastError?.error.code).toBe('sandbox.trap')
    await mine(1)
    await two.whenState('trap', 'dead')
    const expected = { class: 'error', attempts: 5, cause: { code: 'sandbox.trap' } }
    expect(two.view('trap').quarantine).toMatchObject(expected)
    await until(() => expect(two.engine.modules.quarantine('trap')?.lastLines).not.toHaveLength(0))
    const lines = two.engine.modules.quarantine('trap')?.lastLines
    expect(lines?.at(-1)).toMatchObject({ event: 'poisoned', level: 'error' })
    expect(lines?.length).toBeLessThanOrEqual(50)
    await two.engine.shutdown()

    const three = await startEngine({ stateDir, settings })
    expect(three.state('trap')).toBe('dead')
    expect(three.view('trap')).toMatchObject({ run: 0, pid: null, quarantine: expected })
    expect(three.engine.modules.quarantine('trap')?.lastLines).toEqual(lines)
    await three.engine.modules.revive('trap')
    expect(three.state('trap')).toBe('running')
    expect(three.view('trap').quarantine).toBeNull()
    expect(three.engine.modules.quarantine('trap')).toBeNull()
    for (const failure of range(1, 5)) {
      await live(three)
      await mine(1)
      if (failure < 5) await three.whenRun('trap', failure + 1)
    }
    await three.whenState('trap', 'dead')
    await three.engine.modules.disable('trap')
    expect(three.view('trap')).toMatchObject({ status: { state: 'stopped' }, quarantine: null })
    await three.engine.shutdown()

    const four = await startEngine({ stateDir, settings })
    expect(four.view('trap')).toMatchObject({ status: { state: 'stopped' }, quarantine: null })
    await four.engine.modules.remove('trap', true)
    await four.engine.shutdown()
    expect(JSON.parse(await readFile(join(stateDir, 'supervision.json'), 'utf8'))).toEqual({
      version: 1,
      modules: [],
    })
  })

  async function loaded(test: TestEngine): Promise<TestEngine> {
    await test.load(await bundleOf('trap'))
    return test
  }

  it('does not follow failures that lie further apart than the window', async () => {
    const clock = new MovableClock()
    const test = await loaded(await startEngine({ chains: [chainOf(anvil.ws)], clock }))
    await live(test)
    for (const failure of range(1, 6)) {
      await mine(1)
      await test.whenRun('trap', failure + 1)
      clock.skip(200_000)
    }
    expect(test.view('trap').quarantine).toBeNull()
  })
})

describe.skipIf(process.platform === 'win32')('safe mode', () => {
  async function startChild(
    stateDir: string,
    bundle: string,
  ): Promise<{ child: ChildProcess; lines: string[] }> {
    const script = resolve(import.meta.dirname, '../support/engine-child.ts')
    const child = spawn(process.execPath, [script, stateDir, anvil.ws, bundle], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
    await until(() => expect(lines.some((line) => line === 'running' || line === 'safe mode')).toBe(true))
    return { child, lines }
  }

  async function crash(stateDir: string, bundle: string): Promise<string[]> {
    const { child, lines } = await startChild(stateDir, bundle)
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    return lines
  }

  it('follows two engines killed soon after their start, starts nothing, and is left on the word of the operator', async () => {
    const stateDir = await temporaryFolder()
    expect(await crash(stateDir, await bundleOf('counter'))).not.toContain('safe mode')
    expect(await crash(stateDir, await bundleOf('echo'))).not.toContain('safe mode')
    expect(await crash(stateDir, '--stay-safe')).toContain('safe mode')

    const settings = fileSettings(join(stateDir, 'settings.json'), {})
    const test = await startEngine({ stateDir, settings })
    const { engine, notices, modules } = test.engine.state.snapshot()
    expect(engine).toMatchObject({ state: 'running', safeMode: true, sandboxes: 0 })
    expect(notices).toMatchObject([{ severity: 'error', error: { code: 'state.safe_mode' } }])
    expect(modules.map(({ name, status }) => [name, status.state])).toEqual([
      ['counter', 'stopped'],
      ['echo', 'stopped'],
    ])
    await test.engine.leaveSafeMode()
    expect(['counter', 'echo'].map((name) => test.state(name))).toEqual(['running', 'running'])
    const after = test.engine.state.snapshot()
    expect([after.engine.safeMode, after.notices]).toEqual([false, []])
    await test.engine.shutdown()
    const next = await startEngine({ stateDir, settings })
    expect(next.engine.state.snapshot().engine.safeMode).toBe(false)
    expect(next.state('counter')).toBe('running')
  })
})

describe('limits that the operator sets', () => {
  it('hold from the next call on, restart only for memory and store, and last', async () => {
    const stateDir = await temporaryFolder()
    const settings = fileSettings(join(stateDir, 'settings.json'), {
      devnet: { autoStart: false },
      chains: [chainOf(anvil.ws)],
    })
    const test = await startEngine({ stateDir, settings })
    const first = head + 1
    await test.load(await bundleOf('counter', { limits: { fuel_per_event: 5_000_000 } }))
    await live(test)
    await mine(1)
    await test.whenCommitted('counter', head)
    expect(test.view('counter')).toMatchObject({ limitsAsked: { fuelPerCall: 5_000_000 }, limitsSet: {} })
    const { pid } = test.view('counter')

    await test.engine.modules.setLimits('counter', { fuelPerCall: 10, deadlineMs: 7_000 })
    expect(test.view('counter')).toMatchObject({
      pid,
      run: 1,
      limits: { fuelPerCall: 10, deadlineMs: 7_000 },
      limitsAsked: { fuelPerCall: 5_000_000 },
      limitsSet: { fuelPerCall: 10, deadlineMs: 7_000 },
    })
    await mine(1)
    await test.when('out of fuel', () => test.view('counter').lastError?.error.code === 'sandbox.out_of_fuel')
    await test.engine.modules.setLimits('counter', null)
    await test.whenRun('counter', 2)
    expect(test.view('counter').limits.fuelPerCall).toBe(5_000_000)

    await mine(1)
    await test.whenCommitted('counter', head)
    const { run } = test.view('counter')
    await test.engine.modules.setLimits('counter', { memoryBytes: 32 * mebibyte, queueEvents: 9 })
    expect(test.view('counter')).toMatchObject({ status: { state: 'running' }, run: run + 1 })
    expect(test.view('counter').limits).toMatchObject({ memoryBytes: 32 * mebibyte, queueEvents: 9 })
    await mine(1)
    await test.whenCommitted('counter', head)
    // The block that ran out of fuel was given up; every other was handled once.
    expect(await blocksOf(test, 'counter')).toEqual(
      onceEach(first, head).filter(([number]) => number !== first + 1),
    )

    expect(await faultOf(test.engine.modules.setLimits('counter', { deadlineMs: 600_001 }))).toMatchObject({
      code: 'module.bad_limits',
      details: { limit: 'deadlineMs', max: 600_000 },
    })
    expect(test.view('counter').limitsSet).toEqual({ memoryBytes: 32 * mebibyte, queueEvents: 9 })
    await test.engine.shutdown()
    const next = await startEngine({ stateDir, settings })
    expect(next.view('counter').limits).toMatchObject({ memoryBytes: 32 * mebibyte, queueEvents: 9 })
  })
})
