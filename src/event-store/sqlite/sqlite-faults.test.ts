import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { command, decision } from '../../../test/contract/event-store/suite.ts'
import { PaddockError } from '../../shared/errors.ts'
import { SqliteEventReader } from './sqlite-reader.ts'
import { SqliteEventStore, type SqliteEventStoreOptions } from './sqlite-store.ts'

let folder: string
let opened: { close(): void }[]
const path = () => join(folder, 'demo.db')
const any = { kind: 'any' } as const

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paddock-event-faults-'))
  opened = []
})
afterEach(() => {
  for (const store of opened) store.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(options: Partial<SqliteEventStoreOptions> = {}): SqliteEventStore {
  const store = new SqliteEventStore({ path: path(), module: 'demo', quotaBytes: null, ...options })
  opened.push(store)
  return store
}

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof PaddockError) return error.code
    throw error
  }
  throw new Error('nothing failed')
}

/** The store's own connection, to make it fail as a disk would. */
function connection(store: SqliteEventStore): Database.Database {
  return (store as unknown as { database: Database.Database }).database
}

describe('spec decider 16: disk full, locked, corrupt', () => {
  it('a full disk acknowledges nothing, not even of its group, and goes on when there is room', () => {
    const store = open()
    store.append(decision('s', any, 1))
    connection(store).pragma(
      `max_page_count = ${String(connection(store).pragma('page_count', { simple: true }))}`,
    )
    const big = { id: '00000000-0000-4000-8000-000000000001', type: 'big', payload: Buffer.alloc(500_000) }
    const known = command('demo.do', 'x')
    const group = [decision('t', any, 1, { command: known }), decision('u', any, 1, { events: [big] })]
    expect(codeOf(() => store.appendAll(group))).toBe('store.full')
    expect(store.head('t')).toBeNull()
    expect(store.findCommand(known.id)).toBeNull()
    connection(store).pragma('max_page_count = 1000000')
    expect(store.appendAll(group).map(({ kind }) => kind)).toEqual(['appended', 'appended'])
    expect(store.integrityCheck()).toMatchObject({ ok: true, events: 3 })
  })

  it('a file that another program holds is busy, and nothing is acknowledged', () => {
    const store = open({ busyTimeoutMs: 20 })
    const other = new Database(path())
    other.exec('BEGIN IMMEDIATE')
    expect(codeOf(() => store.append(decision('s', any, 1)))).toBe('store.busy')
    other.exec('ROLLBACK')
    other.close()
    expect(store.append(decision('s', any, 1))).toMatchObject({ kind: 'appended', lastRevision: 1 })
  })

  it.each([
    ['its middle overwritten', (bytes: Buffer) => bytes.fill(0xa5, 4_096, bytes.length - 4_096)],
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 20_000)],
    ['text', () => Buffer.from('this is no database at all, but long enough to be looked at')],
  ])('a damaged file (%s) is kept aside and reported', (_, damage) => {
    const store = open({ durability: 'normal' })
    for (let index = 0; index < 100; index += 1) store.append(decision(`s${index}`, any, 10))
    store.close()
    const damaged = Buffer.from(damage(readFileSync(path())))
    writeFileSync(path(), damaged)
    const again = open()
    expect(again.warning?.code).toBe('store.corrupt')
    const keptAs = String(again.warning?.details?.['keptAs'])
    expect(keptAs).toMatch(/^demo\.db\.corrupt-\d{4}-\d\d-\d\dT/)
    expect(readFileSync(join(folder, keptAs))).toEqual(damaged)
    expect(again.append(decision('s', any, 1))).toMatchObject({ kind: 'appended', lastRevision: 1 })
  })

  it('a file of another module, another program or a newer Paddock stays as it is', () => {
    const store = open()
    store.append(decision('s', any, 1))
    store.close()
    const before = readFileSync(path())
    expect(codeOf(() => open({ module: 'other' }))).toBe('store.foreign')
    expect(readFileSync(path())).toEqual(before)
    const newer = new Database(path())
    newer.pragma('user_version = 99')
    newer.close()
    expect(codeOf(() => open())).toBe('store.foreign')
    const other = new Database(join(folder, 'theirs.db'))
    other.exec('CREATE TABLE theirs (x)')
    other.close()
    expect(codeOf(() => open({ path: join(folder, 'theirs.db') }))).toBe('store.foreign')
    expect(codeOf(() => SqliteEventReader.open(join(folder, 'theirs.db')))).toBe('store.foreign')
    expect(codeOf(() => SqliteEventReader.open(join(folder, 'none.db')))).toBe('store.open_failed')
  })

  it.skipIf(process.getuid?.() === 0)('a folder that cannot be written is named', () => {
    chmodSync(folder, 0o500)
    expect(codeOf(() => open())).toMatch(/^store\.(open_failed|read_only)$/)
    chmodSync(folder, 0o700)
  })
})

describe('limits and durability', () => {
  it('the quota is checked in the transaction and takes one decision of a group only', () => {
    const store = open({ quotaBytes: 200_000 })
    const big = (stream: string) =>
      decision(stream, any, 1, {
        events: [{ id: crypto.randomUUID(), type: 'big', payload: Buffer.alloc(120_000) }],
      })
    expect(store.append(big('s')).kind).toBe('appended')
    const outcomes = store.appendAll([decision('a', any, 1), big('s'), decision('b', any, 1)])
    expect(outcomes).toMatchObject([
      { kind: 'appended' },
      { kind: 'failed', error: { code: 'store.quota_exceeded' } },
      { kind: 'appended' },
    ])
    expect(store.usedBytes).toBeLessThanOrEqual(200_000)
    expect(store.integrityCheck()).toMatchObject({ ok: true, events: 3 })
  })

  it('FULL is the default and NORMAL the choice; a new file is for its owner alone', () => {
    expect(connection(open()).pragma('synchronous', { simple: true })).toBe(2)
    const normal = open({ path: join(folder, 'normal.db'), durability: 'normal' })
    expect(connection(normal).pragma('synchronous', { simple: true })).toBe(1)
    expect(connection(normal).pragma('journal_mode', { simple: true })).toBe('wal')
    expect(readdirSync(folder)).toContain('demo.db')
  })

  it('the unique event id is the second net for a command whose row is gone', () => {
    const store = open()
    const known = command('demo.do', 'x')
    store.append(decision('s', any, 2, { command: known }))
    connection(store).exec('DELETE FROM commands')
    expect(store.append(decision('s', any, 2, { command: known }))).toMatchObject({
      kind: 'failed',
      error: { code: 'store.duplicate_event' },
    })
    expect(store.head('s')?.revision).toBe(2)
  })
})

describe('spec decider 12: the integrity check names what is broken', () => {
  const breakIt = (sql: string): (() => void) => {
    return () => {
      const database = new Database(path())
      database.pragma('foreign_keys = OFF')
      database.exec(sql)
      database.close()
    }
  }
  const withoutTriggers = 'DROP TRIGGER events_immutable; DROP TRIGGER events_kept;'
  it.each<[string, () => void]>([
    ['I1', breakIt(`UPDATE streams SET revision = 9`)],
    [
      'I2',
      breakIt(`${withoutTriggers} DELETE FROM events WHERE revision = 3; UPDATE streams SET revision = 2`),
    ],
    ['I3', breakIt(`${withoutTriggers} UPDATE events SET event_id = randomblob(16) WHERE revision = 1`)],
    ['I4', breakIt(`UPDATE commands SET last_revision = 7`)],
    ['I5', breakIt(`UPDATE snapshots SET revision = 99`)],
    ['I6', breakIt(`${withoutTriggers} UPDATE events SET position = 40 WHERE revision = 1`)],
    ['I7', breakIt(`DROP TRIGGER events_immutable`)],
    ['I8', breakIt(`UPDATE projections SET position = 99`)],
  ])('%s', (invariant, damage) => {
    const store = open()
    const snapshot = { artifact: 'a'.repeat(64), payload: Buffer.from('state') }
    store.append(decision('s', any, 3, { command: command('demo.do', 'x'), snapshot }))
    store.setProjection('p', 3, null)
    expect(store.integrityCheck()).toMatchObject({ ok: true, problems: [] })
    store.close()
    damage()
    const report = open().integrityCheck()
    expect(report.ok).toBe(false)
    expect(report.problems.map((problem) => problem.invariant)).toContain(invariant)
  })

  it('I7: an event can be neither changed nor deleted', () => {
    const store = open()
    store.append(decision('s', any, 1))
    expect(() => connection(store).exec(`UPDATE events SET type = 'other'`)).toThrow(/immutable/)
    expect(() => connection(store).exec('DELETE FROM events')).toThrow(/append-only/)
  })
})
