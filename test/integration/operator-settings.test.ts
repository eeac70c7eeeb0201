import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memorySettings } from '../../src/engine/settings-port.ts'
import { moduleGrantsSchema } from '../../src/shared/domain/operator/grants.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  faultOf,
  startEngine,
  temporaryFolder,
  type TestEngine,
} from '../support/engine.ts'
import { until } from '../support/until.ts'

let anvil: Anvil
let state: string

beforeAll(() => buildFixtures())
beforeEach(async () => {
  state = join(await temporaryFolder(), 'state.json')
  anvil = await new Anvil().start(state)
})
afterEach(async () => {
  await closeEngines()
  await anvil.end('SIGKILL')
})
afterAll(() => closeEngines())

function engineWith(operator: Record<string, unknown>, chains = [chainOf(anvil.http)]): Promise<TestEngine> {
  return startEngine({
    settings: memorySettings(settingsSchema.parse({ devnet: { autoStart: false }, chains, operator })),
  })
}

const sha256 = async (bundle: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(join(bundle, 'module.wasm')))
    .digest('hex')

describe('digests', () => {
  it('spec nexum-host 18 row 14: names both values and the pin that disagrees, and others run on', async () => {
    const test = await engineWith({})
    await test.load(await bundleOf('counter', { name: 'other' }))
    const bundle = await bundleOf('counter')
    const digest = await sha256(bundle)
    const pinned = moduleGrantsSchema.parse({ digest })
    const record = { grants: pinned, limits: {} }
    const { requestId, asks } = await test.engine.modules.inspect(bundle, { record })
    const granted = asks.map((ask) => ask.capability)
    await test.engine.modules.install(requestId, granted, true, record)
    expect(test.state('counter')).toBe('running')
    // A custom section more: the same component, with other bytes.
    await appendFile(join(bundle, 'module.wasm'), Buffer.from([0, 2, 1, 0x78]))
    const actual = await sha256(bundle)
    const fault = await faultOf(test.engine.modules.reload('counter'))
    expect(fault).toMatchObject({
      code: 'component.digest_mismatch',
      details: { pin: 'operator', declared: digest, actual },
    })
    expect(test.state('counter')).toBe('running')
    await test.engine.modules.stop('counter')
    await writeFile(
      join(bundle, 'paddock.toml'),
      `[module]\nname = "counter"\ndigest = "sha256:${digest}"\n[capabilities]\n`,
    )
    const other = await faultOf(test.engine.modules.inspect(bundle, { record: { limits: {} } }))
    expect(other).toMatchObject({ code: 'component.digest_mismatch', details: { pin: 'manifest' } })
    expect(test.state('other')).toBe('running')
  })

  it('spec nexum-host 18 row 15: an unpinned component is refused when the operator requires a digest', async () => {
    const test = await engineWith({ engine: { requireComponentDigest: true } })
    const bundle = await bundleOf('counter')
    const fault = await faultOf(test.engine.modules.inspect(bundle, {}))
    expect(fault.code).toBe('manifest.bad_digest')
    expect(fault.message).toContain(await sha256(bundle))
    const digest = await sha256(bundle)
    const pinned = await bundleOf('counter', { name: 'pinned', module: { digest: `sha256:${digest}` } })
    await test.load(pinned)
    expect(test.view('pinned').pinned).toBe(true)
  })
})

describe('limits of the operator', () => {
  it('spec nexum-host 18 row 10: a request above the limit is clamped and told', async () => {
    const test = await engineWith({
      limits: { fuelPerEvent: 50_000_000, memoryBytes: 4_194_304, stateBytes: 1_000, dispatch: { queue: 9 } },
    })
    await test.load(await bundleOf('counter', { limits: { fuel_per_event: 90_000_000, state_bytes: 10 } }))
    expect(test.view('counter').limits).toEqual({
      fuelPerCall: 50_000_000,
      memoryBytes: 4_194_304,
      deadlineMs: 120_000,
      storeBytes: 10,
      queueEvents: 9,
    })
    expect(test.view('counter').warnings).toEqual([
      expect.stringContaining('asks for 90000000 fuel per event and gets 50000000'),
    ])
  })

  it('sets when repeated failure is death', async () => {
    const test = await engineWith({ limits: { poison: { maxFailures: 2 } } })
    await test.load(await bundleOf('trap-init'))
    await test.whenState('trap-init', 'dead')
    expect(test.view('trap-init').quarantine).toMatchObject({ attempts: 2 })
  })
})

describe('spec nexum-host 18 rows 73 and 74: what the listeners tell of a run', () => {
  it('counts the events of a module, and tells a lost chain and a dead module', async () => {
    const test = await engineWith({
      metrics: { enabled: true, bindAddr: '127.0.0.1:0' },
      health: { listen: '127.0.0.1:0' },
    })
    const { metrics, health } = test.engine.observability.addresses
    const text = async (): Promise<string> => (await fetch(`http://${metrics}/metrics`)).text()
    const status = async (path: string): Promise<number> => (await fetch(`http://${health}${path}`)).status
    expect(await status('/ready')).toBe(503)
    await test.load(await bundleOf('counter'))
    await until(() => expect(test.engine.chains.views()[0]?.status).toBe('live'))
    await anvil.mine(1)
    await test.whenCommitted('counter', 1)
    const figures = await text()
    expect(figures).toContain('nexum_modules_loaded 1')
    expect(figures).toMatch(/nexum_events_processed_total\{module="counter",event_type="block"\} [1-9]/)
    expect(figures).toMatch(/nexum_fuel_consumed_count\{module="counter"\} [1-9]/)
    expect(figures).toMatch(/nexum_state_bytes_used\{module="counter"\} [1-9]/)
    expect(figures).toMatch(/nexum_state_bytes_limit\{module="counter"\} 52428800/)
    expect(await status('/health')).toBe(200)
    expect(await status('/ready')).toBe(200)
    expect(await (await fetch(`http://${health}/health`)).json()).toMatchObject({
      status: 'healthy',
      modules: { counter: { state: 'running', last_event_age_seconds: expect.any(Number) as number } },
      chains: { '31337': { connected: true, head_block: expect.any(Number) as number } },
    })
    await anvil.end('SIGTERM')
    await until(async () => expect(await status('/health')).toBe(503))
    expect(await status('/ready')).toBe(503)
    anvil = await anvil.start(state)
    await until(async () => expect(await status('/health')).toBe(200))
    await test.load(await bundleOf('init-rejected'))
    expect(await status('/health')).toBe(503)
    expect(await text()).toContain('nexum_modules_dead 1')
    expect(await status('/ready')).toBe(200)
    await test.engine.modules.remove('init-rejected', true)
    expect(await status('/health')).toBe(200)
  })
})

describe('spec nexum-host 18 row 72: log fields', () => {
  it('a line of a guest says what it belongs to, and its span finds the dispatch', async () => {
    const test = await engineWith({ limits: { logs: { maxRecordBytes: 6 } } })
    await test.load(await bundleOf('log-flood', { config: { lines: '3' } }))
    await until(() => expect(test.engine.chains.views()[0]?.status).toBe('live'))
    await anvil.mine(1)
    await test.whenCommitted('log-flood', 1)
    const find = async () => {
      const { records } = await test.engine.logs.query({ module: 'log-flood' }, null, 100)
      return records.filter(({ source, eventType }) => source === 'host_interface' && eventType === 'block')
    }
    await until(async () => expect((await find()).length).toBeGreaterThan(0))
    const [line] = await find()
    expect(line).toMatchObject({
      module: 'log-flood',
      run: 1,
      chainId: '31337',
      eventType: 'block',
      blockNumber: 1,
    })
    expect(line?.span).toMatch(/^log-flood\/1\/\d+$/)
    expect(Buffer.byteLength(line?.message ?? '')).toBeLessThanOrEqual(12)
    const { records } = await test.engine.logs.query({ text: line?.span }, null, 100)
    expect(records.length).toBeGreaterThan(0)
    expect(new Set(records.map(({ span }) => span))).toEqual(new Set([line?.span]))
    expect(test.engine.logs.rings.lines('log-flood', 1).length).toBeGreaterThan(0)
  })
})

it('spec nexum-host 18 row 19: an endpoint that is away keeps nothing from starting, and comes back', async () => {
  const { http } = anvil
  await anvil.end('SIGTERM')
  const test = await engineWith({}, [chainOf(http)])
  await test.load(await bundleOf('counter'))
  expect(test.state('counter')).toBe('running')
  await until(() => expect(test.engine.chains.views()[0]?.status).toBe('down'))
  anvil = await anvil.start(state)
  await until(() => expect(test.engine.chains.views()[0]?.status).toBe('live'))
  await anvil.mine(1)
  await test.whenCommitted('counter', 1)
})

it('spec nexum-host 18 row 16: an archive that is fetched is unpacked as any other, links refused', async () => {
  const folder = await bundleOf('counter')
  await promisify(execFile)('ln', ['-s', '/etc/passwd', join(folder, 'secrets')])
  const archive = join(await temporaryFolder(), 'bundle.tar.gz')
  await promisify(execFile)('tar', ['czf', archive, '-C', folder, '.'])
  const bytes = await readFile(archive)
  const digest = createHash('sha256').update(bytes).digest('hex')
  const mirror = await temporaryFolder()
  await writeFile(join(mirror, digest), bytes)
  const test = await engineWith({ content: { sources: [{ kind: 'folder', path: mirror }] } })
  expect((await faultOf(test.engine.modules.inspect(`sha256:${digest}`, {}))).code).toBe(
    'bundle.unsafe_archive',
  )
})
