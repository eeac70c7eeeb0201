import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Snapshot, SnapshotChange } from '../../src/shared/domain/engine.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  fileSettings,
  isAlive,
  range,
  startEngine,
  temporaryFolder,
  type TestEngine,
} from '../support/engine.ts'
import { until } from '../support/until.ts'

let anvil: Anvil
let head = 0
const children: ChildProcess[] = []

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

interface EngineProcess {
  readonly child: ChildProcess
  readonly lines: string[]
}

async function startChild(stateDir: string, bundle?: string): Promise<EngineProcess> {
  const script = resolve(import.meta.dirname, '../support/engine-child.ts')
  const child = spawn(
    process.execPath,
    [script, stateDir, anvil.ws, ...(bundle === undefined ? [] : [bundle])],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  children.push(child)
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  await vi.waitFor(() => expect(lines).toContain('running'), { interval: 5, timeout: 25_000 })
  return { child, lines }
}

/** Processes that a process started and that are still its children. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').filter(Boolean).map(Number)
}

async function kill({ child }: EngineProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

async function expectEachOnce(test: TestEngine, name: string, first: number, last: number): Promise<void> {
  const keys = await test.engine.modules.storeKeys({ name, prefix: 'block/', after: null, limit: 1_000 })
  const numbers = keys.entries.map(({ key }) => Number(key.slice('block/'.length))).sort((a, b) => a - b)
  expect(numbers).toEqual(range(first, last))
  for (const number of numbers)
    expect([number, await test.stored(name, `block/${number}`)]).toEqual([number, '1'])
}

describe.skipIf(process.platform !== 'linux')('an engine that is killed', () => {
  it('leaves no process, and the next one takes over with every block once', async () => {
    const stateDir = await temporaryFolder()
    const first = head + 1
    let engine = await startChild(stateDir, await bundleOf('counter'))
    for (const round of range(1, 3)) {
      await mine(3)
      await until(() => expect(engine.lines).toContain(`block ${head}`))
      const started = await childrenOf(engine.child.pid!)
      expect(started.length).toBeGreaterThan(0)
      const mining = mine(4)
      await new Promise((done) => setTimeout(done, Math.random() * 10))
      await kill(engine)
      await mining
      for (const pid of started) await until(() => expect([pid, isAlive(pid)]).toEqual([pid, false]))
      if (round < 3) engine = await startChild(stateDir)
    }
    const settings = fileSettings(join(stateDir, 'settings.json'), {})
    const test = await startEngine({ stateDir, settings })
    await test.engine.leaveSafeMode()
    expect(test.state('counter')).toBe('running')
    await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
    await mine(1)
    await test.whenCommitted('counter', head)
    await expectEachOnce(test, 'counter', first, head)
  })
})

describe('an engine that was shut down', () => {
  it('keeps modules, what they were told to do, and the log in its order', async () => {
    const stateDir = await temporaryFolder()
    const settings = fileSettings(join(stateDir, 'settings.json'), {
      devnet: { autoStart: false },
      chains: [chainOf(anvil.ws)],
    })
    const one = await startEngine({ stateDir, settings })
    await one.load(await bundleOf('log-flood', { name: 'gusher', config: { lines: 200 } }))
    await one.load(await bundleOf('echo'))
    await one.load(await bundleOf('store-bench'), false)
    const followed: string[] = []
    one.engine.logs.follow({ module: 'gusher', text: 'flood ' }, (records) => {
      followed.push(...records.map((record) => record.message))
    })
    await one.when('the chain is live', () => one.engine.chains.views()[0]?.status === 'live')
    await mine(1)
    await one.whenCommitted('gusher', head)
    await one.engine.modules.stop('echo')
    await until(() => expect(followed).toHaveLength(200))
    expect(followed).toEqual(range(0, 199).map((number) => `flood ${number}`))
    const { pid } = one.view('gusher')
    await one.engine.shutdown()
    expect(isAlive(pid!)).toBe(false)

    const two = await startEngine({ stateDir, settings })
    expect(['gusher', 'echo', 'store-bench'].map((name) => two.state(name))).toEqual([
      'running',
      'stopped',
      'stopped',
    ])
    const page = await two.engine.logs.query({ module: 'gusher', text: 'flood ' }, null, 150)
    expect(page.more).toBe(true)
    const oldest = page.records[0]!.id
    const rest = await two.engine.logs.query({ module: 'gusher', text: 'flood ' }, oldest, 150)
    const kept = [...rest.records, ...page.records]
    expect(kept.map((record) => record.message)).toEqual(followed)
    const ids = kept.map((record) => record.id)
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
    const all = await two.engine.logs.query({}, null, 500)
    const times = (event: string) => all.records.filter((record) => record.event === event).length
    expect([times('engine_started'), times('engine_stopped')]).toEqual([2, 1])
    // Ids go on after those of the engine before.
    expect(all.records.at(-1)!.id).toBeGreaterThan(Math.max(...ids))
  })
})

describe('the state hub', () => {
  it('tells changes that turn each snapshot into the next, whatever happens', async () => {
    const test = await startEngine({ chains: [chainOf(anvil.ws)] })
    const { state, modules, chains } = test.engine
    const plain = <T>(value: T): T => structuredClone(value)
    let mirror: Snapshot = plain(state.snapshot())
    const versions: number[] = [mirror.version]
    state.onChange((change) => {
      versions.push(change.version)
      mirror = applied(mirror, plain(change))
    })
    const settle = (): void => {
      const now = plain(state.snapshot())
      expect(sorted(mirror)).toEqual(sorted(now))
    }
    await test.load(await bundleOf('counter'))
    settle()
    await test.load(await bundleOf('init-rejected'))
    await test.load(await bundleOf('trap'))
    await test.when('the chain is live', () => chains.views()[0]?.status === 'live')
    for (let step = 0; step < 4; step += 1) {
      await mine(2)
      await test.whenCommitted('counter', head)
      settle()
      chains.save(chainOf(anvil.http, String(100 + step)))
      if (step === 1) await modules.remove('init-rejected', true)
      if (step === 2) chains.remove('100')
      if (step === 3) await modules.stop('counter')
      settle()
    }
    test.engine.state.raise('x', 'warn', { kind: 'engine' }, { code: 'store.io', message: 'm', remedy: 'r' })
    settle()
    test.engine.state.clear('x')
    settle()
    expect(versions).toEqual(range(versions[0]!, versions.at(-1)!))
    expect(versions.length).toBeGreaterThan(10)
  })
})

/** What the console does with a change. */
function applied(snapshot: Snapshot, change: SnapshotChange): Snapshot {
  const merge = <T>(
    old: readonly T[],
    fresh: readonly T[] = [],
    gone: readonly string[] = [],
    key: (item: T) => string,
  ): T[] => [
    ...old.filter((item) => !gone.includes(key(item)) && !fresh.some((each) => key(each) === key(item))),
    ...fresh,
  ]
  return {
    version: change.version,
    engine: change.engine ?? snapshot.engine,
    modules: merge(snapshot.modules, change.modules, change.modulesRemoved, (module) => module.name),
    chains: merge(snapshot.chains, change.chains, change.chainsRemoved, (chain) => chain.config.chainId),
    devnet: change.devnet ?? snapshot.devnet,
    notices: change.notices ?? snapshot.notices,
    activity: [...snapshot.activity, ...(change.activity ?? [])].slice(-200),
    watchFolders: change.watchFolders ?? snapshot.watchFolders,
  }
}

function sorted(snapshot: Snapshot): Snapshot {
  return {
    ...snapshot,
    modules: [...snapshot.modules].sort((a, b) => a.name.localeCompare(b.name)),
    chains: [...snapshot.chains].sort((a, b) => a.config.chainId.localeCompare(b.config.chainId)),
  }
}
