import { writeFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readExportDigest } from '../../../src/engine/contracts/actor/export-digest.ts'
import { buildActors } from '../../fixtures/actors/build-actors.mjs'
import { startActors } from '../../support/actors.ts'
import { closeEngines, faultOf, startEngine, temporaryFolder, type TestEngine } from '../../support/engine.ts'

let test: TestEngine

beforeAll(async () => {
  await buildActors()
  test = await startEngine()
})
afterAll(() => closeEngines())

describe('files of actors', () => {
  it('spec actors-sql 20: backup: a copy taken while the actor writes opens clean', async () => {
    const actors = await startActors(test, 'probe')
    const folder = await temporaryFolder()
    const many = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)'
    await actors.request('a', 'exec', {
      sql: `INSERT INTO log(text) ${many} SELECT hex(randomblob(1000)) FROM n`,
    })
    const target = join(folder, 'copy.db')
    const copying = actors.service.backup(actors.module, { key: ['a'] }, target)
    for (let write = 0; write < 20; write += 1) await actors.request('a', 'append', { id: `w${write}` })
    expect((await copying).pages).toBeGreaterThan(900)
    const copy = new Database(target, { readonly: true })
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(copy.prepare('SELECT count(*) FROM log').pluck().get()).toBeGreaterThanOrEqual(2_000)
    copy.close()
  })

  it('spec actors-sql 20: export / import: comes back equal on a higher generation; a tampered file leaves the old one', async () => {
    const actors = await startActors(test, 'probe')
    const folder = await temporaryFolder()
    for (const id of ['one', 'two']) await actors.request('a', 'append', { id })
    const file = join(folder, 'a.export')
    const manifest = await actors.service.export(actors.module, { key: ['a'] }, file)
    expect(manifest).toMatchObject({ namespace: actors.module, generation: 1, schemaVersion: 2 })
    await actors.request('b', 'append', { id: 'old' })
    const before = (await actors.view('b')).generation
    const sha256 = await readExportDigest(file)
    await actors.service.import(actors.module, { key: ['b'] }, file, sha256)
    expect(await actors.request('b', 'all', { sql: 'SELECT text FROM log' })).toEqual([['one'], ['two']])
    expect((await actors.view('b')).generation).toBeGreaterThan(before + 1)
    const bytes = await readFile(file)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    await writeFile(file, bytes)
    await faultOf(actors.service.import(actors.module, { key: ['b'] }, file, sha256))
    expect(await actors.request('b', 'all', { sql: 'SELECT count(*) FROM log' })).toEqual([[3]])
  })

  it('runs SQL on a thread of its own where the manifest says bridged', async () => {
    const actors = await startActors(test, 'probe', { contract: { placement: 'bridged' } })
    await actors.request('a', 'append', { id: 'one' })
    await actors.sleep('a')
    expect(await actors.request('a', 'all', { sql: 'SELECT text FROM log' })).toEqual([['one'], ['slept']])
    expect((await actors.page()).placement).toBe('bridged')
  })

  it('shows tables, rows and answers to reading statements, and refuses writing ones', async () => {
    const actors = await startActors(test, 'probe')
    await actors.request('a', 'append', { id: 'one' })
    const address = { key: ['a'] }
    const { tables } = await actors.service.tables(actors.module, address)
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['log', 'total']))
    expect(
      await actors.service.rows(actors.module, address, { table: 'log', offset: 0, limit: 10 }),
    ).toMatchObject({
      columns: ['id', 'text'],
      more: false,
    })
    const query = (sql: string) => actors.service.query(actors.module, address, { sql, maxRows: 5 })
    expect((await query('SELECT count(*) AS n FROM log')).columns).toEqual(['n'])
    await faultOf(query("INSERT INTO log(text) VALUES ('x')"))
    expect(await actors.request('a', 'all', { sql: 'SELECT count(*) FROM log' })).toEqual([[1]])
  })

  it('spec actors-sql 20: own database: equal keys of two modules have files of their own', async () => {
    const [one, two] = [await startActors(test, 'probe'), await startActors(test, 'probe')]
    await one.request('same', 'append', { id: 'one' })
    expect(await two.request('same', 'all', { sql: 'SELECT text FROM log' })).toEqual([])
  })
})
