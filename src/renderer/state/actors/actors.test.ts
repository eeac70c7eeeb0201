import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { actorErrors } from '../../../shared/contracts/actor-errors.ts'
import type { Cell } from '../../../shared/contracts/actor-inspect.ts'
import { PaddockError, type ErrorCode } from '../../../shared/errors.ts'
import { ActorsDouble } from '../../testing/actors/actors-double.ts'
import { actorStanding, keyOf, keyText, requestVerdict } from './actor-words.ts'
import { columnType, csvOf, isCut } from './csv.ts'
import { forgetQueries, queryHistory, rememberQuery } from './query-history.ts'
import { sqlTokens } from './sql-tokens.ts'
import { starterQuery, tableEntries } from './table-entries.ts'

const text = (value: string): Cell => ({ type: 'text', text: value, characters: value.length })

describe('keys as text', () => {
  it('reads as people write them', () => {
    expect(keyText(['alice'])).toBe('alice')
    expect(keyText(['team', 'a/b', '50%'])).toBe('team/a%2Fb/50%25')
  })
  it('give back the key', () => {
    const keys = fc.array(fc.string(), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(keys, (key) => {
        expect(keyText(key)).not.toBe('')
        expect(keyOf(keyText(key))).toEqual(key)
      }),
    )
  })
})

describe('states in words', () => {
  const now = Date.now()
  const view = (
    state: 'running' | 'sleeping' | 'starting' | 'destroying',
    since: number | null = now - 17_400,
  ) => new ActorsDouble().add(['a'], { state, since }).view
  it('says since when, and nothing where it is not known', () => {
    expect(actorStanding(view('running'), now)).toMatchObject({ word: 'Awake for 17 s', short: 'awake 17 s' })
    expect(actorStanding(view('sleeping', null), now)).toMatchObject({ word: 'Asleep', short: 'asleep' })
    expect(actorStanding(view('starting'), now)).toMatchObject({ mark: 'starting', word: 'Starting' })
    expect(actorStanding(view('destroying'), now).word).toBe('Being destroyed')
  })
  it('gives every code of an actor a verdict that fits what may be done again (spec actors-sql 12, 14)', () => {
    for (const [code, { retry }] of Object.entries(actorErrors)) {
      const verdict = requestVerdict(new PaddockError(code as ErrorCode, 'x').toReport())
      expect([code, verdict.again]).toEqual([code, ['safe', 'after-wake', 'after-restart'].includes(retry)])
      expect([code, verdict.title.includes('not known')]).toEqual([code, retry === 'idempotent-only'])
    }
  })
})

describe('rows as CSV', () => {
  it('quotes what needs it, keeps integers exact, and tells NULL from an empty text', () => {
    const rows: Cell[][] = [
      [{ type: 'integer', text: '9007199254740993' }, text('a "b", c'), { type: 'null' }],
      [{ type: 'real', value: 0.5 }, text(''), { type: 'blob', head: 'c0ff', bytes: 300 }],
    ]
    expect(csvOf(['id', 'a,b', 'c'], rows)).toEqual({
      text: 'id,"a,b",c\r\n9007199254740993,"a ""b"", c",\r\n0.5,"",c0ff\r\n',
      rows: 2,
    })
    expect(rows.flat().map(isCut)).toEqual([false, false, false, false, false, true])
    expect([columnType(rows, 0), columnType(rows, 1), columnType(rows, 2)]).toEqual(['mixed', 'text', 'blob'])
  })
  it('stops at a whole row where one call can carry no more, and says how many it holds', () => {
    const rows = Array.from({ length: 1_000 }, () => [text('x'.repeat(1_000))])
    const csv = csvOf(['a'], rows)
    expect(csv.rows).toBe(399)
    expect(csv.text.endsWith('x\r\n')).toBe(true)
  })
})

describe('colours of SQL', () => {
  it('knows keywords, strings and comments', () => {
    expect(sqlTokens("select 'it''s' -- from\nfrom t").filter(({ kind }) => kind !== '')).toEqual([
      { kind: 'n', text: 'select' },
      { kind: 's', text: "'it''s'" },
      { kind: 'c', text: '-- from' },
      { kind: 'n', text: 'from' },
    ])
  })
  it('loses no character', () => {
    const whole = (sql: string): string =>
      sqlTokens(sql)
        .map((token) => token.text)
        .join('')
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (sql) => {
        expect(whole(sql)).toBe(sql)
      }),
    )
  })
})

describe('tables to browse', () => {
  it('offers a query that names every column, quoted where it must be', () => {
    const column = (name: string, primaryKey: number) => ({ name, type: 'TEXT', notNull: false, primaryKey })
    const facts = { name: 'my table', kind: 'table' as const, sql: null, indexes: [], rows: 3 }
    const [entry] = tableEntries([{ ...facts, columns: [column('id', 1), column('a"b', 0)] }], 0)
    expect(entry).toMatchObject({ label: 'my table', count: '3 rows' })
    expect(starterQuery(entry!)).toBe('select id, "a""b"\nfrom "my table"\norder by id limit 200')
    expect(tableEntries([], 2)).toMatchObject([{ label: 'key-value', count: '2 keys' }])
  })
})

describe('queries run before', () => {
  beforeEach(() => localStorage.clear())
  it('are kept for each module, newest first and once, 50 of them', () => {
    for (let index = 0; index < 60; index += 1) rememberQuery('a', `select ${index}`)
    rememberQuery('a', 'select 30')
    expect(queryHistory('a').slice(0, 2)).toEqual(['select 30', 'select 59'])
    expect(queryHistory('a')).toHaveLength(50)
    expect(queryHistory('b')).toEqual([])
    forgetQueries('a')
    expect(queryHistory('a')).toEqual([])
  })
})
