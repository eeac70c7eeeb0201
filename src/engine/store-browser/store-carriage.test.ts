import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storeStatements } from '../../shared/store/schema.ts'
import { StoreBrowser } from './store-browser.ts'

let folder: string
let path: string
let browser: StoreBrowser

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-carry-'))
  path = join(folder, 'a.db')
  browser = new StoreBrowser({ entry: new URL('./store-reader-thread.ts', import.meta.url) })
})
afterEach(async () => {
  await browser.dispose()
  await rm(folder, { recursive: true, force: true })
})

const head = JSON.stringify({ kind: 'paddock-store', format: 1, module: 'a' })
const entry = (key: string, value: string) =>
  JSON.stringify({ kind: 'entry', key, value: Buffer.from(value).toString('base64') })
const end = (entries: number) => JSON.stringify({ kind: 'end', entries })

async function importing(...texts: string[]) {
  const file = join(folder, 'in.ndjson')
  await writeFile(file, `${texts.join('\n')}\n`)
  return browser.import({ path, module: 'a', file, quotaBytes: null })
}

/** Everything in the store, host notes as well. */
function content(): { entries: [string, string][]; notes: [string, string][] } {
  const database = new Database(path, { readonly: true })
  const entries = database.prepare('SELECT key, value FROM entries ORDER BY key').raw().all() as Buffer[][]
  const notes = database.prepare(storeStatements.getProgress).raw().all() as [string, string][]
  database.close()
  return { entries: entries.map(([key, value]) => [String(key), value!.toString('base64')]), notes }
}

describe('spec nexum-host 18 row 76: a store', () => {
  it('comes back whole from its export, with the positions of its sources', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.tuple(fc.string({ unit: 'binary', maxLength: 20 }), fc.uint8Array({ maxLength: 40 })),
          { selector: ([key]) => key, maxLength: 30 },
        ),
        async (pairs) => {
          const lines = pairs.map(([key, value]) =>
            JSON.stringify({ kind: 'entry', key, value: Buffer.from(value).toString('base64') }),
          )
          const note = JSON.stringify({ kind: 'note', name: 'cursor:blocks:1', value: '17' })
          await importing(head, note, ...lines, end(pairs.length))
          const before = content()
          expect(before.entries).toHaveLength(pairs.length)
          const file = join(folder, 'out.ndjson')
          const carried = await browser.export(path, 'a', file)
          expect(carried.entries).toBe(pairs.length)
          expect(carried.usedBytes).toBe((await browser.usage(path)).usedBytes)
          await importing(head, entry('other', 'x'), end(1))
          expect(content()).toEqual({ entries: [['other', 'eA==']], notes: [] })
          await browser.import({ path, module: 'a', file, quotaBytes: null })
          expect(content()).toEqual(before)
        },
      ),
      { numRuns: 15 },
    )
  })

  it.each([
    ['is cut off', [head, entry('k', 'v')], 'Line 3'],
    ['lacks an entry', [head, entry('k', 'v'), end(2)], '2 entries were written'],
    ['goes on behind its end', [head, end(0), entry('k', 'v')], 'something follows'],
    ['says not whose it is', [entry('k', 'v'), end(1)], 'whose store'],
    ['begins twice', [head, head, end(0)], 'second store'],
    ['is of another module', [head.replace('"a"', '"b"'), end(0)], 'the store of b'],
    ['holds a key twice', [head, entry('k', 'v'), entry('k', 'w'), end(2)], 'twice'],
    ['is not JSON', [head, '{'], 'Line 2'],
    ['holds no base64', [head, '{"kind":"entry","key":"k","value":"?"}', end(1)], 'value'],
    ['holds more than it may', [head, '{"kind":"entry","key":"k","value":"","x":1}', end(1)], 'Line 2'],
    ['holds a key that is too long', [head, entry('é'.repeat(2_049), ''), end(1)], 'over 4096'],
  ])('stays as it was when an export %s', async (_, texts, message) => {
    await importing(head, entry('kept', 'v'), end(1))
    const before = content()
    await expect(importing(...texts)).rejects.toMatchObject({
      code: 'store.import_mismatch',
      message: expect.stringContaining(message) as string,
    })
    expect(content()).toEqual(before)
  })

  it('stays as it was when an export is over the quota or cannot be read', async () => {
    await importing(head, entry('kept', 'v'), end(1))
    const file = join(folder, 'in.ndjson')
    // 64 + 4 + 1 bytes are kept already.
    await expect(browser.import({ path, module: 'a', file, quotaBytes: 68 })).rejects.toMatchObject({
      code: 'store.quota_exceeded',
    })
    await expect(browser.import({ path, module: 'a', file, quotaBytes: 69 })).resolves.toMatchObject({
      entries: 1,
      usedBytes: 69,
    })
    await expect(
      browser.import({ path, module: 'a', file: join(folder, 'none'), quotaBytes: null }),
    ).rejects.toMatchObject({ code: 'store.open_failed' })
    expect(content().entries).toHaveLength(1)
  })

  it('of another module or program is not touched', async () => {
    await importing(head, entry('kept', 'v'), end(1))
    const file = join(folder, 'other.ndjson')
    await writeFile(file, `${head.replace('"a"', '"b"')}\n${end(0)}\n`)
    await expect(browser.import({ path, module: 'b', file, quotaBytes: null })).rejects.toMatchObject({
      code: 'store.foreign',
    })
    const foreign = join(folder, 'foreign.db')
    new Database(foreign).exec('CREATE TABLE t (x)').close()
    await expect(browser.compact(foreign, 'a')).rejects.toMatchObject({ code: 'store.foreign' })
    expect(content().entries).toHaveLength(1)
  })

  it('gives back room when it is compacted, and keeps what is in it', async () => {
    const big = 'x'.repeat(20_000)
    await importing(head, ...Array.from({ length: 100 }, (_, index) => entry(`k${index}`, big)), end(100))
    const database = new Database(path)
    database.exec("DELETE FROM entries WHERE key <> CAST('k7' AS BLOB)")
    database.close()
    const { before, after } = await browser.compact(path, 'a')
    expect(before).toBeGreaterThan(2_000_000)
    expect(after).toBeLessThan(100_000)
    expect((await stat(path)).size).toBe(after)
    expect(content().entries.map(([key]) => key)).toEqual(['k7'])
    await expect(browser.compact(join(folder, 'none.db'), 'a')).rejects.toMatchObject({
      code: 'store.open_failed',
    })
  })

  it('is read for its owner alone, and a backup takes no file’s place', async () => {
    await importing(head, entry('k', 'v'), end(1))
    const file = join(folder, 'copy.db')
    await browser.backup(path, file)
    for (const each of [path, file]) expect((await stat(each)).mode & 0o777).toBe(0o600)
    const copied = await readFile(file)
    await expect(browser.backup(path, file)).rejects.toMatchObject({ code: 'store.open_failed' })
    expect(await readFile(file)).toEqual(copied)
    await expect(browser.export(path, 'a', join(folder, 'no', 'where'))).rejects.toMatchObject({
      code: 'store.open_failed',
    })
  })
})
