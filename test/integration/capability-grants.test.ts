import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Operator } from '../../src/shared/domain/operator/operator.ts'
import { memorySettings } from '../../src/engine/settings-port.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  faultOf,
  startEngine,
  type BundleManifest,
  type TestEngine,
} from '../support/engine.ts'
import { LocalNode } from '../support/local-node.ts'
import { LocalWeb } from '../support/local-web.ts'
import { until } from '../support/until.ts'

/** Kinds of a host-error by their place in the variant, as the fixture logs them. */
const unsupported = '0 501'
const denied = '2 0'

const every = ['chain', 'identity', 'local-store', 'remote-store', 'messaging', 'http']

let node: LocalNode
let web: LocalWeb

beforeEach(async () => {
  node = await new LocalNode().start()
  node.chainId = 31_337
  web = await new LocalWeb().start()
})

afterEach(async () => {
  await closeEngines()
  await Promise.all([node.stop(), web.stop()])
})

function start(operator: object = {}): Promise<TestEngine> {
  const settings = memorySettings(
    settingsSchema.parse({ devnet: { autoStart: false }, chains: [chainOf(node.ws)], operator }),
  )
  return startEngine({ settings })
}

const permitLoopback = { limits: { http: { permitDestinations: ['127.0.0.1'] } } }

function manifest(more: Partial<BundleManifest> = {}): BundleManifest {
  return {
    name: 'caller',
    required: ['logging'],
    optional: every,
    config: { url: `http://127.0.0.1:${web.port}/` },
    ...more,
    more: `[capabilities.http]\nallow = ["127.0.0.1"]\n${more.more ?? ''}`,
  }
}

/** Installs the fixture that calls every interface, with these capabilities granted. */
async function install(engine: TestEngine, granted: readonly string[], given = manifest()): Promise<void> {
  const { requestId } = await engine.engine.modules.inspect(await bundleOf('every-interface', given), {})
  await engine.engine.modules.install(requestId, ['logging', ...granted], true)
  await engine.whenState('caller', 'running')
  await engine.when('the node is followed', () => engine.engine.chains.views()[0]?.status === 'live')
}

/** What the fixture logged during the next block, by function. */
async function nextBlock(engine: TestEngine): Promise<Record<string, string>> {
  const before = engine.dispatches.length
  node.mine()
  await engine.when('the next block is handled', () => engine.dispatches.length > before)
  return lastAnswers(engine)
}

async function lastAnswers(engine: TestEngine): Promise<Record<string, string>> {
  return until(async () => {
    const { records } = await engine.engine.logs.query({ module: 'caller', minLevel: 'info' }, null, 200)
    const lines = records.filter(({ source }) => source === 'host_interface').map(({ message }) => message)
    expect(lines.filter((line) => line === 'done')).toHaveLength(engine.dispatches.length)
    const last = lines.slice(lines.lastIndexOf('done', lines.length - 2) + 1, -1)
    return Object.fromEntries(
      last.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
    )
  })
}

async function auditOf(
  engine: TestEngine,
  kind: 'denied' | 'granted' | 'revoked' | 'signature' | 'approval',
) {
  return (await engine.engine.audit.query({ kinds: [kind] }, null, 100)).entries
}

describe('a module without grants', () => {
  it('gets the typed refusal of each interface it calls, and the trail tells', async () => {
    const engine = await start(permitLoopback)
    await install(engine, [])
    expect(await nextBlock(engine)).toEqual({
      chain: denied,
      'local-store': denied,
      'remote-store': denied,
      messaging: denied,
      http: denied,
      accounts: denied,
      sign: denied,
    })
    expect(web.connections).toBe(0)
    expect(engine.view('caller').run).toBe(1)
    await until(async () =>
      expect((await auditOf(engine, 'denied')).map(({ capability }) => capability).sort()).toEqual(
        [...every].sort(),
      ),
    )
    const { capabilities } = engine.engine.grants.view('caller')
    expect(
      capabilities
        .filter(({ verdict }) => verdict === 'refused')
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...every].sort())
    expect(capabilities.find(({ name }) => name === 'http')).toMatchObject({
      calls: 1,
      denied: 1,
      grantable: true,
    })
  })
})

describe('grants while a module runs', () => {
  it('take effect with the next call, both ways, without a restart', async () => {
    const engine = await start(permitLoopback)
    await install(engine, [])
    const { grants } = engine.engine
    for (const name of every) grants.grant('caller', { kind: 'capability', name })
    expect(await nextBlock(engine)).toEqual({
      chain: 'ok',
      'local-store': 'ok',
      'remote-store': 'ok',
      messaging: 'ok',
      http: 'ok',
      accounts: 'ok',
      sign: unsupported,
    })
    const used = grants.view('caller').capabilities.find(({ name }) => name === 'http')
    expect(used).toMatchObject({
      verdict: 'granted',
      calls: expect.any(Number),
      lastUsedAt: expect.any(Number),
    })
    grants.revoke('caller', { kind: 'host', pattern: '127.0.0.1' })
    for (const name of ['local-store', 'chain']) grants.revoke('caller', { kind: 'capability', name })
    expect(await nextBlock(engine)).toMatchObject({
      chain: denied,
      'local-store': denied,
      http: denied,
      messaging: 'ok',
    })
    grants.grant('caller', { kind: 'host', pattern: '127.0.0.1' })
    grants.grant('caller', { kind: 'capability', name: 'chain' })
    expect(await nextBlock(engine)).toMatchObject({ chain: 'ok', 'local-store': denied, http: 'ok' })
    expect(engine.view('caller')).toMatchObject({ run: 1, restarts: 0 })
    expect(engine.settings.get().modules[0]?.granted).not.toContain('local-store')
    expect(await auditOf(engine, 'revoked')).toHaveLength(3)
    expect(await auditOf(engine, 'granted')).toHaveLength(every.length + 2)
  })

  it('hold for the next run too', async () => {
    const engine = await start(permitLoopback)
    await install(engine, every)
    engine.engine.grants.revoke('caller', { kind: 'capability', name: 'http' })
    await engine.engine.modules.restart('caller')
    await engine.whenRun('caller', 2)
    expect(await nextBlock(engine)).toMatchObject({ http: denied, chain: 'ok' })
  })

  it('are for what the manifest asks for', async () => {
    const engine = await start()
    await install(engine, [])
    const { grants } = engine.engine
    for (const grant of [
      { kind: 'capability', name: 'cow-api' },
      { kind: 'capability', name: 'logging' },
      { kind: 'host', pattern: 'evil.example' },
      { kind: 'method', method: 'debug_traceCall' },
    ] as const) {
      expect(() => grants.grant('caller', grant)).toThrow(
        expect.objectContaining({ code: 'module.not_asked' }),
      )
    }
    expect(() => grants.view('nobody')).toThrow(expect.objectContaining({ code: 'module.unknown' }))
  })
})

describe('spec nexum-host 18 row 21: required missing', () => {
  const off = { messaging: { mode: 'off' } }

  it('kills a module that requires messaging while it is off', async () => {
    const engine = await start(off)
    const bundle = await bundleOf(
      'every-interface',
      manifest({ required: ['logging', ...every], optional: [] }),
    )
    expect(await faultOf(engine.load(bundle))).toMatchObject({ code: 'component.capability_unavailable' })
  })

  it('runs one to which it is optional: publish answers unsupported 501', async () => {
    const engine = await start(off)
    await install(engine, every)
    expect(await nextBlock(engine)).toMatchObject({ messaging: unsupported, chain: 'ok' })
  })
})

describe('spec nexum-host 18 row 22: denied, undeclared', () => {
  it('denies what the manifest denies, although its host is allowlisted and the operator would grant it', async () => {
    const engine = await start(permitLoopback)
    const optional = every.filter((name) => name !== 'http')
    const given = manifest({ optional })
    const bundle = await bundleOf('every-interface', { ...given, more: '' })
    const file = join(bundle, 'paddock.toml')
    const text = (await readFile(file, 'utf8')).replace('[capabilities]', '[capabilities]\ndenied = ["http"]')
    await writeFile(file, `${text}\n[capabilities.http]\nallow = ["127.0.0.1"]\n`)
    const { requestId } = await engine.engine.modules.inspect(bundle, {})
    await engine.engine.modules.install(requestId, ['logging', ...every], true)
    await engine.whenState('caller', 'running')
    await engine.when('the node is followed', () => engine.engine.chains.views()[0]?.status === 'live')
    expect(await nextBlock(engine)).toMatchObject({ http: denied, chain: 'ok' })
    expect(web.connections).toBe(0)
    expect(() => engine.engine.grants.grant('caller', { kind: 'capability', name: 'http' })).toThrow(
      expect.objectContaining({ code: 'module.not_asked' }),
    )
  })

  it('refuses what is not declared, naming the capability and the import in full', async () => {
    const engine = await start()
    const optional = every.filter((name) => name !== 'http')
    const bundle = await bundleOf('every-interface', { ...manifest({ optional }), more: '' })
    const fault = await faultOf(engine.load(bundle))
    expect(fault.code).toBe('component.capability_violation')
    expect(fault.message).toContain('"http"')
    expect(fault.message).toContain('nexum:host/http@0.2.0')
  })

  it('links what is not declared as denied where the operator says so', async () => {
    const engine = await start({ ...permitLoopback, engine: { undeclaredImports: 'stub' } })
    const optional = every.filter((name) => name !== 'http')
    const bundle = await bundleOf('every-interface', { ...manifest({ optional }), more: '' })
    await engine.load(bundle)
    await engine.when('the node is followed', () => engine.engine.chains.views()[0]?.status === 'live')
    expect(await nextBlock(engine)).toMatchObject({ http: denied, chain: 'ok' })
  })
})

describe('spec nexum-host 18 row 24: legacy mode', () => {
  it('runs a module without [capabilities]: fetch is denied, there are no accounts', async () => {
    const engine = await start({
      ...permitLoopback,
      identity: { testKey: '4c'.repeat(32), testKeyEnabled: true },
    } satisfies { [K in keyof Operator]?: unknown })
    const bundle = await bundleOf('every-interface', manifest())
    await rm(join(bundle, 'paddock.toml'))
    const lines = [
      '[module]',
      'name = "caller"',
      '[[subscription]]',
      'kind = "block"',
      'chain_id = 31337',
      '[config]',
      `url = "http://127.0.0.1:${web.port}/"`,
    ]
    await writeFile(join(bundle, 'nexum.toml'), lines.join('\n'))
    await engine.load(bundle)
    await engine.when('the node is followed', () => engine.engine.chains.views()[0]?.status === 'live')
    const invalidInput = '5 0'
    expect(await nextBlock(engine)).toMatchObject({
      http: denied,
      accounts: 'ok',
      sign: invalidInput,
      chain: 'ok',
      'local-store': 'ok',
    })
    expect(web.connections).toBe(0)
  })
})

describe('spec nexum-host 18 row 25: consent growth', () => {
  it.each([
    ['a host', { more: '' }, '[capabilities.http]\nallow = ["127.0.0.1", "new.example"]'],
    ['accounts', { optional: every.filter((name) => name !== 'identity') }, ''],
  ])('makes an update that asks for %s wait for approval', async (what, _before, after) => {
    const engine = await start({ engine: { undeclaredImports: 'stub' } })
    const first =
      what === 'a host' ? manifest() : manifest({ optional: every.filter((name) => name !== 'identity') })
    const bundle = await bundleOf('every-interface', first)
    await engine.load(bundle)
    const next =
      what === 'a host' ? { ...manifest({ version: '0.2.0' }), more: after } : manifest({ version: '0.2.0' })
    await bundleOf('every-interface', next, bundle)
    expect(await engine.engine.modules.reload('caller')).toMatchObject({ consentNeeded: true })
    expect(engine.view('caller')).toMatchObject({ version: '0.1.0', run: 1 })
    const pending = engine.engine.modules.pendingOf('caller')
    expect(pending?.version).toBe('0.2.0')
    await engine.engine.modules.install(
      pending!.requestId,
      pending!.asks.map(({ capability }) => capability),
      true,
    )
    expect(engine.view('caller').version).toBe('0.2.0')
  })
})

describe('wasi:http of a foreign guest', () => {
  it('is the capability http: denied, granted, and confined like it', async () => {
    const engine = await start(permitLoopback)
    const bundle = await bundleOf('wasi-http', {
      required: ['logging'],
      optional: ['http'],
      config: { authority: `127.0.0.1:${web.port}` },
      more: '[capabilities.http]\nallow = ["127.0.0.1"]',
    })
    const { requestId, asks } = await engine.engine.modules.inspect(bundle, {})
    expect(asks.map(({ capability }) => capability)).toContain('http')
    await engine.engine.modules.install(requestId, ['logging'], true)
    await engine.when('the node is followed', () => engine.engine.chains.views()[0]?.status === 'live')
    const lineOf = async (): Promise<string | undefined> => {
      const count = engine.dispatches.length + 1
      node.mine()
      await engine.when('the block is handled', () => engine.dispatches.length === count)
      return until(async () => {
        const { records } = await engine.engine.logs.query({ module: 'wasi-http' }, null, 100)
        const lines = records.filter(({ source }) => source === 'host_interface')
        expect(lines).toHaveLength(count)
        return lines.at(-1)?.message
      })
    }
    expect(await lineOf()).toBe('handle 0')
    engine.engine.grants.grant('wasi-http', { kind: 'capability', name: 'http' })
    web.handler = (_request, response) => response.writeHead(418).end('short and stout')
    expect(await lineOf()).toBe('status 418')
    engine.engine.grants.revoke('wasi-http', { kind: 'host', pattern: '127.0.0.1' })
    expect(await lineOf()).toBe('response 0')
    engine.engine.grants.grant('wasi-http', { kind: 'host', pattern: '127.0.0.1' })
    await web.stop()
    expect(await lineOf()).toBe('response 1')
    expect(web.received).toHaveLength(1)
  })
})

describe('signing', () => {
  const key = 'c0ffee'.padEnd(64, '7')
  const passphrase = 'a passphrase to look for'

  async function signer(engine: TestEngine): Promise<string> {
    const { identity, grants } = engine.engine
    const account = await identity.import(key, passphrase)
    await identity.unlock(account, passphrase)
    grants.grant('caller', { kind: 'account', address: account })
    return account
  }

  it('waits for the operator longer than the deadline of the call, which stands still', async () => {
    const engine = await start()
    await install(engine, every, manifest({ limits: { deadline_ms: 400 } }))
    await signer(engine)
    node.mine()
    const { identity } = engine.engine
    await until(() => expect(identity.pendingApprovals()).toHaveLength(1))
    expect(engine.engine.state.snapshot().notices.some(({ id }) => id.startsWith('approval '))).toBe(true)
    const askedAt = performance.now()
    await until(() => expect(performance.now() - askedAt).toBeGreaterThan(900))
    identity.answer(identity.pendingApprovals()[0]!.id, true)
    await engine.when('the block is handled', () => engine.dispatches.length === 1)
    expect(engine.dispatches[0]?.dispatch.result).toBe('committed')
    expect(await lastAnswers(engine)).toMatchObject({ accounts: 'ok', sign: 'ok' })
    expect(engine.engine.state.snapshot().notices.some(({ id }) => id.startsWith('approval '))).toBe(false)
    expect(engine.view('caller').run).toBe(1)
    expect(await auditOf(engine, 'signature')).toMatchObject([
      { module: 'caller', method: 'sign', verdict: 'done' },
    ])
  })

  it('is refused 4001, and stops without delay when the module is stopped meanwhile', async () => {
    const engine = await start()
    await install(engine, every)
    await signer(engine)
    node.mine()
    const { identity } = engine.engine
    await until(() => expect(identity.pendingApprovals()).toHaveLength(1))
    identity.answer(identity.pendingApprovals()[0]!.id, false)
    await engine.when('the block is handled', () => engine.dispatches.length === 1)
    expect(await lastAnswers(engine)).toMatchObject({ sign: '2 4001' })
    node.mine()
    await until(() => expect(identity.pendingApprovals()).toHaveLength(1))
    const began = performance.now()
    await engine.engine.modules.stop('caller')
    expect(performance.now() - began).toBeLessThan(4_000)
    expect(identity.pendingApprovals()).toEqual([])
  })

  it('leaves no trace of key or passphrase in files, processes, answers and logs', async () => {
    const engine = await start()
    await install(engine, every)
    const account = await signer(engine)
    const { identity, grants } = engine.engine
    grants.setApproval('caller', 'auto')
    await expect(identity.unlock(account, `${passphrase} wrong`)).rejects.toThrow()
    const refusals: string[] = []
    for (const work of [identity.import(key, passphrase), identity.import(`${key}0`, passphrase)]) {
      await work.catch((error: unknown) => refusals.push(JSON.stringify(error), String(error)))
    }
    expect(await nextBlock(engine)).toMatchObject({ sign: 'ok' })
    const pid = engine.view('caller').pid
    const processTexts = await Promise.all(
      ['cmdline', 'environ'].map((file) => readFile(`/proc/${pid ?? 0}/${file}`, 'latin1')),
    )
    const answers = [
      ...refusals,
      ...processTexts,
      process.argv.join(' '),
      JSON.stringify(await identity.view()),
      JSON.stringify(grants.view('caller')),
      JSON.stringify(engine.engine.state.snapshot()),
      JSON.stringify(await engine.engine.audit.query({}, null, 500)),
      JSON.stringify(await engine.engine.logs.query({}, null, 2_000)),
      JSON.stringify(engine.settings.get()),
    ]
    await engine.engine.shutdown()
    const files = await filesIn(engine.stateDir)
    expect(files.some(({ name }) => name.includes('logs.db'))).toBe(true)
    expect(files.some(({ name }) => name.includes('keystore'))).toBe(true)
    const raw = Buffer.from(key, 'hex').toString('latin1')
    for (const { name, text } of [
      ...files,
      ...answers.map((text, index) => ({ name: `answer ${index}`, text })),
    ]) {
      for (const secret of [key, raw, passphrase, Buffer.from(key, 'hex').toString('base64')]) {
        expect(text.toLowerCase().includes(secret.toLowerCase()), name).toBe(false)
      }
    }
  })
})

async function filesIn(folder: string): Promise<{ name: string; text: string }[]> {
  const found: { name: string; text: string }[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const file = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await filesIn(file)))
    else if (entry.isFile()) found.push({ name: file, text: await readFile(file, 'latin1') })
  }
  return found
}
