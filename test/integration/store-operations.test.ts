import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { bundleOf, chainOf, closeEngines, faultOf, startEngine, temporaryFolder } from '../support/engine.ts'
import type { TestEngine } from '../support/engine.ts'
import { LocalNode } from '../support/local-node.ts'

const command = resolve(import.meta.dirname, '../../bin/paddock.mjs')
let node: LocalNode
let test: TestEngine
let folder: string

beforeAll(() => buildFixtures())
beforeEach(async () => {
  node = await new LocalNode().start()
  folder = await temporaryFolder()
  test = await startEngine({ chains: [chainOf(node.ws, '1')] })
})
afterEach(async () => {
  await closeEngines()
  await node.stop()
})
afterAll(() => closeEngines())

async function live(): Promise<void> {
  await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
}

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function paddock(...args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [command, 'store', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** Starts it again once the chain's stream has ended, and waits for the next. */
async function startAgain(name: string): Promise<void> {
  await test.when('nobody listens', () => test.engine.chains.views()[0]?.status === 'idle')
  await test.engine.modules.start(name)
  await live()
}

describe('spec nexum-host 18 row 76: operator state', () => {
  it('an export restores after a purge what was there, positions too, and no event is handled twice', async () => {
    const name = await test.load(await bundleOf('counter', { chainId: 1 }))
    const file = join(folder, 'counter.ndjson')
    await live()
    node.mine(3)
    await test.whenCommitted(name, 3)
    expect(await test.engine.stores.export(name, file)).toMatchObject({ entries: 4 })
    for (const change of [
      () => test.engine.stores.import(name, file),
      () => test.engine.stores.purge(name),
      () => test.engine.stores.compact(name),
    ]) {
      expect(await faultOf(change())).toMatchObject({ code: 'module.must_stop' })
    }
    await test.engine.modules.stop(name)
    await test.engine.stores.purge(name)
    expect(await test.stored(name, 'count/0')).toBeNull()
    expect(await faultOf(test.engine.stores.compact(name))).toMatchObject({ code: 'store.open_failed' })
    // Without a store it begins anew, at the head.
    await startAgain(name)
    node.mine(1)
    await test.whenCommitted(name, 4)
    expect(await test.stored(name, 'count/0')).toBe('1')
    await test.engine.modules.stop(name)
    expect(await test.engine.stores.import(name, file)).toMatchObject({ entries: 4 })
    expect(await test.stored(name, 'count/0')).toBe('3')
    const { before, after } = await test.engine.stores.compact(name)
    expect(after).toBeLessThanOrEqual(before)
    // As of block 3: what came after is fetched.
    await startAgain(name)
    node.mine(1)
    await test.whenCommitted(name, 5)
    expect(await test.stored(name, 'count/0')).toBe('5')
    expect(test.committed(name)).toEqual([1, 2, 3, 4, 4, 5])
  })

  it('a backup while the module writes without pause is of one moment', async () => {
    const name = await test.load(
      await bundleOf('ledger', { chainId: 1, config: { entries: 200 }, limits: { state_bytes: 8_388_608 } }),
    )
    await live()
    const mining = setInterval(() => node.mine(1), 2)
    try {
      await test.when('some are handled', () => test.committed(name).length >= 3)
      const before = test.committed(name).length
      for (const index of [0, 1, 2, 3, 4]) {
        const file = join(folder, `backup-${index}.db`)
        await test.engine.stores.backup(name, file)
        const copy = new Database(file)
        expect(copy.pragma('integrity_check', { simple: true })).toBe('ok')
        const bulk = copy
          .prepare("SELECT DISTINCT substr(value, 1, 8) FROM entries WHERE CAST(key AS TEXT) LIKE 'bulk/%'")
          .all()
        expect(bulk).toHaveLength(1)
        expect(
          copy.prepare("SELECT count(*) FROM entries WHERE CAST(key AS TEXT) LIKE 'bulk/%'").pluck().get(),
        ).toBe(200)
        copy.close()
        const text = await test.engine.stores.export(name, join(folder, `export-${index}.ndjson`))
        expect(text.entries).toBeGreaterThan(200)
      }
      // It did write meanwhile.
      expect(test.committed(name).length).toBeGreaterThan(before + 1)
    } finally {
      clearInterval(mining)
    }
    const lines = (await readFile(join(folder, 'export-4.ndjson'), 'utf8')).split('\n')
    const heads = lines
      .filter((line) => line.includes('"key":"bulk/'))
      .map((line) => Buffer.from((JSON.parse(line) as { value: string }).value, 'base64').subarray(0, 8))
    expect(new Set(heads.map((head) => head.toString('hex'))).size).toBe(1)
    expect(heads).toHaveLength(200)
  })

  it('the command looks while an engine runs, and changes only when none does', async () => {
    const bundle = await bundleOf('counter', { chainId: 1 })
    const name = await test.load(bundle)
    const { stateDir } = test
    await live()
    node.mine(2)
    await test.whenCommitted(name, 2)
    const file = join(folder, 'out.ndjson')
    const at = ['--state-dir', stateDir]
    const listed = await paddock(bundle, 'list', ...at, '--prefix', 'block/', '--json')
    expect(JSON.parse(listed.stdout)).toMatchObject({
      entries: [{ key: 'block/1' }, { key: 'block/2' }],
      total: 3,
    })
    expect((await paddock('counter', 'get', 'count/0', ...at)).stdout).toBe('2\n')
    expect((await paddock('counter', 'export', file, ...at)).code).toBe(0)
    const locked = await paddock('counter', 'purge', ...at)
    expect([locked.code, locked.stderr]).toEqual([2, expect.stringMatching(/^paddock: state\.locked: /)])
    await test.engine.shutdown()
    expect((await paddock('counter', 'purge', ...at)).code).toBe(0)
    expect((await paddock('counter', 'list', ...at)).stderr).toMatch(/^paddock: store\.open_failed: /)
    await writeFile(`${file}.bad`, (await readFile(file, 'utf8')).split('\n').slice(0, -2).join('\n'))
    const cut = await paddock('counter', 'import', `${file}.bad`, ...at)
    expect([cut.code, cut.stderr]).toEqual([1, expect.stringMatching(/^paddock: store\.import_mismatch: /)])
    expect((await paddock(bundle, 'import', file, ...at)).code).toBe(0)
    expect((await paddock('counter', 'compact', ...at)).code).toBe(0)
    expect((await paddock('counter', 'get', 'count/0', ...at)).stdout).toBe('2\n')
    for (const wrong of [
      ['counter', 'shake'],
      ['counter', 'get'],
      ['../x', 'list'],
    ]) {
      expect((await paddock(...wrong, ...at)).code).toBe(2)
    }
  })
})
