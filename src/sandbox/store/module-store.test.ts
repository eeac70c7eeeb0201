import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PaddockError } from '../../shared/errors.ts'
import { storeStatements } from '../../shared/store/schema.ts'
import { HostRefusal } from '../host-refusal.ts'
import { ModuleStore, type StoreOptions } from './module-store.ts'

let folder: string
let opened: ModuleStore[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paddock-store-'))
  opened = []
})

afterEach(() => {
  for (const store of opened) store.close()
  rmSync(folder, { recursive: true, force: true })
})

const path = () => join(folder, 'm.sqlite')

function open(options: Partial<StoreOptions> = {}): ModuleStore {
  const store = new ModuleStore({
    path: path(),
    module: 'm',
    quotaBytes: 1_000_000,
    durability: 'event',
    ...options,
  })
  opened.push(store)
  return store
}

const text = (value: string) => Buffer.from(value, 'utf8')

function refusal(action: () => unknown): { kind: string; code: number; message: string } {
  try {
    action()
  } catch (error) {
    if (error instanceof HostRefusal) return error.hostError
    throw error
  }
  throw new Error('nothing was refused')
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

describe('a call', () => {
  it('spec nexum-host 18 row 31: sees its own writes, and others see them once committed', () => {
    const store = open()
    store.begin()
    store.set('a', text('1'))
    expect(store.get('a')).toEqual(text('1'))
    expect(store.listKeys('')).toEqual(['a'])
    const reader = new Database(path(), { readonly: true })
    expect(reader.prepare(storeStatements.totals).get()).toEqual({ entries: 0, bytes: 0 })
    store.commit(0, { source: 's', value: 'v' })
    expect(reader.prepare(storeStatements.totals).get()).toEqual({ entries: 1, bytes: 66 })
    reader.close()
  })

  it('commits its number and cursor with what it wrote', () => {
    const store = open()
    expect(store.progress()).toEqual({ lastSequence: -1, cursors: {} })
    store.begin()
    store.commit(7, { source: 'block:1', value: '12' })
    store.begin()
    store.commit(8, null)
    store.begin()
    store.commit(9, { source: '__proto__', value: 'x' })
    store.close()
    const { lastSequence, cursors } = open().progress()
    expect(lastSequence).toBe(9)
    expect(Object.entries(cursors)).toEqual([
      ['__proto__', 'x'],
      ['block:1', '12'],
    ])
  })

  it('spec nexum-host 18 row 32: leaves nothing behind when it is rolled back', () => {
    const store = open()
    store.begin()
    store.set('kept', text('1'))
    store.commit(0, null)
    store.begin()
    store.set('kept', text('2'))
    store.set('gone', text('3'))
    store.delete('kept')
    store.rollback()
    expect(store.get('kept')).toEqual(text('1'))
    expect(store.listKeys('')).toEqual(['kept'])
    expect(store.progress().lastSequence).toBe(0)
  })

  it('that answered an error advances number and cursor, nothing else', () => {
    const store = open()
    store.begin()
    store.set('a', text('1'))
    store.rollbackAndNote(4, { source: 's', value: '9' })
    expect(store.listKeys('')).toEqual([])
    expect(store.progress()).toEqual({ lastSequence: 4, cursors: { s: '9' } })
  })

  it('keeps each write in mode call, come what may', () => {
    const store = open({ durability: 'call' })
    store.begin()
    store.set('a', text('1'))
    store.rollback()
    store.close()
    const again = open({ durability: 'call' })
    expect(again.get('a')).toEqual(text('1'))
    expect(again.usedBytes).toBe(66)
    expect(again.progress().lastSequence).toBe(-1)
  })

  it('whose write failed inside SQLite cannot be committed', () => {
    const store = open()
    store.begin()
    store.set('before', text('1'))
    store.commit(0, null)
    const limit = new Database(path())
    limit.close()
    // The store's own connection: no more pages than there are.
    const { database } = store as unknown as { database: Database.Database }
    database.pragma('max_page_count = 1')
    store.begin()
    const big = Buffer.alloc(200_000)
    expect(refusal(() => store.set('big', big))).toMatchObject({ kind: 'internal', code: 0 })
    expect(codeOf(() => store.commit(1, null))).toBe('store.full')
    expect(store.progress().lastSequence).toBe(0)
    expect(store.listKeys('')).toEqual(['before'])
    expect(store.usedBytes).toBe(64 + 6 + 1)
  })
})

describe('two modules', () => {
  const ofB = () => ({ path: join(folder, 'b.sqlite'), module: 'b' })

  it('spec nexum-host 18 row 30: have the same key each for itself, and list their own alone', () => {
    const [a, b] = [open(), open(ofB())]
    for (const store of [a, b]) {
      store.begin()
      store.set('same', text(store === a ? 'of a' : 'of b'))
      if (store === a) store.set('only a', text(''))
      store.commit(0, { source: 's', value: 'v' })
      store.begin()
    }
    expect([a.get('same'), b.get('same')]).toEqual([text('of a'), text('of b')])
    expect([a.listKeys(''), b.listKeys('')]).toEqual([['only a', 'same'], ['same']])
    a.delete('same')
    expect(b.get('same')).toEqual(text('of b'))
    a.commit(1, null)
    b.rollback()
    b.begin()
    expect(b.get('same')).toEqual(text('of b'))
  })

  it('spec nexum-host 18 row 36: one in a long event does not hold up the writes of the other', () => {
    const [a, b] = [open(), open(ofB())]
    a.begin()
    a.set('k', text('a'))
    for (let sequence = 0; sequence < 5; sequence++) {
      b.begin()
      b.set('k', text(String(sequence)))
      b.commit(sequence, null)
    }
    expect(b.progress().lastSequence).toBe(4)
    a.commit(0, null)
    expect([a.progress().lastSequence, b.usedBytes]).toEqual([0, 64 + 1 + 1])
  })
})

describe('a module that counts its crashes', () => {
  it('spec nexum-host 18 row 33: gets over three of them in mode call only', () => {
    const crashesIn = (durability: StoreOptions['durability'], attempts: number): number => {
      const store = open({ durability, path: join(folder, `${durability}.sqlite`) })
      for (let attempt = 1; attempt <= attempts; attempt++) {
        store.begin()
        const crashes = Number(store.get('crashes') ?? 0)
        if (crashes === 3) {
          store.commit(attempt, null)
          return attempt
        }
        store.set('crashes', text(String(crashes + 1)))
        // As the guest thread does after a trap.
        store.rollback()
      }
      return -1
    }
    expect(crashesIn('call', 10)).toBe(4)
    expect(crashesIn('event', 10)).toBe(-1)
  })
})

describe('keys', () => {
  it('spec nexum-host 18 row 31: are listed by prefix in the order of their UTF-8 bytes', () => {
    const store = open()
    store.begin()
    for (const key of ['é', 'a', '\u{1F600}', 'Z', '', 'ab', '\uFFFD', 'b']) store.set(key, text('x'))
    expect(store.listKeys('')).toEqual(['', 'Z', 'a', 'ab', 'b', 'é', '\uFFFD', '\u{1F600}'])
    expect(store.listKeys('a')).toEqual(['a', 'ab'])
    expect(store.listKeys('\u{1F600}')).toEqual(['\u{1F600}'])
    expect(store.listKeys('none')).toEqual([])
  })

  it('may have 4096 bytes and no more', () => {
    const store = open()
    store.begin()
    store.set('é'.repeat(2048), text('x'))
    expect(refusal(() => store.set('é'.repeat(2048) + 'a', text('x')))).toMatchObject({
      kind: 'invalid-input',
      code: 0,
    })
    expect(refusal(() => store.get('a'.repeat(4097)))).toMatchObject({ kind: 'invalid-input' })
    expect(refusal(() => store.delete('a'.repeat(4097)))).toMatchObject({ kind: 'invalid-input' })
    expect(store.listKeys('a'.repeat(5000))).toEqual([])
  })

  it('of a prefix are found through the index', () => {
    open()
    const database = new Database(path(), { readonly: true })
    const plan = (sql: string, ...bounds: unknown[]) =>
      (database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...bounds) as { detail: string }[]).map(
        ({ detail }) => detail,
      )
    const from = text('a')
    expect(plan(storeStatements.listKeysBetween, from, text('b'))).toEqual([
      'SEARCH entries USING PRIMARY KEY (key>? AND key<?)',
    ])
    expect(plan(storeStatements.listKeysFrom, from)).toEqual(['SEARCH entries USING PRIMARY KEY (key>?)'])
    expect(plan(storeStatements.browseBetween, from, text('b'), 10)).toEqual([
      'SEARCH entries USING PRIMARY KEY (key>? AND key<?)',
    ])
    database.close()
  })
})

describe('the quota', () => {
  it('spec nexum-host 18 row 34: holds to the byte', () => {
    const store = open({ quotaBytes: 200 })
    store.begin()
    store.set('a', Buffer.alloc(35))
    expect(store.usedBytes).toBe(100)
    expect(refusal(() => store.set('b', Buffer.alloc(36)))).toEqual({
      domain: 'local-store',
      kind: 'invalid-input',
      code: 1,
      message: 'state quota exceeded',
    })
    expect(store.get('b')).toBeUndefined()
    store.set('b', Buffer.alloc(35))
    expect(store.usedBytes).toBe(200)
    expect(refusal(() => store.set('a', Buffer.alloc(36)))).toMatchObject({
      code: 1,
      message: 'state quota exceeded',
    })
    expect(refusal(() => store.set('c', Buffer.alloc(136)))).toMatchObject({
      code: 1,
      message: 'entry can never fit',
    })
    store.delete('b')
    store.set('a', Buffer.alloc(135))
    expect(store.usedBytes).toBe(200)
  })

  it('of zero allows no writes', () => {
    const store = open({ quotaBytes: 0 })
    store.begin()
    expect(refusal(() => store.set('', Buffer.alloc(0)))).toMatchObject({
      code: 1,
      message: 'entry can never fit',
    })
    store.commit(3, { source: 's', value: 'v' })
    expect(store.progress().lastSequence).toBe(3)
  })

  it('counts exactly, whatever happens: a model of maps agrees', () => {
    const key = fc.constantFrom('', 'a', 'ab', 'b', 'é', 'ß', '\u{1F600}', 'zz')
    const write = fc.oneof(
      fc.record({ do: fc.constant('set' as const), key, size: fc.nat(120) }),
      fc.record({ do: fc.constant('delete' as const), key, size: fc.constant(0) }),
    )
    const call = fc.record({
      writes: fc.array(write, { maxLength: 6 }),
      end: fc.constantFrom('commit', 'rollback', 'reopen'),
    })
    const cost = (model: Map<string, number>) =>
      [...model].reduce((sum, [name, size]) => sum + 64 + Buffer.byteLength(name) + size, 0)
    let round = 0
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 8 }),
        fc.constantFrom('event' as const, 'call' as const),
        (calls, durability) => {
          const options = { path: join(folder, `${round++}.sqlite`), quotaBytes: 400, durability }
          let store = open(options)
          let committed = new Map<string, number>()
          for (const [sequence, { writes, end }] of calls.entries()) {
            const staged = new Map(committed)
            store.begin()
            for (const step of writes) {
              if (step.do === 'delete') {
                store.delete(step.key)
                staged.delete(step.key)
                continue
              }
              const next = new Map(staged).set(step.key, step.size)
              if (cost(next) <= 400) {
                store.set(step.key, Buffer.alloc(step.size))
                staged.set(step.key, step.size)
              } else {
                expect(refusal(() => store.set(step.key, Buffer.alloc(step.size))).code).toBe(1)
              }
            }
            expect(store.usedBytes).toBe(cost(staged))
            expect(store.listKeys('')).toEqual(
              [...staged.keys()].sort((a, b) => Buffer.compare(text(a), text(b))),
            )
            if (end === 'commit') store.commit(sequence, null)
            else store.rollback()
            if (end === 'commit' || durability === 'call') committed = staged
            if (end === 'reopen') {
              store.close()
              store = open(options)
            }
            expect(store.usedBytes).toBe(cost(committed))
          }
          store.close()
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a store file', () => {
  it('answers to the module that made it only', () => {
    open().close()
    expect(codeOf(() => open({ module: 'other' }))).toBe('store.foreign')
  })

  it('of another program stays as it is', () => {
    const other = new Database(path())
    other.exec('CREATE TABLE theirs (x)')
    other.close()
    const before = readFileSync(path())
    expect(codeOf(() => open())).toBe('store.foreign')
    expect(readFileSync(path())).toEqual(before)
    expect(readdirSync(folder)).toEqual(['m.sqlite'])
  })

  it('of a newer Paddock is refused', () => {
    open().close()
    const database = new Database(path())
    database.pragma('user_version = 99')
    database.close()
    expect(codeOf(() => open())).toBe('store.foreign')
  })

  it.each([
    ['text', () => writeFileSync(path(), 'this is no database at all, but long enough to look at')],
    [
      'overwritten in its middle',
      () => {
        const store = open()
        store.begin()
        for (let index = 0; index < 300; index += 1) store.set(`key/${index}`, Buffer.alloc(200, index))
        store.commit(0, null)
        store.close()
        const bytes = readFileSync(path())
        bytes.fill(0xa5, 4096, bytes.length - 4096)
        writeFileSync(path(), bytes)
      },
    ],
    [
      'cut short',
      () => {
        const store = open()
        store.begin()
        for (let index = 0; index < 300; index += 1) store.set(`key/${index}`, Buffer.alloc(200, index))
        store.commit(0, null)
        store.close()
        writeFileSync(path(), readFileSync(path()).subarray(0, 20_000))
      },
    ],
  ])('that is damaged (%s) is kept aside', (_, damage) => {
    damage()
    const damaged = readFileSync(path())
    const store = open()
    expect(store.warning?.code).toBe('store.corrupt')
    const keptAs = String(store.warning?.details?.['keptAs'])
    expect(keptAs).toMatch(/^m\.sqlite\.corrupt-\d{4}-\d\d-\d\dT/)
    expect(readFileSync(join(folder, keptAs))).toEqual(damaged)
    expect(store.listKeys('')).toEqual([])
    store.begin()
    store.set('new', text('1'))
    store.commit(0, null)
    store.close()
    const again = open()
    expect(again.warning).toBeUndefined()
    expect(again.listKeys('')).toEqual(['new'])
  })

  it('where a folder is missing or cannot be, is made or refused', () => {
    const deep = open({ path: join(folder, 'a', 'b', 'm.sqlite') })
    expect(deep.usedBytes).toBe(0)
    writeFileSync(join(folder, 'file'), '')
    expect(codeOf(() => open({ path: join(folder, 'file', 'm.sqlite') }))).toBe('store.open_failed')
    expect(codeOf(() => open({ path: folder }))).toBe('store.open_failed')
  })

  it('that another program writes is busy', () => {
    open().close()
    const other = new Database(path())
    other.exec('BEGIN IMMEDIATE')
    const store = open()
    expect(codeOf(() => store.begin())).toBe('store.busy')
    other.exec('ROLLBACK')
    other.close()
    store.begin()
    store.commit(0, null)
  })
})
