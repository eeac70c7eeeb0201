import { createHash } from 'node:crypto'
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readExportDigest } from '../../../src/engine/contracts/actor/export-digest.ts'
import { buildActors } from '../../fixtures/actors/build-actors.mjs'
import { startActors, type TestActors } from '../../support/actors.ts'
import { closeEngines, faultOf, startEngine, temporaryFolder, type TestEngine } from '../../support/engine.ts'

let test: TestEngine

beforeAll(async () => {
  await buildActors()
  test = await startEngine()
})
afterAll(() => closeEngines())

/** Rows that a test wrote; the guest adds one of its own whenever it is put to sleep. */
const written = { sql: "SELECT text FROM log WHERE text <> 'slept' ORDER BY id" }
const pageBytes = 4_096

async function fileOf(actors: TestActors, key: string): Promise<string> {
  const { id } = await actors.view(key)
  return actors.service.namespace(actors.module).context.files.database(id)
}

async function namesBeside(file: string): Promise<string[]> {
  const names = await readdir(dirname(file))
  return names.filter((name) => name.startsWith(basename(file)))
}

async function exported(actors: TestActors, key: string): Promise<{ file: string; sha256: string }> {
  const file = join(await temporaryFolder(), `${key}.export`)
  await actors.service.export(actors.module, { key: [key] }, file)
  return { file, sha256: await readExportDigest(file) }
}

describe('a damaged file', () => {
  it.each([
    ['its header', 0, 100],
    ['its pages', pageBytes, 4 * pageBytes],
  ])('with %s overwritten is kept aside and told, its neighbour goes on', async (_, from, to) => {
    const actors = await startActors(test, 'probe')
    for (const key of ['hurt', 'fine']) await actors.request(key, 'append', { id: `of-${key}` })
    await actors.sleep('hurt')
    const { id } = await actors.view('hurt')
    const file = await fileOf(actors, 'hurt')
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(0xa5, from, to))

    expect(await faultOf(actors.request('hurt', 'all', written))).toMatchObject({ code: 'sqlite.corrupt' })
    expect(test.engine.state.snapshot().notices).toContainEqual(
      expect.objectContaining({
        id: `actor ${actors.module} ${id}`,
        severity: 'warn',
        subject: { kind: 'module', name: actors.module },
        error: expect.objectContaining({ code: 'sqlite.corrupt' }),
      }),
    )
    // Nothing empty takes its place, however often it is asked.
    expect(await faultOf(actors.request('hurt', 'all', written))).toMatchObject({ code: 'sqlite.corrupt' })
    const names = await namesBeside(file)
    expect(names).not.toContain(basename(file))
    const kept = names.filter((name) => name.includes('.damaged-') && !/-(wal|shm|journal)$/.test(name))
    expect(kept).toHaveLength(1)
    const keptBytes = await readFile(join(dirname(file), kept[0]!))
    expect(keptBytes.subarray(from, to).equals(bytes.subarray(from, to))).toBe(true)

    expect(await actors.request('fine', 'append', { id: 'more' })).not.toBeNull()
    expect(await actors.request('fine', 'all', written)).toEqual([['of-fine'], ['more']])
    expect(test.state(actors.module)).toBe('running')

    // An export of another puts it right.
    const { file: source, sha256 } = await exported(actors, 'fine')
    await actors.service.import(actors.module, { key: ['hurt'] }, source, sha256)
    expect(await actors.request('hurt', 'all', written)).toEqual([['of-fine'], ['more']])
    expect(test.engine.state.snapshot().notices).toEqual([])
  })

  it('spec actors-sql 18: is counted for Prometheus by module, without the key', async () => {
    const actors = await startActors(test, 'probe')
    await actors.request('secret-key', 'append', { id: 'one' })
    await actors.request('secret-key', 'all', written)
    await actors.sleep('secret-key')
    const module = `module="${actors.module}"`
    const text = await test.engine.metrics.text()
    expect(text).toContain(`actor_requests_total{${module},operation="request",result="ok"} 2\n`)
    expect(text).toContain(`actor_drains_total{${module}} 1\n`)
    expect(text).toContain(`actor_awake{${module}} 0\n`)
    expect(text).toContain(`actor_queue_depth{${module}} 0\n`)
    expect(text).not.toContain('secret-key')
  })
})

describe('spec actors-sql 20: backup / export / import: a file that is refused leaves the old one', () => {
  let actors: TestActors
  let source: { file: string; sha256: string }

  beforeAll(async () => {
    actors = await startActors(test, 'probe')
    const many = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)'
    await actors.request('new', 'exec', {
      sql: `INSERT INTO log(text) ${many} SELECT hex(randomblob(1000)) FROM n`,
    })
    source = await exported(actors, 'new')
  })

  /** Imports what is refused with `code` into an actor that has one row, and looks at what it has then. */
  async function refused(into: TestActors, path: string, sha256: string, code: string): Promise<void> {
    const key = code
    await into.request(key, 'append', { id: 'old' })
    await into.sleep(key)
    const file = await fileOf(into, key)
    const before = await readFile(file)
    const importing = into.service.import(into.module, { key: [key] }, path, sha256)
    expect(await faultOf(importing)).toMatchObject({ code })
    expect((await readFile(file)).equals(before)).toBe(true)
    expect(await namesBeside(file)).toEqual([basename(file)])
    expect(await into.request(key, 'all', written)).toEqual([['old']])
    await into.destroy(key)
  }

  async function digestOf(path: string): Promise<string> {
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }

  it('larger than the quota', async () => {
    const small = await startActors(test, 'probe', { contract: { database_bytes: 64 * pageBytes } })
    await refused(small, source.file, source.sha256, 'sqlite.quota_exceeded')
  })

  it.each([
    ['view', "CREATE VIEW v AS SELECT load_extension('x')"],
    ['trigger', 'CREATE TRIGGER g AFTER INSERT ON log BEGIN DELETE FROM _paddock_key_value; END'],
  ])('with a %s that no guest could make', async (what, sql) => {
    const hostile = `${source.file}.${what}`
    await copyFile(source.file, hostile)
    const writable = new Database(hostile)
    writable.exec(sql)
    writable.close()
    await refused(actors, hostile, await digestOf(hostile), 'sqlite.statement_refused')
  })

  it('with a byte that is another than when its digest was taken', async () => {
    const tampered = `${source.file}.tampered`
    const bytes = await readFile(source.file)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    await writeFile(tampered, bytes)
    await refused(actors, tampered, source.sha256, 'sqlite.corrupt')
  })
})
