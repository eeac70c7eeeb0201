import { appendFile, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { devnetChainId } from '../../src/engine/devnet/chain.ts'
import { buildFixtures, fixturesFolder } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  faultOf,
  range,
  startEngine,
  temporaryFolder,
  type TestEngine,
} from '../support/engine.ts'

let folder: string
let anvil: Anvil
let test: TestEngine
let head = 0

beforeAll(async () => {
  await buildFixtures()
  folder = await mkdtemp(join(tmpdir(), 'paddock-reload-'))
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

async function mine(count: number): Promise<void> {
  await anvil.mine(count)
  head += count
}

async function live(): Promise<void> {
  await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
}

async function expectEachOnce(name: string, first: number, last: number): Promise<void> {
  const keys = await test.engine.modules.storeKeys({ name, prefix: 'block/', after: null, limit: 1_000 })
  const numbers = keys.entries.map(({ key }) => Number(key.slice('block/'.length))).sort((a, b) => a - b)
  expect(numbers).toEqual(range(first, last))
  for (const number of numbers)
    expect([number, await test.stored(name, `block/${number}`)]).toEqual([number, '1'])
}

/** The counter with a custom section more: another file that does the same. */
async function changeComponent(bundle: string, mark: number): Promise<void> {
  await copyFile(join(fixturesFolder, 'counter.wasm'), join(bundle, 'module.wasm'))
  await appendFile(join(bundle, 'module.wasm'), Uint8Array.of(0, 3, 1, 0x78, mark))
}

describe('hot reload', () => {
  it('spec nexum-host 18 row 69: puts a changed component on the store of the old one, while blocks go on, without losing one', async () => {
    const first = head + 1
    const bundle = await bundleOf('counter')
    await test.load(bundle)
    await live()
    for (const mark of range(1, 5)) {
      const { componentSha256, run } = test.view('counter')
      await mine(1)
      await changeComponent(bundle, mark)
      const mining = mine(4)
      expect(await test.engine.modules.reload('counter')).toEqual({ changed: true, consentNeeded: false })
      await mining
      expect(test.view('counter')).toMatchObject({ run: run + 1, status: { state: 'running' } })
      expect(test.view('counter').componentSha256).not.toBe(componentSha256)
      expect(test.settings.get().modules[0]?.componentSha256).toBe(test.view('counter').componentSha256)
    }
    await mine(1)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
    expect(await test.stored('counter', 'count/0')).toBe(String(head - first + 1))
  })

  it('loses nothing either where missed blocks are not asked for, or none was handled yet', async () => {
    const first = head + 1
    const bundle = await bundleOf('counter', { backfill: false })
    await test.load(bundle)
    await live()
    for (const mark of range(1, 3)) {
      await changeComponent(bundle, mark)
      const mining = mine(4)
      await test.engine.modules.reload('counter')
      await mining
    }
    await mine(1)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
  })

  it('spec nexum-host 18 row 69: of a version that is broken leaves the old one running, and says why', async () => {
    const first = head + 1
    const bundle = await bundleOf('counter')
    await test.load(bundle)
    await live()
    const before = test.view('counter')
    await mine(1)

    await writeFile(join(bundle, 'module.wasm'), 'not wasm at all')
    expect((await faultOf(test.engine.modules.reload('counter'))).code).toBe('component.not_wasm')
    expect(test.view('counter')).toMatchObject({ pid: before.pid, run: 1, status: { state: 'running' } })

    // This one is judged good, and refuses its configuration only when it runs.
    await bundleOf('init-rejected', { name: 'counter', required: ['local-store'] }, bundle)
    const mining = mine(3)
    expect((await faultOf(test.engine.modules.reload('counter'))).code).toBe('module.init_rejected')
    await mining
    expect(test.view('counter')).toMatchObject({
      status: { state: 'running' },
      componentSha256: before.componentSha256,
    })
    expect(test.settings.get().modules[0]?.componentSha256).toBe(before.componentSha256)

    await bundleOf('trap-init', { name: 'counter', required: ['local-store'] }, bundle)
    expect((await faultOf(test.engine.modules.reload('counter'))).code).toBe('sandbox.trap')
    expect(test.view('counter')).toMatchObject({
      status: { state: 'running' },
      componentSha256: before.componentSha256,
    })
    await mine(1)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
  })

  it('of a dead module starts the version that was mended', async () => {
    const bundle = await bundleOf('init-rejected', { name: 'mended', required: ['local-store'] })
    await test.load(bundle)
    expect(test.view('mended')).toMatchObject({ status: { state: 'dead' } })
    await bundleOf('counter', { name: 'mended', required: ['local-store'] }, bundle)
    expect(await test.engine.modules.reload('mended')).toEqual({ changed: true, consentNeeded: false })
    expect(test.view('mended')).toMatchObject({ status: { state: 'running' } })
  })

  it('spec nexum-host 18 row 25: of a version that asks for more waits for the operator while the old one runs on', async () => {
    const bundle = await bundleOf('counter')
    await test.load(bundle)
    await live()
    const first = head + 1
    const { pid } = test.view('counter')
    await bundleOf('counter', { required: ['local-store', 'chain'], version: '0.2.0' }, bundle)
    await changeComponent(bundle, 9)
    expect(await test.engine.modules.reload('counter')).toEqual({ changed: true, consentNeeded: true })
    expect(test.view('counter')).toMatchObject({
      pid,
      run: 1,
      version: '0.1.0',
      status: { state: 'running' },
    })
    const notices = () => test.engine.state.snapshot().notices
    expect(notices()).toMatchObject([{ id: 'consent counter', error: { code: 'module.consent_required' } }])
    await mine(1)
    await test.whenCommitted('counter', head)

    const pending = test.engine.modules.pendingOf('counter')!
    expect(pending.asks.map((ask) => ask.capability)).toContain('chain')
    expect((await faultOf(test.engine.modules.install(pending.requestId, ['local-store'], true))).code).toBe(
      'module.consent_required',
    )
    expect(test.view('counter').pid).toBe(pid)
    await test.engine.modules.install(pending.requestId, ['local-store', 'chain'], true)
    expect(test.view('counter')).toMatchObject({ version: '0.2.0', status: { state: 'running' } })
    expect(notices()).toEqual([])
    await mine(1)
    await test.whenCommitted('counter', head)
    await expectEachOnce('counter', first, head)
  })

  it('of a consented version that does not start leaves the old one and its grants', async () => {
    const bundle = await bundleOf('counter')
    await test.load(bundle)
    const before = test.settings.get().modules
    await bundleOf('init-rejected', { name: 'counter', required: ['local-store', 'chain'] }, bundle)
    await test.engine.modules.reload('counter')
    const { requestId } = test.engine.modules.pendingOf('counter')!
    const fault = await faultOf(test.engine.modules.install(requestId, ['local-store', 'chain'], true))
    expect(fault.code).toBe('module.init_rejected')
    expect(test.view('counter').status.state).toBe('running')
    expect(test.settings.get().modules).toEqual(before)
  })
})

describe('an endpoint edited while a module runs', () => {
  it('to a dead one and back: no restart, no block lost', async () => {
    const first = head + 1
    await test.load(await bundleOf('counter'))
    await live()
    await mine(2)
    await test.whenCommitted('counter', head)
    const { pid } = test.view('counter')

    test.engine.chains.save(chainOf('http://127.0.0.1:9'))
    await test.when('the chain is down', () => test.engine.chains.views()[0]?.status === 'down')
    expect(test.engine.chains.views()[0]?.error?.code).toBe('chain.unreachable')
    await mine(5)
    test.engine.chains.save(chainOf(anvil.http))
    await test.whenCommitted('counter', head)
    await mine(1)
    await test.whenCommitted('counter', head)
    test.engine.chains.save(chainOf(anvil.ws))
    await mine(2)
    await test.whenCommitted('counter', head)

    expect(test.view('counter')).toMatchObject({ pid, run: 1, restarts: 0, lastError: null })
    await expectEachOnce('counter', first, head)
    expect(test.settings.get().chains).toMatchObject([
      { chainId: devnetChainId, endpoints: [{ url: anvil.ws }] },
    ])
  })
})

describe('two engines', () => {
  it('never share a state directory', async () => {
    const shared = await temporaryFolder()
    const one = await startEngine({ stateDir: shared })
    const fault = await faultOf(startEngine({ stateDir: shared }))
    expect(fault).toMatchObject({ code: 'state.locked', message: expect.stringContaining(shared) as string })
    await one.load(await bundleOf('echo'))
    expect(one.state('echo')).toBe('running')
  })
})
