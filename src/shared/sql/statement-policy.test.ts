import Database from 'better-sqlite3'
import fc from 'fast-check'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { splitStatements } from './statements.ts'
import { refusalOf, type PolicyOptions, type PolicyRule } from './statement-policy.ts'

const guest: PolicyOptions = { transactionControl: true, setUserVersion: false }

const refused: readonly (readonly [PolicyRule, string])[] = [
  ['attach', "ATTACH 'stolen.db' AS s"],
  ['attach', "\ufeffATTACH 'stolen.db' AS s"],
  ['attach', ";;ATTACH 'stolen.db' AS s"],
  ['attach', "\f \t\r\nATTACH 'stolen.db' AS s"],
  ['attach', "/* c */ATTACH DATABASE 'stolen.db' AS s"],
  ['attach', "-- c\nattach 'stolen.db' as s"],
  ['attach', "EXPLAIN ATTACH 'stolen.db' AS s"],
  ['attach', "EXPLAIN QUERY PLAN ATTACH 'stolen.db' AS s"],
  ['attach', "SELECT 1; \ufeff/**/ATTACH 'stolen.db' AS s"],
  ['attach', 'DETACH s'],
  ['vacuum-into', "VACUUM INTO 'stolen.db'"],
  ['vacuum-into', "VACUUM main INTO 'stolen.db'"],
  ['vacuum-into', "/**/VACUUM/**/INTO/**/'stolen.db'"],
  ['load-extension', "SELECT load_extension('evil')"],
  ['load-extension', 'SELECT "load_extension"(\'evil\')'],
  ['load-extension', "SELECT [LOAD_EXTENSION]('evil')"],
  ['load-extension', "CREATE VIEW v AS SELECT `load_extension`('evil')"],
  ['function', "SELECT fts3_tokenizer('simple', x'00')"],
  ['virtual-table-module', 'CREATE VIRTUAL TABLE t USING fts3(a)'],
  ['virtual-table-module', 'CREATE VIRTUAL TABLE t USING dbstat'],
  ['virtual-table-module', "CREATE VIRTUAL TABLE IF NOT EXISTS main.t USING 'fts4aux'(x)"],
  ['virtual-table-module', 'CREATE VIRTUAL TABLE t USING fts5vocab(f, row)'],
  ['reserved-name', 'SELECT * FROM _paddock_meta'],
  ['reserved-name', 'DROP TABLE "_PADDOCK_meta"'],
  ['reserved-name', "DELETE FROM '_paddock_key_value'"],
  ['reserved-name', 'SAVEPOINT _paddock_batch'],
  ['reserved-name', "CREATE VIRTUAL TABLE t USING fts5(a, content='_paddock_meta')"],
  ['pragma', 'PRAGMA database_list'],
  ['pragma', 'PRAGMA max_page_count = 1000000'],
  ['pragma', 'PRAGMA main.journal_mode = DELETE'],
  ['pragma', 'PRAGMA "locking_mode"(NORMAL)'],
  ['pragma', 'PRAGMA writable_schema = ON'],
  ['pragma', 'PRAGMA trusted_schema'],
  ['pragma', "PRAGMA temp_store_directory = '/tmp'"],
  ['pragma', 'PRAGMA hard_heap_limit = 1'],
  ['pragma', 'PRAGMA user_version = 7'],
  ['pragma', 'SELECT file FROM pragma_database_list'],
  ['pragma', "SELECT file FROM 'pragma_database_list'"],
]

const allowed: readonly string[] = [
  'SELECT 1',
  '',
  ';;',
  '-- only a comment',
  '/* unclosed',
  "SELECT 'ATTACH ''x'' AS y'",
  'SELECT 1 -- ATTACH',
  'CREATE TABLE attach_log(id INTEGER PRIMARY KEY, vacuum TEXT)',
  'INSERT INTO t VALUES (?1, :name)',
  'PRAGMA table_info(t)',
  'PRAGMA main.foreign_key_list("t")',
  'PRAGMA foreign_keys = OFF',
  'PRAGMA integrity_check(10)',
  "SELECT name FROM pragma_table_info('t')",
  'CREATE VIRTUAL TABLE docs USING fts5(body)',
  'CREATE VIRTUAL TABLE boxes USING "rtree"(id, x0, x1)',
  'VACUUM',
  'EXPLAIN QUERY PLAN SELECT 1',
  'BEGIN; SAVEPOINT s; RELEASE s; COMMIT',
  'CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM t WHERE x = my_paddock_x; END',
]

describe('spec actors-sql 20: policy', () => {
  it('has 38 refused and 20 allowed texts', () => {
    expect(refused).toHaveLength(38)
    expect(allowed).toHaveLength(20)
  })

  it.each(refused)('refuses (%s) %j', (rule, sql) => {
    expect(refusalOf(sql, guest)?.rule).toBe(rule)
  })

  it.each(allowed)('allows %j', (sql) => {
    expect(refusalOf(sql, guest)).toBeUndefined()
  })

  it.each<[PolicyRule, string]>([
    ['virtual-table-module', 'CREATE \vVIRTUAL TABLE t USING fts4(x)'],
    ['virtual-table-module', 'CREATE\n\vVIRTUAL TABLE t USING dbstat'],
    ['pragma', 'PRAGMA \vdatabase_list'],
    ['attach', "SELECT 1; \v/**/ATTACH 'stolen.db' AS s"],
    ['reserved-name', "SELECT x'ab''_paddock_meta'"],
    ['pragma', "SELECT X'00''pragma_database_list'"],
  ])('refuses (%s) what the engine takes for a blank or a blob: %j', (rule, sql) => {
    expect(refusalOf(sql, guest)?.rule).toBe(rule)
  })

  it('names the statement and the word', () => {
    expect(refusalOf("SELECT 1; SELECT 2; ATTACH 'x' AS y", guest)).toEqual({
      rule: 'attach',
      subject: 'ATTACH',
      statementIndex: 2,
    })
  })

  it('refuses transaction control where it would break a promise', () => {
    const strict = { ...guest, transactionControl: false }
    for (const sql of ['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT a', 'RELEASE a', ' /**/ commit']) {
      expect(refusalOf(sql, strict)?.rule).toBe('transaction-control')
    }
  })

  it('lets user_version be set where no migrations use it', () => {
    expect(refusalOf('PRAGMA user_version = 7', { ...guest, setUserVersion: true })).toBeUndefined()
  })

  describe('against the engine', () => {
    let folder = ''
    let database: Database.Database
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'paddock-policy-'))
      database = new Database(join(folder, 'actor.db'))
      database.exec('CREATE TABLE t(x)')
    })
    afterAll(() => {
      database.close()
      rmSync(folder, { recursive: true })
    })

    it('10 000 mutations of what is refused never attach and never write another file', () => {
      const seed = fc.constantFrom(...refused.map(([, sql]) => sql))
      const insert = fc.constantFrom(
        '\ufeff',
        ';',
        '/*',
        '*/',
        '--',
        '\n',
        '\f',
        "'",
        '"',
        '`',
        '[',
        ']',
        '\0',
        ' ',
        'EXPLAIN ',
        '\u00a0',
        '(',
        ')',
        '/**/',
        '\v',
      )
      const mutation = fc.tuple(fc.nat(80), insert, fc.nat(2))
      let ran = 0
      fc.assert(
        fc.property(seed, fc.array(mutation, { maxLength: 4 }), (sql, mutations) => {
          let text = sql
          for (const [at, piece, removed] of mutations) {
            const place = at % (text.length + 1)
            text = text.slice(0, place) + piece + text.slice(place + removed)
          }
          if (refusalOf(text, guest) !== undefined) return
          for (const statement of splitStatements(text)) {
            try {
              const prepared = database.prepare(statement.text)
              if (prepared.reader) prepared.all()
              else prepared.run()
              ran += 1
            } catch {
              // The engine refuses most of them.
            }
          }
          if (database.inTransaction) database.exec('ROLLBACK')
          const files = database.pragma('database_list') as { name: string }[]
          expect(files.map(({ name }) => name).filter((name) => name !== 'temp')).toEqual(['main'])
        }),
        { numRuns: 10_000 },
      )
      expect(ran).toBeGreaterThan(0)
      expect(readdirSync(folder).filter((name) => !name.startsWith('actor.db'))).toEqual([])
    })
  })
})

describe('spec actors-sql 5: statements of a script', () => {
  it('keeps the body of a trigger together', () => {
    const script = `CREATE TABLE a(x); CREATE TEMP TRIGGER g AFTER INSERT ON a BEGIN
      UPDATE a SET x = CASE WHEN x > 1 THEN 2 ELSE 3 END; SELECT 1; END; SELECT 2 /* ; */ -- ;`
    expect(splitStatements(script).map(({ text }) => text.slice(0, 12))).toEqual([
      'CREATE TABLE',
      'CREATE TEMP ',
      'SELECT 2',
    ])
  })

  it('reads up to the first NUL, as the engine does', () => {
    expect(splitStatements('SELECT 1; SELECT 2\0; SELECT 3')).toHaveLength(2)
  })
})
