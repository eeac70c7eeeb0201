import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ActorDatabase } from './actor-database.ts'
import type { Bindings } from '../interfaces.ts'
import { Databases, faultOf, plain, positional } from '../testing/databases.testing.ts'

const none = positional()
const kib = 1_024
const mib = 1_024 * kib

describe.each(['inline', 'bridged'] as const)('limits of a database, %s', (placement) => {
  let databases: Databases
  let db: ActorDatabase
  beforeEach(() => {
    databases = new Databases(placement)
    db = databases.open()
  })
  afterEach(() => databases.close())

  const run = (sql: string, params: Bindings = none) => db.execute(sql, params, false)
  const limit = (call: () => unknown) => {
    const fault = faultOf(call)
    return fault.tag === 'limit-exceeded' ? [fault.val.limit, fault.val.maximum, fault.val.actual] : fault
  }
  const many = (count: number, value: Parameters<typeof positional>[0]): Bindings =>
    positional(...new Array<typeof value>(count).fill(value))

  it('spec actors-sql 20: input limits', () => {
    const text = (bytes: number) => `SELECT 1 --${'é'.repeat((bytes - 12) / 2)} `
    expect(run(text(mib)).rows).toHaveLength(1)
    expect(limit(() => run(`${text(mib)}-`))).toEqual(['sql-bytes', mib, mib + 1])
    expect(limit(() => db.exec(`${text(mib)}-`))).toEqual(['sql-bytes', mib, mib + 1])

    const list = (count: number) => `SELECT 1 IN (${new Array(count).fill('?').join()})`
    expect(plain(run(list(1_024), many(1_024, 1)).rows)).toEqual([[1n]])
    expect(limit(() => run(list(1_025), many(1_025, 1)))).toEqual(['parameter-count', 1_024, 1_025])
    expect(faultOf(() => run(list(1_025), many(1_024, 1)))).toMatchObject({ val: { problem: 'too-few' } })

    const length = (params: Bindings) => plain(run('SELECT length(CAST(? AS BLOB))', params).rows)
    expect(length(positional('é'.repeat(mib / 2)))).toEqual([[BigInt(mib)]])
    expect(limit(() => length(positional(`${'é'.repeat(mib / 2)}a`)))).toEqual([
      'parameter-bytes',
      mib,
      mib + 1,
    ])
    expect(length(positional(new Uint8Array(mib)))).toEqual([[BigInt(mib)]])
    expect(limit(() => length(positional(new Uint8Array(mib + 1))))).toEqual([
      'parameter-bytes',
      mib,
      mib + 1,
    ])

    const blobs =
      'SELECT length(?)+length(?)+length(?)+length(?)+length(?)+length(?)+length(?)+length(?)+length(?)'
    const eight = new Array<Uint8Array>(8).fill(new Uint8Array(mib))
    expect(run(blobs, positional(...eight, new Uint8Array(0))).rows).toHaveLength(1)
    expect(limit(() => run(blobs, positional(...eight, new Uint8Array(1))))).toEqual([
      'total-parameter-bytes',
      8 * mib,
      8 * mib + 1,
    ])

    const batch = (count: number) =>
      new Array<{ sql: string; params: Bindings }>(count).fill({ sql: 'SELECT 1', params: none })
    expect(db.batch(batch(256))).toHaveLength(256)
    expect(limit(() => db.batch(batch(257)))).toEqual(['batch-statements', 256, 257])
  })

  it('refuses input over a limit before the engine sees anything', () => {
    expect(limit(() => run('SELECT nonsense FROM nowhere', positional(new Uint8Array(mib + 1))))).toEqual([
      'parameter-bytes',
      mib,
      mib + 1,
    ])
  })

  it('spec actors-sql 20: answer limits', () => {
    const counter = (count: number) =>
      `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < ${count})`
    expect(run(`${counter(10_000)} SELECT x FROM c`).rows).toHaveLength(10_000)
    expect(limit(() => run(`${counter(10_001)} SELECT x FROM c`))).toEqual(['row-count', 10_000, 10_001])
    const columns = (count: number) => `SELECT ${new Array(count).fill('1').join(',')}`
    expect(run(columns(256)).rows[0]).toHaveLength(256)
    expect(limit(() => run(columns(257)))).toEqual(['column-count', 256, 257])
    expect(run(`SELECT zeroblob(${mib})`).rows).toHaveLength(1)
    expect(limit(() => run(`SELECT zeroblob(${mib + 1})`))).toEqual(['cell-bytes', mib, mib + 1])
    const cells = new Array(8).fill(`zeroblob(${mib})`).join(',')
    expect(run(`SELECT ${cells}`).rows).toHaveLength(1)
    expect(limit(() => run(`SELECT ${cells}, x'00'`))).toEqual(['response-bytes', 8 * mib, 8 * mib + 1])

    db.exec('CREATE TABLE t(x)')
    expect(limit(() => run(`${counter(10_001)} INSERT INTO t SELECT x FROM c RETURNING x`))).toEqual([
      'row-count',
      10_000,
      10_001,
    ])
    expect(plain(run('SELECT count(*) FROM t').rows)).toEqual([[0n]])
    db.begin('immediate')
    run('INSERT INTO t VALUES (1)')
    expect(limit(() => run(`${counter(10_001)} INSERT INTO t SELECT x FROM c RETURNING x`))).toEqual([
      'row-count',
      10_000,
      10_001,
    ])
    db.commit()
    expect(plain(run('SELECT count(*) FROM t').rows)).toEqual([[1n]])
  })

  it('counts the names of columns among themselves: views make many of few', () => {
    db = databases.open({ actorId: 'low', limits: { responseBytes: 10_000 } })
    db.exec(`CREATE TABLE wide("${'n'.repeat(6_000)}")`)
    expect(run('SELECT * FROM wide').rows).toEqual([])
    expect(limit(() => run('SELECT * FROM wide, wide AS w'))).toEqual(['response-bytes', 10_000, 12_000])
  })

  it('takes lower limits from the configuration', () => {
    db = databases.open({ actorId: 'low', limits: { rowCount: 2, sqlBytes: 40 } })
    expect(limit(() => run('VALUES (1), (2), (3)'))).toEqual(['row-count', 2, 3])
    expect(limit(() => run(`SELECT 1 -- ${'x'.repeat(40)}`))).toMatchObject(['sql-bytes', 40, 52])
    expect(db.info().limits).toMatchObject({ rowCount: 2, sqlBytes: 40, statementTimeoutMs: 10_000 })
  })

  it('spec actors-sql 20: quota', () => {
    const quota = { actorId: 'small', quotaBytes: 64 * 4_096 }
    db = databases.open(quota)
    db.exec('CREATE TABLE t(x)')
    const fill = () => {
      for (;;) run('INSERT INTO t VALUES (zeroblob(20000))')
    }
    const fault = faultOf(fill)
    expect(fault).toMatchObject({ tag: 'quota-exceeded', val: { maximumPages: 64, pageSize: 4_096 } })
    expect(faultOf(() => db.exec('PRAGMA max_page_count = 100000'))).toMatchObject({ tag: 'refused' })
    run('DELETE FROM t')
    expect(run('INSERT INTO t VALUES (zeroblob(20000))').changes).toBe(1)
    db.close()
    db = databases.open({ ...quota, generation: 2 })
    expect(faultOf(fill).tag).toBe('quota-exceeded')
    expect(db.info().maximumPages).toBe(64)
  })

  it('spec actors-sql 20: key-value', () => {
    const bytes = (text: string) => new TextEncoder().encode(text)
    db.keySet('b', bytes('1'))
    db.keySet('a/1', bytes('2'))
    db.keySet('a/é', bytes('3'))
    db.keySet('a/Z', new Uint8Array(0))
    expect(db.keyList('', undefined, 10)).toEqual(['a/1', 'a/Z', 'a/é', 'b'])
    expect(db.keyList('a/', 'a/1', 10)).toEqual(['a/Z', 'a/é'])
    expect(db.keyList('a/', undefined, 1)).toEqual(['a/1'])
    expect(db.keyGet('nothing')).toBeUndefined()
    expect(db.keyGet('a/Z')).toHaveLength(0)
    expect([db.keyDelete('b'), db.keyDelete('b')]).toEqual([true, false])

    db.begin('immediate')
    db.keySet('a/1', bytes('changed'))
    db.exec('CREATE TABLE t(x)')
    db.rollback()
    expect(new TextDecoder().decode(db.keyGet('a/1'))).toBe('2')
    expect(faultOf(() => run('SELECT * FROM t')).tag).toBe('execution-failed')

    const key = (length: number) => `${'é'.repeat(length / 2 - 1)}ab`.slice(0, length)
    db.keySet(key(2 * kib), new Uint8Array(128 * kib))
    expect(limit(() => db.keySet(`${key(2 * kib)}a`, bytes('')))).toEqual(['key-bytes', 2_048, 2_049])
    expect(limit(() => db.keySet('k', new Uint8Array(128 * kib + 1)))).toEqual([
      'key-value-bytes',
      131_072,
      131_073,
    ])
    expect(db.keyList('', undefined, 1_000).length).toBeGreaterThan(0)
    expect(limit(() => db.keyList('', undefined, 1_001))).toEqual(['listing', 1_000, 1_001])
    expect(limit(() => db.keyList('', undefined, -1))).toEqual(['listing', 1_000, 0])
  })
})
