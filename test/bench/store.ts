import path from 'node:path'
import Database from 'better-sqlite3'
import { localModule } from './in-process.ts'
import { compare, us, type Finding } from './measure.ts'
import { block, scratch } from './support.ts'

const operations = 1_000
const valueBytes = 32

/** A guest's get and set through the component against bare better-sqlite3 on the same thread, both in a transaction. */
export async function store(): Promise<Finding[]> {
  return [await measure('get'), await measure('set')]
}

async function measure(kind: 'get' | 'set'): Promise<Finding> {
  const module = await localModule('store-bench', [
    ['gets', kind === 'get' ? String(operations) : '0'],
    ['sets', kind === 'set' ? String(operations) : '0'],
    ['value_bytes', String(valueBytes)],
  ])
  const filler = await localModule('store-bench', [
    ['gets', '0'],
    ['sets', String(operations)],
    ['value_bytes', String(valueBytes)],
  ])
  filler.instance.store?.close()
  const bare = bareStore(kind)
  let sequence = 1
  if (kind === 'get') fill(module.instance.store)
  const result = await compare(
    () => {
      module.instance.store?.begin()
      module.run('on-event', block(sequence))
      module.instance.store?.commit(sequence++, null)
    },
    bare.run,
    { batches: 60, operations },
  )
  bare.close()
  module.instance.store?.close()
  return {
    name: `store ${kind}`,
    what: `${kind} of ${valueBytes} bytes from a compiled guest over bare better-sqlite3`,
    value: result.ratio,
    unit: '×',
    goal: { kind: 'at most', value: 3 },
    detail: `${us(result.ours)} over ${us(result.bare)}`,
  }
}

function fill(target: Awaited<ReturnType<typeof localModule>>['instance']['store']): void {
  target?.begin()
  for (let index = 0; index < operations; index += 1)
    target?.set(`bench/${index}`, new Uint8Array(valueBytes))
  target?.commit(1, null)
}

/** The least code that does the same on SQLite: prepared statements, one transaction. */
function bareStore(kind: 'get' | 'set'): { run: () => void; close: () => void } {
  const database = new Database(path.join(scratch, `bare-${kind}.db`))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.exec('CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID')
  const insert = database.prepare(
    'INSERT INTO entries VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  )
  const select = database.prepare('SELECT value FROM entries WHERE key = ?').pluck()
  const keys = Array.from({ length: operations }, (_, index) => Buffer.from(`bench/${index}`))
  const value = Buffer.alloc(valueBytes)
  const set = database.transaction(() => {
    for (const key of keys) insert.run(key, value)
  })
  const get = database.transaction(() => {
    for (const key of keys) if (select.get(key) === undefined) throw new Error('missing')
  })
  set()
  return { run: kind === 'set' ? set : get, close: () => database.close() }
}
