import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { logBurst } from '../../src/sandbox/bridge/log-buffer.ts'
import { storeStatements } from '../../src/shared/store/schema.ts'
import { buildFixtures, fixturesFolder } from '../fixtures/build-fixtures.mjs'
import { artifactOf, block, SandboxProcess, type SandboxModule } from '../support/sandbox-process.ts'
import { until } from '../support/until.ts'

let cacheDir: string
let folder: string
let running: SandboxProcess[]

beforeAll(async () => {
  cacheDir = mkdtempSync(join(tmpdir(), 'paddock-artifacts-'))
  await buildFixtures()
})
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paddock-sandbox-'))
  running = []
})
afterEach(async () => {
  await Promise.all(running.map((sandbox) => sandbox.kill()))
  rmSync(folder, { recursive: true, force: true })
})

const storePath = () => join(folder, 'm.sqlite')

async function module(name: string, options: Partial<SandboxModule> = {}): Promise<SandboxModule> {
  const path = name.includes('/') ? resolve(name) : join(fixturesFolder, `${name}.wasm`)
  const artifactDirectory = await artifactOf(path, cacheDir, options.limits?.memoryBytes)
  return { artifactDirectory, storePath: storePath(), ...options }
}

function launch(): SandboxProcess {
  const sandbox = new SandboxProcess()
  running.push(sandbox)
  return sandbox
}

async function start(name: string, options: Partial<SandboxModule> = {}): Promise<SandboxProcess> {
  const sandbox = launch()
  expect(await sandbox.load(await module(name, options))).toMatchObject({ ok: true })
  return sandbox
}

function stored(): Record<string, string> {
  const database = new Database(storePath(), { readonly: true })
  const rows = database.prepare('SELECT key, value FROM entries ORDER BY key').all() as {
    key: Buffer
    value: Buffer
  }[]
  database.close()
  return Object.fromEntries(rows.map(({ key, value }) => [key.toString(), value.toString()]))
}

function progress(): Record<string, string> {
  const database = new Database(storePath(), { readonly: true })
  const rows = database.prepare(storeStatements.getProgress).all() as { name: string; value: string }[]
  database.close()
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}

describe('a sandbox process', () => {
  it('is ready, runs init and an event, and stops cleanly', async () => {
    const sandbox = await start('echo')
    expect(await sandbox.init()).toMatchObject({ outcome: { status: 'ok' } })
    const { outcome, usage } = await sandbox.onBlock(12)
    expect(outcome).toEqual({ status: 'ok', value: null })
    expect(usage).toMatchObject({ writes: 3, hostCalls: 0, storeBytes: 3 * 64 + 9 + 11 + 14 + 1 + 2 + 4 })
    expect(usage.fuel).toBeGreaterThan(0)
    expect(usage.memoryBytes).toBeGreaterThanOrEqual(65_536)
    expect(stored()).toEqual({ 'echo/kind': '0', 'echo/number': '12', 'echo/timestamp': '1000' })
    await until(() => expect(sandbox.logs).toHaveLength(1))
    expect(sandbox.logs[0]).toMatchObject({
      level: 'info',
      source: 'host_interface',
      message: 'echo',
      dispatch: 1,
      eventType: 'block',
    })
    await sandbox.stop()
    expect(sandbox.exit).toEqual({ code: 0, signal: null })
    expect(sandbox.messages.at(-1)?.type).toBe('stopped')
  })

  it('answers pings while the guest runs, and drops other generations and malformed messages', async () => {
    const sandbox = await start('endless-loop')
    await sandbox.init()
    const call = sandbox.prepare('on-event', block(1))
    sandbox.send(call)
    sandbox.post({ type: 'ping', generation: 6, nonce: 1 })
    sandbox.post({ type: 'nonsense' })
    sandbox.post({ type: 'ping', generation: 7, nonce: 2 })
    const pong = await sandbox.message('pong')
    expect(pong.nonce).toBe(2)
    expect(sandbox.replies.some(({ id }) => id === call.id)).toBe(false)
  })

  it('runs queued calls in order', async () => {
    const sandbox = await start('counter')
    await sandbox.init()
    const calls = Array.from({ length: 200 }, (_, index) => sandbox.prepare('on-event', block(index)))
    sandbox.send(...calls)
    await sandbox.reply(calls[199]!)
    expect(sandbox.replies.slice(1).map(({ id }) => id)).toEqual(calls.map(({ id }) => id))
    expect(stored()['count/0']).toBe('200')
    expect(progress()).toEqual({ sequence: '200', 'cursor:test': '200' })
  })

  it('ends when its parent is gone', async () => {
    const sandbox = await start('echo')
    sandbox.child.disconnect()
    expect(await sandbox.ended()).toEqual({ code: 0, signal: null })
  })

  it('runs a module written in TypeScript', async () => {
    const sandbox = await start('./modules/block-logger/module.wasm')
    expect(await sandbox.init([])).toMatchObject({ outcome: { status: 'ok' } })
    expect((await sandbox.onBlock(5)).outcome).toEqual({ status: 'ok', value: null })
    await until(() => expect(sandbox.logs.length).toBeGreaterThan(0))
    expect(Object.keys(stored()).length).toBeGreaterThan(0)
  })

  it('spec nexum-host 18 row 5: gives printed lines as log records, and no environment', async () => {
    const sandbox = await start('wasi-printer')
    await sandbox.init()
    await sandbox.onBlock(1)
    await until(() => expect(sandbox.logs).toHaveLength(3))
    expect(sandbox.logs.map(({ level, source, message }) => [level, source, message])).toEqual([
      ['info', 'stdout', 'hello from wasi'],
      ['info', 'stdout', 'environment 0'],
      ['warn', 'stderr', 'oops'],
    ])
  })

  it('limits the rate of the log and counts what it drops', async () => {
    const sandbox = await start('log-flood')
    await sandbox.init([['lines', '1000']])
    await sandbox.onBlock(1)
    await until(() => expect(sandbox.logs.length + sandbox.droppedLogs).toBe(1000))
    expect(sandbox.logs.length).toBeGreaterThanOrEqual(logBurst)
    expect(sandbox.logs.length).toBeLessThan(logBurst + 100)
  })
})

describe('a guest that fails', () => {
  it('spec nexum-host 18 row 32: by its own error is rolled back and lives on', async () => {
    const sandbox = await start('host-error')
    await sandbox.init()
    const error = {
      domain: 'fixture',
      kind: 'unavailable',
      code: 7,
      message: 'no luck',
      data: '{"from":"fixture"}',
    }
    expect((await sandbox.onBlock(1)).outcome).toEqual({ status: 'guest-error', error })
    expect((await sandbox.onBlock(2)).outcome).toEqual({ status: 'guest-error', error })
    expect(stored()).toEqual({})
    expect(progress()).toEqual({ sequence: '2', 'cursor:test': '2' })
  })

  it('spec nexum-host 18 row 32: by a trap is rolled back and dead', async () => {
    const sandbox = await start('trap')
    await sandbox.init()
    const calls = [1, 2, 3].map((number) => sandbox.prepare('on-event', block(number)))
    sandbox.send(...calls)
    const { outcome } = await sandbox.reply(calls[0]!)
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.trap' } })
    expect(JSON.stringify(outcome)).toMatch(/unreachable \(in on-event/)
    expect((await sandbox.reply(calls[2]!)).outcome).toEqual({ status: 'not-started' })
    expect((await sandbox.onBlock(4)).outcome).toEqual({ status: 'not-started' })
    expect(stored()).toEqual({})
    expect(progress()).toEqual({ sequence: '0', 'cursor:test': '0' })
    await until(() => expect(sandbox.logs.at(-1)).toMatchObject({ source: 'panic', level: 'error' }))
    await sandbox.stop()
    expect(sandbox.exit).toEqual({ code: 0, signal: null })
  })

  it('spec nexum-host 18 row 33: keeps its writes in mode call', async () => {
    const sandbox = await start('trap', { durability: 'call' })
    await sandbox.init()
    expect((await sandbox.onBlock(1)).outcome).toMatchObject({ status: 'failed' })
    expect(Object.keys(stored())).toEqual(['trap/touched'])
  })

  it('spec nexum-host 18 row 32, 70: runs out of fuel', async () => {
    const sandbox = await start('endless-loop')
    await sandbox.init()
    const { outcome, usage } = await sandbox.onBlock(1, { fuel: 100_000 })
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.out_of_fuel' } })
    expect(usage.fuel).toBeGreaterThanOrEqual(100_000)
  })

  it('spec nexum-host 18 row 70: runs out of memory', async () => {
    const limits = { memoryBytes: 8 * 1024 * 1024 }
    const sandbox = await start('memory-hog', { limits })
    await sandbox.init()
    const { outcome, usage } = await sandbox.onBlock(1)
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.out_of_memory' } })
    expect(usage.memoryBytes).toBeLessThanOrEqual(limits.memoryBytes)
  })

  it('uses up its stack', async () => {
    const sandbox = await start('deep-recursion')
    await sandbox.init()
    const { outcome } = await sandbox.onBlock(1)
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.trap' } })
    expect(JSON.stringify(outcome)).toContain('call stack')
  })
})

describe('the deadline', () => {
  it('ends an endless loop, rolls back and frees the store', async () => {
    const sandbox = await start('endless-loop')
    await sandbox.init()
    const calls = [1, 2].map((number) =>
      sandbox.prepare('on-event', block(number), { deadlineMs: 150, fuel: Number.MAX_SAFE_INTEGER }),
    )
    sandbox.send(...calls)
    const { outcome, usage } = await sandbox.reply(calls[0]!)
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.deadline' } })
    expect(usage.durationUs).toBeGreaterThanOrEqual(150_000)
    expect((await sandbox.reply(calls[1]!)).outcome).toEqual({ status: 'not-started' })
    expect((await sandbox.onBlock(3)).outcome).toEqual({ status: 'not-started' })
    // The connection died with its thread, in this very process: nothing locks the file any more.
    const other = new Database(storePath(), { timeout: 0 })
    other.exec('BEGIN IMMEDIATE; ROLLBACK')
    other.close()
    expect(progress()).toEqual({ sequence: '0', 'cursor:test': '0' })
    const next = launch()
    expect(await next.load(await module('echo'))).toMatchObject({ ok: true, lastSequence: 0 })
  })

  it('spec nexum-host 18 row 32, 71: undoes what the call had written', async () => {
    const sandbox = await start('store-bench')
    await sandbox.init([['sets', '1000000000']])
    const { outcome } = await sandbox.onBlock(1, { deadlineMs: 200, fuel: Number.MAX_SAFE_INTEGER })
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.deadline' } })
    const other = new Database(storePath(), { timeout: 0 })
    other.exec('BEGIN IMMEDIATE; ROLLBACK')
    other.close()
    expect(stored()).toEqual({})
  })

  it('spec nexum-host 18 row 71: counts the wait for the host', async () => {
    const sandbox = await start('chain-caller')
    await sandbox.init()
    expect((await sandbox.onBlock(1, { deadlineMs: 100 })).outcome).toMatchObject({
      status: 'failed',
      error: { code: 'sandbox.deadline' },
    })
    expect(stored()).toEqual({})
  })

  it('does not count the time a call waits behind others', async () => {
    const sandbox = await start('chain-caller')
    sandbox.onHostCall = async () => {
      await new Promise((done) => setTimeout(done, 60))
      return { ok: true, value: '"0x1"' }
    }
    await sandbox.init()
    const calls = [1, 2, 3, 4].map((number) =>
      sandbox.prepare('on-event', block(number), { deadlineMs: 150 }),
    )
    sandbox.send(...calls)
    for (const call of calls) expect((await sandbox.reply(call)).outcome).toMatchObject({ status: 'ok' })
  })
})

describe('a host call', () => {
  it('is asked of the engine and answered to the guest', async () => {
    const sandbox = await start('chain-caller')
    const asked: unknown[] = []
    sandbox.onHostCall = async ({ capability, function: name, args }) => {
      asked.push([capability, name, args])
      return { ok: true, value: '"0x2a"' }
    }
    await sandbox.init()
    const { outcome, usage } = await sandbox.onBlock(3)
    expect(outcome).toMatchObject({ status: 'ok' })
    expect(asked).toEqual([
      ['chain', 'request', [0xffff_ffff_ffff_ffffn, 'eth_blockNumber', expect.any(String)]],
    ])
    expect(stored()).toEqual({ 'answer/3': '"0x2a"' })
    expect(usage.hostCalls).toBe(1)
    expect(usage.hostWaitUs).toBeGreaterThan(0)
    expect(usage.hostWaitUs).toBeLessThanOrEqual(usage.durationUs)
  })

  it("hands the engine's error on", async () => {
    const sandbox = await start('chain-caller')
    const error = {
      domain: 'chain',
      kind: 'timeout',
      code: -32603,
      message: 'slow',
      data: '"0xdead"',
    } as const
    sandbox.onHostCall = async () => ({ ok: false, error })
    await sandbox.init()
    expect((await sandbox.onBlock(3)).outcome).toEqual({ status: 'guest-error', error })
  })

  it.each([[42], [null], [{ __proto__: null, toString: 1 }], [['"0x1"']]])(
    'with an answer of a wrong shape (%j) is an internal error',
    async (value) => {
      const sandbox = await start('chain-caller')
      sandbox.onHostCall = async () => ({ ok: true, value })
      await sandbox.init()
      expect((await sandbox.onBlock(3)).outcome).toMatchObject({
        status: 'guest-error',
        error: { domain: 'chain', kind: 'internal', code: 0 },
      })
      expect((await sandbox.onBlock(4)).outcome).toMatchObject({ status: 'guest-error' })
    },
  )

  it.each([
    ['unsupported', 501],
    ['denied', 0],
  ] as const)('to a stub answers %s', async (linkage, code) => {
    const capabilities = { chain: linkage, 'local-store': 'provided', logging: 'provided' } as const
    const sandbox = await start('chain-caller', { capabilities })
    await sandbox.init()
    expect((await sandbox.onBlock(3)).outcome).toMatchObject({
      status: 'guest-error',
      error: { domain: 'chain', kind: linkage, code },
    })
  })

  it('to a stub of the log is silent', async () => {
    const sandbox = await start('echo', {
      capabilities: { 'local-store': 'provided', logging: 'unsupported' },
    })
    await sandbox.init()
    expect((await sandbox.onBlock(3)).outcome).toMatchObject({ status: 'ok' })
    await sandbox.stop()
    expect(sandbox.logs).toEqual([])
  })
})

describe('cancelling', () => {
  it('drops a call that waits and ends one that runs', async () => {
    const sandbox = await start('chain-caller')
    await sandbox.init()
    const [first, second, third] = [1, 2, 3].map((number) => sandbox.prepare('on-event', block(number)))
    sandbox.send(first!, second!, third!)
    await sandbox.message('host-calls')
    sandbox.post({ type: 'cancel', generation: 7, id: second!.id })
    sandbox.post({
      type: 'host-replies',
      generation: 7,
      replies: [{ id: 1, outcome: { ok: true, value: '1' } }],
    })
    expect((await sandbox.reply(first!)).outcome).toMatchObject({ status: 'ok' })
    expect((await sandbox.reply(second!)).outcome).toEqual({ status: 'not-started' })
    sandbox.post({ type: 'cancel', generation: 7, id: third!.id })
    expect((await sandbox.reply(third!)).outcome).toMatchObject({
      status: 'failed',
      error: { code: 'sandbox.cancelled' },
    })
  })
})

describe('stopping', () => {
  it('lets the running call finish and answers the rest unstarted', async () => {
    const sandbox = await start('chain-caller')
    await sandbox.init()
    const [first, second] = [1, 2].map((number) => sandbox.prepare('on-event', block(number)))
    sandbox.send(first!, second!)
    await sandbox.message('host-calls')
    sandbox.post({ type: 'stop', generation: 7, id: 99, graceMs: 5_000 })
    sandbox.post({
      type: 'host-replies',
      generation: 7,
      replies: [{ id: 1, outcome: { ok: true, value: '1' } }],
    })
    expect(await sandbox.ended()).toEqual({ code: 0, signal: null })
    expect((await sandbox.reply(first!)).outcome).toMatchObject({ status: 'ok' })
    expect((await sandbox.reply(second!)).outcome).toEqual({ status: 'not-started' })
    expect(stored()).toEqual({ 'answer/1': '1' })
  })

  it('ends a call that takes longer than its grace', async () => {
    const sandbox = await start('chain-caller')
    await sandbox.init()
    const call = sandbox.prepare('on-event', block(1), { deadlineMs: 60_000 })
    sandbox.send(call)
    // Its host call tells that it runs; the answer never comes.
    await sandbox.message('host-calls')
    await sandbox.stop(50)
    expect(sandbox.exit).toEqual({ code: 0, signal: null })
    expect((await sandbox.reply(call)).outcome).toMatchObject({
      status: 'failed',
      error: { code: 'sandbox.stopped' },
    })
  })

  it('works before anything was loaded', async () => {
    const sandbox = launch()
    await sandbox.message('ready')
    await sandbox.stop(50)
    expect(sandbox.exit).toEqual({ code: 0, signal: null })
  })
})

describe('loading', () => {
  it('reports a store of another module', async () => {
    const first = await start('echo')
    await first.stop()
    const database = new Database(storePath())
    database.prepare(storeStatements.setMeta).run('module', 'somebody-else')
    database.close()
    expect(await launch().load(await module('echo'))).toMatchObject({
      ok: false,
      error: { code: 'store.foreign' },
    })
  })

  it('keeps a damaged store aside and says so', async () => {
    writeFileSync(storePath(), 'damaged beyond repair, and long enough to be looked at as a header')
    const result = await launch().load(await module('echo'))
    expect(result).toMatchObject({ ok: true, lastSequence: -1, warnings: [{ code: 'store.corrupt' }] })
  })

  it('reports a missing or foreign artifact', async () => {
    const missing = { artifactDirectory: join(folder, 'none'), storePath: storePath() }
    const result = await launch().load(missing)
    expect(result).toMatchObject({ ok: false, error: { code: 'sandbox.instantiate_failed' } })
    expect(JSON.stringify(result)).not.toContain(folder)
  })

  it('does not run wiring that reaches for modules by itself', async () => {
    const { artifactDirectory } = await module('echo')
    const glue = join(artifactDirectory, 'component.mjs')
    const whole = readFileSync(glue, 'utf8')
    try {
      writeFileSync(glue, `import 'node:fs'\n${whole}`)
      expect(await launch().load(await module('trap', { artifactDirectory }))).toMatchObject({
        ok: false,
        error: { code: 'sandbox.instantiate_failed' },
      })
    } finally {
      writeFileSync(glue, whole)
    }
  })
})

describe('a sandbox killed at any moment', () => {
  it('spec nexum-host 18 row 35: leaves its store at an event boundary', async () => {
    let expected = 0
    for (let round = 0; round < 8; round += 1) {
      const sandbox = launch()
      const result = await sandbox.load(await module('counter'))
      if (!result.ok) throw new Error(result.error.message)
      const { lastSequence } = result
      if (round > 0) {
        expect(result.cursors).toEqual({ test: String(lastSequence) })
        // Of every run its init counts as a call but not as an event.
        expect(Number(stored()['count/0'] ?? '0')).toBe(lastSequence + 1 - expected)
        expect(result.storeBytes).toBe(
          Object.entries(stored()).reduce((sum, [key, value]) => sum + 64 + key.length + value.length, 0),
        )
      }
      await sandbox.init()
      expected += 1
      const calls = Array.from({ length: 400 }, (_, index) => sandbox.prepare('on-event', block(index)))
      sandbox.send(...calls)
      await sandbox.reply(calls[3 + round * 11]!)
      const answered = sandbox.replies.length
      await sandbox.kill()
      expect(Number(progress()['sequence'])).toBeGreaterThanOrEqual(lastSequence + answered)
    }
  })
})
