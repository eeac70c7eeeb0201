import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storeApplicationId, storeMigrations, storeStatements } from '../../shared/store/schema.ts'
import { StoreBrowser } from './store-browser.ts'

let folder: string
let browser: StoreBrowser

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-browse-'))
  browser = new StoreBrowser({ entry: new URL('./store-reader-thread.ts', import.meta.url) })
})
afterEach(async () => {
  await browser.dispose()
  await rm(folder, { recursive: true, force: true })
})

function create(path: string, entries: Record<string, string> = {}): Database.Database {
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  for (const step of storeMigrations) database.exec(step)
  database.pragma(`application_id = ${storeApplicationId}`)
  database.pragma(`user_version = ${storeMigrations.length}`)
  for (const [key, value] of Object.entries(entries)) put(database, key, value)
  return database
}

function put(database: Database.Database, key: string, value: string | Buffer): void {
  database.prepare(storeStatements.set).run(Buffer.from(key), Buffer.from(value))
}

describe('StoreBrowser', () => {
  it('pages keys in UTF-8 byte order while the writer lives, and sees what it commits', async () => {
    const path = join(folder, 'a.sqlite')
    const writer = create(path, {
      '\u{1f600}': '1',
      '\uffee': '22',
      b: '333',
      'a/2': '',
      'a/1': 'x',
      a: 'y',
      '': 'z',
    })
    const first = await browser.keys({ path, prefix: '', after: null, limit: 3 })
    expect(first.entries).toEqual([
      { key: '', sizeBytes: 1 },
      { key: 'a', sizeBytes: 1 },
      { key: 'a/1', sizeBytes: 1 },
    ])
    expect(first).toMatchObject({ more: true, total: 7 })
    const rest = await browser.keys({ path, prefix: '', after: 'a/1', limit: 10 })
    expect(rest.entries.map((entry) => entry.key)).toEqual(['a/2', 'b', '\uffee', '\u{1f600}'])
    expect(rest.more).toBe(false)
    const below = await browser.keys({ path, prefix: 'a/', after: null, limit: 1 })
    expect(below).toMatchObject({ entries: [{ key: 'a/1' }], more: true })
    expect((await browser.keys({ path, prefix: 'a/', after: 'a/2', limit: 9 })).entries).toEqual([])
    put(writer, 'new', 'four')
    const usage = await browser.usage(path)
    expect(usage).toEqual({ total: 8, usedBytes: first.usedBytes + 64 + 3 + 4 })
    writer.exec('BEGIN; DELETE FROM entries')
    expect((await browser.usage(path)).total).toBe(8)
    writer.exec('ROLLBACK')
    writer.close()
  })

  it('shows the first 64 KiB of a value', async () => {
    const path = join(folder, 'a.sqlite')
    const writer = create(path)
    put(writer, 'big', Buffer.alloc(100_000, 7))
    const value = await browser.value({ path, key: 'big' })
    expect(value?.sizeBytes).toBe(100_000)
    expect(value?.head).toEqual(new Uint8Array(65_536).fill(7))
    expect(await browser.value({ path, key: 'absent' })).toBeNull()
    writer.close()
  })

  it.each([
    ['missing', async () => undefined, 'store.open_failed'],
    ['no database', async (path: string) => writeFile(path, 'x'.repeat(4096)), 'store.corrupt'],
    [
      'another program',
      async (path: string) => void new Database(path).exec('CREATE TABLE t (x)').close(),
      'store.foreign',
    ],
    [
      'a newer version',
      async (path: string) => void create(path).exec('PRAGMA user_version = 99').close(),
      'store.foreign',
    ],
    [
      'lost tables',
      async (path: string) => void create(path).exec('DROP TABLE entries').close(),
      'store.corrupt',
    ],
  ])('answers a typed error: %s; other stores stay readable', async (_, make, code) => {
    const path = join(folder, 'bad.sqlite')
    await make(path)
    await expect(browser.keys({ path, prefix: '', after: null, limit: 1 })).rejects.toMatchObject({
      code,
      details: { path },
    })
    const good = join(folder, 'good.sqlite')
    create(good, { k: 'v' }).close()
    expect((await browser.usage(good)).total).toBe(1)
  })

  it('shows an empty file as an empty store, then what it becomes', async () => {
    const path = join(folder, 'new.sqlite')
    await writeFile(path, '')
    expect(await browser.keys({ path, prefix: '', after: null, limit: 1 })).toEqual({
      entries: [],
      more: false,
      total: 0,
      usedBytes: 0,
    })
    create(path, { k: 'v' }).close()
    expect((await browser.usage(path)).total).toBe(1)
  })

  it('never writes and follows a file that was replaced', async () => {
    const path = join(folder, 'a.sqlite')
    create(path, { old: '1' }).close()
    expect((await browser.usage(path)).total).toBe(1)
    const other = join(folder, 'b.sqlite')
    create(other, { x: '1', y: '2' }).close()
    await browser.close(path)
    await rename(other, path)
    expect(
      (await browser.keys({ path, prefix: '', after: null, limit: 5 })).entries.map((entry) => entry.key),
    ).toEqual(['x', 'y'])
  })

  it('reads more stores than it keeps open', async () => {
    for (let index = 0; index < 12; index++) create(join(folder, `${index}`), { [`k${index}`]: 'v' }).close()
    const pages = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        browser.keys({ path: join(folder, `${index}`), prefix: '', after: null, limit: 1 }),
      ),
    )
    expect(pages.map((page) => page.entries[0]?.key)).toEqual(
      Array.from({ length: 12 }, (_, index) => `k${index}`),
    )
  })

  it('fails what waits when it is closed, and refuses after', async () => {
    const waiting = browser.usage(join(folder, 'x'))
    const settled = expect(waiting).rejects.toMatchObject({ code: 'store.io' })
    await browser.dispose()
    await settled
    await expect(browser.usage('x')).rejects.toMatchObject({ code: 'store.io' })
  })

  it('fails what waits when its thread cannot start', async () => {
    const broken = new StoreBrowser({ entry: join(folder, 'absent.cjs') })
    await expect(broken.usage('x')).rejects.toMatchObject({ code: 'store.io' })
  })
})
