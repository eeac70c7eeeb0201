import { existsSync, readdirSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ActorDatabase } from './actor-database.ts'
import type { SqlValue } from '../interfaces.ts'
import { Databases, faultOf, named, plain, positional } from '../testing/databases.testing.ts'

const none = positional()

describe.each(['inline', 'bridged'] as const)('a database, %s', (placement) => {
  let databases: Databases
  let db: ActorDatabase
  beforeEach(() => {
    databases = new Databases(placement)
    db = databases.open()
  })
  afterEach(() => databases.close())

  const run = (sql: string, ...values: Parameters<typeof positional>) =>
    db.execute(sql, positional(...values), false)
  const rows = (sql: string) => plain(run(sql).rows)

  it('spec actors-sql 20: own database', () => {
    const others = [
      databases.open({ actorId: 'b' }),
      databases.open({ namespace: 'other', databasePath: databases.path('c') }),
    ]
    for (const [index, each] of [db, ...others].entries()) {
      each.exec('CREATE TABLE t(x)')
      each.execute('INSERT INTO t VALUES (?)', positional(index), false)
    }
    for (const [index, each] of [db, ...others].entries()) {
      expect(plain(each.execute('SELECT x FROM t', none, false).rows)).toEqual([[BigInt(index)]])
    }
  })

  it('spec actors-sql 20: lazy open', () => {
    expect(db.info()).toMatchObject({ usedPages: 0, schemaVersion: 0, maximumPages: 65_536, pageSize: 4_096 })
    expect(db.stats().open).toBe(false)
    expect(db.inTransaction()).toBe(false)
    expect(db.endInvocation()).toEqual({ leftOpen: false, broken: null, notices: [] })
    expect(readdirSync(databases.folder)).toEqual([])
    for (let call = 0; call < 50; call += 1) run('SELECT 1')
    expect(db.stats().open).toBe(true)
    expect(existsSync(databases.path())).toBe(true)
  })

  it('spec actors-sql 20: reuse and fresh start', () => {
    db.exec('CREATE TEMP TABLE here(x); CREATE TABLE t(x); INSERT INTO t VALUES (1)')
    expect(rows('SELECT * FROM here')).toEqual([])
    db.close()
    expect(faultOf(() => run('SELECT 1'))).toEqual({ tag: 'closed' })
    db = databases.open({ generation: 2 })
    expect(faultOf(() => run('SELECT * FROM here'))).toMatchObject({ tag: 'execution-failed' })
    expect(rows('SELECT * FROM t')).toEqual([[1n]])
    expect(readdirSync(databases.folder).filter((name) => name.endsWith('-shm'))).toEqual([])
  })

  it('spec actors-sql 20: exec', () => {
    const script = `CREATE TABLE t(x); CREATE TABLE log(y);
      CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (CASE WHEN new.x > 1 THEN 'big' ELSE 'small' END); END;
      INSERT INTO t VALUES (2);`
    expect(db.exec(script)).toEqual({ statements: 4, changes: 1, last: undefined })
    expect(rows('SELECT y FROM log')).toEqual([['big']])
    expect(db.exec('SELECT 1; SELECT x AS a, x AS a FROM t; CREATE TABLE u(z)').last).toEqual({
      columns: ['a', 'a'],
      rows: [
        [
          { tag: 'integer', val: 2n },
          { tag: 'integer', val: 2n },
        ],
      ],
    })
    const fault = faultOf(() =>
      db.exec(
        'INSERT INTO t VALUES (3); INSERT INTO t VALUES (4); INSERT INTO nowhere VALUES (1); INSERT INTO t VALUES (5)',
      ),
    )
    expect(fault).toMatchObject({ tag: 'execution-failed', val: { statementIndex: 2, primaryCode: 1 } })
    expect(rows('SELECT x FROM t')).toEqual([[2n], [3n], [4n]])
    expect(faultOf(() => db.exec("INSERT INTO t VALUES (9); ATTACH 'x' AS y"))).toMatchObject({
      tag: 'refused',
      val: { rule: 'attach', statementIndex: 1 },
    })
    expect(rows('SELECT count(*) FROM t')).toEqual([[3n]])
  })

  it('spec actors-sql 20: execute', () => {
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
    expect(run('INSERT INTO t(v) VALUES (?)', 'a')).toEqual({
      columns: [],
      rows: [],
      changes: 1,
      lastInsertId: { tag: 'integer', val: 1n },
      route: 'write',
    })
    const returning = run('INSERT INTO t(v) VALUES (?) RETURNING id, v', 'b')
    expect(returning).toMatchObject({
      columns: ['id', 'v'],
      changes: 1,
      lastInsertId: { val: 2n },
      route: 'write',
    })
    expect(plain(returning.rows)).toEqual([[2n, 'b']])
    expect(run('PRAGMA table_info(t)').rows).toHaveLength(2)
    for (const empty of ['', ';;', ' -- nothing', '/* open', '\ufeff;']) {
      expect(run(empty)).toMatchObject({ columns: [], rows: [], changes: 0 })
    }
    expect(rows('SELECT 1; -- trailing')).toEqual([[1n]])
    expect(faultOf(() => run('SELECT 1; SELECT 2'))).toEqual({ tag: 'statement-count', val: 2 })
  })

  it('spec actors-sql 20: changes / last id', () => {
    db.exec(
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID',
    )
    const facts = (sql: string, ...values: Parameters<typeof positional>) => {
      const { changes, lastInsertId } = run(sql, ...values)
      return [changes, lastInsertId?.tag === 'integer' ? lastInsertId.val : lastInsertId]
    }
    expect(facts('INSERT INTO t VALUES (7, 1)')).toEqual([1, 7n])
    expect(facts('SELECT * FROM t')).toEqual([0, undefined])
    expect(facts('UPDATE t SET v = 2')).toEqual([1, undefined])
    expect(facts('INSERT OR IGNORE INTO t VALUES (7, 3)')).toEqual([0, undefined])
    expect(facts('INSERT INTO w VALUES (1, 1)')).toEqual([1, undefined])
    expect(facts('CREATE TABLE c AS SELECT * FROM t')).toEqual([0, undefined])
    const upsert = 'INSERT INTO t VALUES (?, 5) ON CONFLICT (id) DO UPDATE SET v = excluded.v'
    expect(facts(upsert, 7)).toEqual([1, undefined])
    expect(rows('SELECT last_insert_rowid()')).toEqual([[7n]])
    expect(facts('DELETE FROM t')).toEqual([1, undefined])
    expect(facts(upsert, 8)).toEqual([1, 8n])
    expect(facts('INSERT INTO t VALUES (9223372036854775807, 9)')).toEqual([
      1,
      { tag: 'big-integer', val: '9223372036854775807' },
    ])
    expect(facts('PRAGMA foreign_keys = ON')).toEqual([0, undefined])
  })

  it('spec actors-sql 20: values', () => {
    const integer = (val: bigint): SqlValue => ({ tag: 'integer', val })
    const big = (val: bigint): SqlValue => ({ tag: 'big-integer', val: String(val) })
    const safe = 2n ** 53n - 1n
    const table: [SqlValue, SqlValue, string][] = [
      [{ tag: 'null' }, { tag: 'null' }, 'null'],
      [integer(safe), integer(safe), 'integer'],
      [integer(-safe), integer(-safe), 'integer'],
      [integer(safe + 1n), big(safe + 1n), 'integer'],
      [big(safe + 2n), big(safe + 2n), 'integer'],
      [big(5n), integer(5n), 'integer'],
      [integer(-(2n ** 63n)), big(-(2n ** 63n)), 'integer'],
      [big(2n ** 63n - 1n), big(2n ** 63n - 1n), 'integer'],
      [{ tag: 'real', val: 3 }, { tag: 'real', val: 3 }, 'real'],
      [{ tag: 'real', val: -0 }, { tag: 'real', val: -0 }, 'real'],
      [{ tag: 'real', val: Infinity }, { tag: 'real', val: Infinity }, 'real'],
      [{ tag: 'text', val: 'a\0b😀' }, { tag: 'text', val: 'a\0b😀' }, 'text'],
      [{ tag: 'blob', val: new Uint8Array(0) }, { tag: 'blob', val: new Uint8Array(0) }, 'blob'],
      [{ tag: 'blob', val: Uint8Array.of(0, 255) }, { tag: 'blob', val: Uint8Array.of(0, 255) }, 'blob'],
    ]
    for (const [given, wanted, type] of table) {
      const { rows: found } = db.execute('SELECT ?1, typeof(?1)', { tag: 'positional', val: [given] }, false)
      const [value, typeName] = found[0] ?? []
      if (wanted.tag === 'blob')
        expect(value?.tag === 'blob' && Uint8Array.from(value.val)).toEqual(wanted.val)
      else expect(value).toEqual(wanted)
      expect(typeName).toEqual({ tag: 'text', val: type })
    }
    expect(plain(run("SELECT CAST(x'ff41' AS TEXT)").rows)).toEqual([['\ufffdA']])
    expect(run('SELECT 1 AS a, 2 AS a').columns).toEqual(['a', 'a'])
  })

  it('spec actors-sql 20: binding', () => {
    const problem = (sql: string, params: Parameters<ActorDatabase['execute']>[1]) => {
      const fault = faultOf(() => db.execute(sql, params, false))
      return fault.tag === 'invalid-bind-parameter' ? [fault.val.problem, fault.val.parameter] : fault
    }
    expect(problem('SELECT ?, ?', positional(1))).toEqual(['too-few', '2'])
    expect(problem('SELECT ?', positional(1, 2))).toEqual(['too-many', '2'])
    expect(problem('SELECT 1', positional(1))).toEqual(['too-many', '1'])
    expect(problem('SELECT :a, @b', named({ a: 1 }))).toEqual(['missing', 'b'])
    expect(problem('SELECT :a', named({ a: 1, c: 2 }))).toEqual(['unknown-name', 'c'])
    expect(problem('SELECT :a', named({ a: 1, ':a': 2 }))).toEqual(['duplicate-name', ':a'])
    expect(problem("SELECT ':x' /* :y */ -- :z", named({ x: 1 }))).toEqual(['unknown-name', 'x'])
    expect(problem('SELECT ?', positional({ tag: 'real', val: NaN }))).toEqual(['not-a-number', '1'])
    for (const text of ['', '01', '-0', '+1', '1.0', '9223372036854775808', ' 1']) {
      expect(problem('SELECT ?', positional({ tag: 'big-integer', val: text }))).toEqual([
        'not-an-integer',
        '1',
      ])
    }
    const values = (sql: string, params: Parameters<ActorDatabase['execute']>[1]) =>
      plain(db.execute(sql, params, false).rows)[0]
    expect(values('SELECT :a, @b, $c', named({ ':a': 1, b: 2, $c: 3 }))).toEqual([1n, 2n, 3n])
    for (let again = 0; again < 3; again += 1) {
      expect(values('SELECT ?2, ?1', positional(1, 2))).toEqual([2n, 1n])
      expect(values('SELECT :x, :y', positional(1, 2))).toEqual([1n, 2n])
      expect(problem('SELECT :x, :y', positional(1))).toEqual(['too-few', '2'])
    }
  })

  it('spec actors-sql 20: route', () => {
    db.exec('CREATE TABLE t(x)')
    const route = (sql: string) => run(sql).route
    expect(route('SELECT * FROM t')).toBe('read')
    expect(route('EXPLAIN SELECT 1')).toBe('read')
    expect(route("SELECT name FROM pragma_table_info('t')")).toBe('read')
    for (const sql of [
      'BEGIN',
      'SAVEPOINT a',
      'RELEASE a',
      'ROLLBACK',
      'PRAGMA foreign_keys = OFF',
      'PRAGMA table_info(t)',
      'INSERT INTO t VALUES (1) RETURNING x',
      'UPDATE t SET x = 2',
    ]) {
      expect([sql, route(sql)]).toEqual([sql, 'write'])
    }
    expect(db.execute('SELECT 1', none, true).route).toBe('write')
  })

  it('spec actors-sql 20: batch', () => {
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY)')
    const inserts = (ids: number[]) =>
      ids.map((id) => ({ sql: 'INSERT INTO t VALUES (?)', params: positional(id) }))
    const count = () => rows('SELECT count(*) FROM t')[0]?.[0]
    expect(faultOf(() => db.batch(inserts([1, 2, 3, 4, 5, 6, 7, 7, 9, 10])))).toMatchObject({
      tag: 'constraint',
      val: { kind: 'primary-key', statementIndex: 7 },
    })
    expect(count()).toBe(0n)
    expect(db.batch(inserts([1, 2, 3])).map(({ changes }) => changes)).toEqual([1, 1, 1])
    db.begin('immediate')
    run('INSERT INTO t VALUES (4)')
    expect(faultOf(() => db.batch(inserts([5, 4]))).tag).toBe('constraint')
    expect(count()).toBe(4n)
    db.commit()
    for (const sql of ['COMMIT', 'RELEASE a', 'BEGIN']) {
      expect(faultOf(() => db.batch([...inserts([8]), { sql, params: none }]))).toMatchObject({
        tag: 'refused',
        val: { rule: 'transaction-control', statementIndex: 1 },
      })
    }
    expect(faultOf(() => db.batch([...inserts([8]), { sql: 'SELECT 1; SELECT 2', params: none }]))).toEqual({
      tag: 'statement-count',
      val: 2,
    })
    expect(count()).toBe(4n)
    expect(db.inTransaction()).toBe(false)
    expect(faultOf(() => db.batch([{ sql: 'INSERT OR ROLLBACK INTO t VALUES (1)', params: none }])).tag).toBe(
      'constraint',
    )
    expect(db.batch(inserts([20]))).toHaveLength(1)
  })
})
