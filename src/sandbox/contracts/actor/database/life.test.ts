import Database from 'better-sqlite3'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ActorDatabase } from './actor-database.ts'
import { beginCopy, openConnection, type Connection } from './connection.ts'
import { LocalDatabase } from './local-database.ts'
import { Databases, faultOf, plain, positional } from '../testing/databases.testing.ts'

const none = positional()

describe.each(['inline', 'bridged'] as const)('the life of a database, %s', (placement) => {
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
  const problem = (call: () => unknown) => {
    const { tag, val } = faultOf(call)
    return [tag, val]
  }

  describe('spec actors-sql 20: transactions', () => {
    beforeEach(() =>
      db.exec(
        'CREATE TABLE t(x UNIQUE ON CONFLICT ROLLBACK); CREATE TABLE parent(id INTEGER PRIMARY KEY); CREATE TABLE child(p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)',
      ),
    )

    it('commit and rollback', () => {
      db.begin('deferred')
      expect(db.inTransaction()).toBe(true)
      run('INSERT INTO t VALUES (1)')
      db.rollback()
      db.begin('immediate')
      run('INSERT INTO t VALUES (2)')
      expect(problem(() => db.begin('immediate'))).toEqual(['busy', 'transaction-open'])
      db.commit()
      expect(rows('SELECT x FROM t')).toEqual([[2n]])
      expect(problem(() => db.commit())).toEqual(['transaction', 'none-open'])
      expect(problem(() => db.rollback())).toEqual(['transaction', 'none-open'])
    })

    it('raw text moves the same state', () => {
      run('BEGIN')
      expect(db.inTransaction()).toBe(true)
      expect(problem(() => run('BEGIN'))).toEqual(['busy', 'transaction-open'])
      run('SAVEPOINT s')
      run('INSERT INTO t VALUES (1)')
      run('ROLLBACK TO s')
      db.exec('RELEASE s; COMMIT')
      expect(db.inTransaction()).toBe(false)
      expect(rows('SELECT x FROM t')).toEqual([])
      for (const sql of ['COMMIT', 'ROLLBACK', 'RELEASE s', 'END']) {
        expect(problem(() => run(sql))).toEqual(['transaction', 'none-open'])
      }
      run('SAVEPOINT outer')
      run('INSERT INTO t VALUES (3)')
      run('RELEASE outer')
      expect(rows('SELECT x FROM t')).toEqual([[3n]])
    })

    it('a rollback of the engine', () => {
      db.begin('immediate')
      run('INSERT INTO t VALUES (1)')
      expect(faultOf(() => run('INSERT INTO t VALUES (1)')).tag).toBe('constraint')
      expect(db.inTransaction()).toBe(false)
      // Nothing autocommits for a transaction that is gone.
      expect(problem(() => run('INSERT INTO t VALUES (5)'))).toEqual(['transaction', 'rolled-back-by-engine'])
      expect(problem(() => db.commit())).toEqual(['transaction', 'rolled-back-by-engine'])
      expect(rows('SELECT x FROM t')).toEqual([])
    })

    it('a deadline', () => {
      db = databases.open({ actorId: 'short', budgets: { transactionMs: 1 } })
      db.exec('CREATE TABLE t(x)')
      db.begin('immediate')
      const began = performance.now()
      while (performance.now() - began < 3);
      expect(problem(() => run('INSERT INTO t VALUES (1)'))).toEqual(['transaction', 'expired'])
      expect(problem(() => run('SELECT 1'))).toEqual(['transaction', 'expired'])
      expect(problem(() => db.commit())).toEqual(['transaction', 'expired'])
      expect(rows('SELECT x FROM t')).toEqual([])
    })

    it('left open', () => {
      db.begin('immediate')
      run('INSERT INTO t VALUES (1)')
      expect(db.endInvocation()).toMatchObject({ leftOpen: true, broken: null })
      expect(db.endInvocation()).toMatchObject({ leftOpen: false })
      expect(rows('SELECT x FROM t')).toEqual([])
    })

    it('a commit that fails', () => {
      for (const commit of [() => db.commit(), () => void run('COMMIT')]) {
        db.begin('immediate')
        run('INSERT INTO child VALUES (77)')
        expect(faultOf(commit)).toMatchObject({ tag: 'constraint', val: { kind: 'foreign-key' } })
        expect(db.inTransaction()).toBe(false)
      }
      expect(rows('SELECT * FROM child')).toEqual([])
    })
  })

  it('spec actors-sql 20: migrations', () => {
    expect(db.migrate([])).toEqual({ schemaVersion: 0, applied: 0 })
    expect(readdirSync(databases.folder)).toEqual([])
    const scripts = [
      'CREATE TABLE a(x); INSERT INTO a VALUES (1)',
      'CREATE TABLE b(x)',
      'ALTER TABLE a ADD COLUMN y',
    ]
    expect(db.migrate(scripts.slice(0, 1))).toEqual({ schemaVersion: 1, applied: 1 })
    expect(faultOf(() => db.exec('PRAGMA user_version = 9')).tag).toBe('refused')
    db.close()
    db = databases.open({ generation: 2 })
    expect(db.migrate(scripts)).toEqual({ schemaVersion: 3, applied: 2 })
    expect(db.info().schemaVersion).toBe(3)
    expect(db.migrate(scripts)).toEqual({ schemaVersion: 3, applied: 0 })
    for (const shorter of [scripts.slice(0, 2), []]) {
      expect(() => db.migrate(shorter)).toThrow(
        expect.objectContaining({
          code: 'wasm.invalid_config',
          details: { field: 'migrations', reason: 'fewer than were applied', stored: 3 },
        }),
      )
    }
    expect(() =>
      db.migrate([
        ...scripts,
        'CREATE TABLE c(x)',
        'INSERT INTO a(x) VALUES (2); INSERT INTO nowhere VALUES (1)',
      ]),
    ).toThrow(
      expect.objectContaining({
        code: 'sqlite.remote_execution_failed',
        details: expect.objectContaining({ script: 4, statementIndex: 1 }),
      }),
    )
    expect(faultOf(() => run('SELECT * FROM c')).tag).toBe('execution-failed')
    expect(rows('SELECT x FROM a')).toEqual([[1n]])
    expect(() => db.migrate([...scripts, 'COMMIT'])).toThrow(
      expect.objectContaining({ code: 'sqlite.statement_refused' }),
    )
  })

  it('spec actors-sql 20: fence, file', () => {
    db.exec('CREATE TABLE t(x)')
    const second = databases.open({ generation: 2 })
    expect(faultOf(() => second.exec('SELECT 1'))).toEqual({ tag: 'busy', val: 'locked' })
    db.close()
    second.exec('INSERT INTO t VALUES (1)')
    second.close()
    const older = databases.open({ generation: 1 })
    expect(faultOf(() => older.exec('INSERT INTO t VALUES (2)'))).toEqual({
      tag: 'stale-generation',
      val: { presented: 1, current: 2 },
    })
    expect(faultOf(() => older.exec('INSERT INTO t VALUES (2)'))).toEqual({ tag: 'closed' })
    expect(older.endInvocation().broken).toMatchObject({ code: 'sqlite.remote_fence_mismatch' })
    const foreign = databases.open({ namespace: 'others', generation: 3 })
    expect(faultOf(() => foreign.exec('SELECT 1')).tag).toBe('corrupt')
    expect(databases.open({ generation: 3 }).execute('SELECT x FROM t', none, false).rows).toHaveLength(1)
  })

  it('keeps a damaged file aside and opens no empty one in its place', () => {
    db.exec(
      'CREATE TABLE t(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2000) INSERT INTO t SELECT hex(zeroblob(50)) FROM c',
    )
    db.close()
    truncateSync(databases.path(), 3 * 4_096)
    const bytes = readFileSync(databases.path())
    bytes.fill(0x5a, 4_096)
    writeFileSync(databases.path(), bytes)
    db = databases.open({ generation: 2 })
    expect(faultOf(() => run('SELECT 1')).tag).toBe('corrupt')
    expect(db.endInvocation().broken?.code).toBe('sqlite.corrupt')
    expect(db.stats().keptAside).toMatch(/^a\.db\.damaged-/)
    expect(existsSync(databases.path())).toBe(false)
    expect(faultOf(() => databases.open({ generation: 3 }).exec('SELECT 1')).tag).toBe('corrupt')
    expect(existsSync(databases.path())).toBe(false)
  })

  describe('spec actors-sql 20: backup / export / import', () => {
    const exported = () => `${databases.folder}/exported.db`
    const backup = () => `${databases.folder}/backup.db`
    beforeEach(() => {
      db.migrate(['CREATE TABLE t(id INTEGER PRIMARY KEY, v)'])
      db.exec(
        'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000) INSERT INTO t SELECT i, zeroblob(200) FROM c',
      )
      db.keySet('k', Uint8Array.of(1))
    })

    it('copies a running actor that writes', () => {
      let progress = db.backup({ action: 'start', targetPath: backup() })
      expect(progress).toMatchObject({ done: false })
      for (let step = 0; !progress.done; step += 1) {
        run('UPDATE t SET v = zeroblob(150) WHERE id = ?', step + 1)
        if (step > 1_000) throw new Error('the copy does not end')
        progress = db.backup({ action: 'step', pages: 8 })
      }
      const copy = new Database(backup(), { readonly: true })
      expect(copy.pragma('integrity_check', { simple: true })).toBe('ok')
      expect(copy.prepare('SELECT count(*) FROM t').pluck().get()).toBe(3_000)
      copy.close()
      expect(existsSync(`${backup()}.part`)).toBe(false)
      expect(() => db.backup({ action: 'step', pages: 1 })).toThrow(
        expect.objectContaining({ code: 'wasm.invalid_state' }),
      )
    })

    it('does not cut into a transaction', () => {
      db.begin('immediate')
      expect(faultOf(() => db.export(exported()))).toEqual({ tag: 'busy', val: 'transaction-open' })
    })

    it('exports one file that imports equal', () => {
      const manifest = db.export(exported())
      expect(manifest).toMatchObject({
        actorId: 'a',
        generation: 1,
        schemaVersion: 1,
        bytes: readFileSync(exported()).byteLength,
      })
      expect(JSON.parse(readFileSync(`${exported()}.json`, 'utf8'))).toEqual(manifest)
      const copy = new Database(exported(), { readonly: true })
      const tables = copy
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")
        .pluck()
        .all()
      expect(tables).toEqual(['_paddock_key_value', 't'])
      expect(copy.pragma('journal_mode', { simple: true })).toBe('delete')
      copy.close()
      expect(readFileSync(exported()).includes('clean')).toBe(false)

      const target = databases.open({ actorId: 'b' })
      const request = { sourcePath: exported(), sha256: manifest.sha256, apply: false }
      expect(target.import(request)).toEqual({
        schemaVersion: 1,
        bytes: manifest.bytes,
        tables: 2,
        applied: false,
      })
      expect(existsSync(databases.path('b'))).toBe(false)
      expect(target.import({ ...request, apply: true }).applied).toBe(true)
      expect(target.migrate(['CREATE TABLE t(id INTEGER PRIMARY KEY, v)']).applied).toBe(0)
      expect(plain(target.execute('SELECT count(*) FROM t', none, false).rows)).toEqual([[3_000n]])
      expect(target.keyGet('k')).toHaveLength(1)
      expect(() => target.import(request)).toThrow(expect.objectContaining({ code: 'wasm.invalid_state' }))
    })

    it('copies everything in one statement where the addon has no steps', () => {
      const connection = openConnection(databases.path('c'))
      connection.exec('CREATE TABLE t(v); INSERT INTO t VALUES (1), (2)')
      const plainOne = { prepare: (sql: string) => connection.prepare(sql) } as unknown as Connection
      expect(beginCopy(plainOne, backup()).transfer(1)).toEqual({ totalPages: 1, remainingPages: 0 })
      connection.close()
      const copy = new Database(backup(), { readonly: true })
      expect(copy.prepare('SELECT v FROM t').pluck().all()).toEqual([1, 2])
      copy.close()
    })

    it('lets nobody else read a database, a copy of one, or what was imported', () => {
      const mode = (file: string) => statSync(file).mode & 0o777
      let progress = db.backup({ action: 'start', targetPath: backup() })
      while (!progress.done) progress = db.backup({ action: 'step', pages: 1_000 })
      const { sha256 } = db.export(exported())
      chmodSync(exported(), 0o644)
      const target = databases.open({ actorId: 'b' })
      target.import({ sourcePath: exported(), sha256, apply: true })
      target.keySet('k', Uint8Array.of(2))
      const files = [databases.path(), `${databases.path()}-wal`, backup(), databases.path('b')]
      expect(files.map(mode)).toEqual(files.map(() => 0o600))
      chmodSync(exported(), 0o600)
    })

    it('takes no file for a file, nor a table for one of its own, that is none', () => {
      const { sha256 } = db.export(exported())
      const target = databases.open({ actorId: 'b' })
      expect(faultOf(() => target.import({ sourcePath: databases.folder, sha256, apply: true })).tag).toBe(
        'corrupt',
      )
      const file = `${databases.folder}/posing.db`
      for (const sql of [
        'CREATE TABLE _paddock_meta(name, value)',
        'CREATE TABLE _paddock_meta(name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, x AS (name))',
        'DROP TABLE _paddock_key_value; CREATE TABLE _paddock_key_value(key, value CHECK (length(value) < 2))',
      ]) {
        writeFileSync(file, readFileSync(exported()))
        const writable = new Database(file)
        writable.exec(sql)
        writable.close()
        expect(
          faultOf(() => target.import({ sourcePath: file, sha256: digest(file), apply: true })).tag,
        ).toBe('refused')
      }
    })

    it('refuses what it should and keeps the old file', () => {
      const { sha256 } = db.export(exported())
      db.close()
      const before = readFileSync(databases.path())
      const target = databases.open({ generation: 2, quotaBytes: 64 * 4_096 })
      const tries = [
        { sha256: '0'.repeat(64), tag: 'corrupt', of: databases.open({ generation: 2 }) },
        { sha256, tag: 'quota-exceeded', of: target },
      ]
      for (const each of tries) {
        expect(
          faultOf(() => each.of.import({ sourcePath: exported(), sha256: each.sha256, apply: true })).tag,
        ).toBe(each.tag)
      }
      for (const hostile of [
        "CREATE VIEW v AS SELECT load_extension('x')",
        'CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM _paddock_key_value; END',
        'CREATE VIRTUAL TABLE f USING fts4(a)',
      ]) {
        const file = `${databases.folder}/hostile.db`
        writeFileSync(file, readFileSync(exported()))
        const writable = new Database(file)
        writable.exec(hostile)
        writable.close()
        expect(
          faultOf(() =>
            databases.open({ generation: 2 }).import({ sourcePath: file, sha256: digest(file), apply: true }),
          ).tag,
        ).toBe('refused')
      }
      expect(readFileSync(databases.path()).equals(before)).toBe(true)
      expect(readdirSync(databases.folder).filter((name) => name.includes('import'))).toEqual([])
    })
  })

  it('shows an operator the entries beside the tables, and what ran last', () => {
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY)')
    db.keySet('b', new Uint8Array([1, 255]))
    db.keySet('a', new Uint8Array())
    expect(db.tables().keyValue).toBe(2)
    expect(db.rows('_paddock_key_value', 0, 1)).toEqual({
      columns: ['key', 'value'],
      rows: [
        [
          { type: 'text', text: 'a', characters: 1 },
          { type: 'blob', head: '', bytes: 0 },
        ],
      ],
      more: true,
    })
    db.execute('INSERT INTO t VALUES (1), (2)', { tag: 'positional', val: [] }, false)
    db.execute('SELECT id FROM t', { tag: 'positional', val: [] }, false)
    expect(() => db.execute('INSERT INTO t VALUES (1)', { tag: 'positional', val: [] }, false)).toThrow()
    expect(() => db.exec("ATTACH DATABASE 'x' AS y")).toThrow()
    expect(db.stats().recent.slice(-4)).toMatchObject([
      { route: 'write', rows: 2, code: null },
      { route: 'read', rows: 2, code: null },
      { route: 'write', rows: 0, code: 'sqlite.constraint_violation' },
      { route: 'refused', sql: "ATTACH DATABASE 'x' AS y", code: 'sqlite.statement_refused' },
    ])
  })

  it('shows an operator tables, rows and answers to queries, and nothing of the host', () => {
    db.exec(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT NOT NULL); CREATE INDEX i ON t(v); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'); CREATE VIEW w AS SELECT v FROM t",
    )
    const { tables } = db.tables()
    expect(tables.map(({ name, kind, rows: count }) => [name, kind, count])).toEqual([
      ['t', 'table', 3],
      ['w', 'view', null],
    ])
    expect(tables[0]).toMatchObject({
      columns: [
        { name: 'id', primaryKey: 1 },
        { name: 'v', notNull: true },
      ],
      indexes: [{ name: 'i', unique: false }],
    })
    expect(db.rows('t', 1, 1)).toEqual({
      columns: ['id', 'v'],
      rows: [
        [
          { type: 'integer', text: '2' },
          { type: 'text', text: 'b', characters: 1 },
        ],
      ],
      more: true,
    })
    expect(() => db.rows('_paddock_meta', 0, 1)).toThrow(
      expect.objectContaining({ code: 'sqlite.remote_execution_failed' }),
    )
    expect(db.inspect('SELECT v FROM t', 2)).toMatchObject({ columns: ['v'], truncated: true })
    for (const sql of [
      'DELETE FROM t',
      'PRAGMA user_version = 3',
      'CREATE TABLE u(x)',
      'PRAGMA "optimize"',
      'SELECT * FROM pragma_optimize',
      'SELECT * FROM _paddock_meta',
      'BEGIN',
      "INSERT INTO t VALUES (9, 'z') RETURNING id",
    ]) {
      expect([sql, codeOf(() => db.inspect(sql, 1))]).toEqual([sql, 'refused'])
    }
    expect(rows('SELECT count(*) FROM t')).toEqual([[3n]])
  })
})

describe('spec actors-sql 10: what the watchdog sees', () => {
  it('each statement with its kind, its budget, and whether ending it leaves anything', async () => {
    const databases = new Databases('inline')
    const seen: [string, number, boolean][] = []
    const marks = {
      begin: (...mark: [string, number, boolean]) => void seen.push(mark),
      end: () => void seen.push(['end', 0, false]),
    }
    const facts = databases.facts({ budgets: { statementMs: 1_000, scriptMs: 500 } })
    const db = new LocalDatabase({ facts, marks, nowMs: () => 0, monotonicMs: () => 7 })
    const last = () => seen.splice(0).filter(([kind]) => kind !== 'end')
    db.migrate(['CREATE TABLE t(x)'])
    expect(last()).toContainEqual(['migration', 300_000, true])
    db.execute('SELECT 1', none, false)
    expect(last()).toEqual([['statement', 1_000, true]])
    db.execute('INSERT INTO t VALUES (1)', none, false)
    expect(last()).toEqual([['statement', 1_000, false]])
    db.exec('INSERT INTO t VALUES (1)')
    expect(last()).toEqual([['statement', 500, false]])
    db.begin('immediate')
    last()
    db.execute('INSERT INTO t VALUES (1)', none, false)
    expect(last()).toEqual([['statement', 1_000, true]])
    db.commit()
    expect(last()).toEqual([['statement', 1_000, false]])
    db.close()
    await databases.close()
  })
})

function codeOf(call: () => unknown): string {
  try {
    return faultOf(call).tag
  } catch (error) {
    return (error as { code?: string }).code === 'sqlite.statement_refused' ? 'refused' : String(error)
  }
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
