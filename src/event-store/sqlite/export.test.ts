import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { command, decision } from '../../../test/contract/event-store/suite.ts'
import { PaddockError } from '../../shared/errors.ts'
import { backupEvents, exportEvents, importEvents } from './export.ts'
import { SqliteEventReader } from './sqlite-reader.ts'
import { SqliteEventStore } from './sqlite-store.ts'

let folder: string
let store: SqliteEventStore
const at = (name: string) => join(folder, name)
const any = { kind: 'any' } as const

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paddock-export-'))
  store = new SqliteEventStore({
    path: at('demo.db'),
    module: 'demo',
    quotaBytes: null,
    durability: 'normal',
  })
  for (let index = 0; index < 700; index += 1) {
    const known = index % 2 === 0 ? command('demo.do', String(index)) : null
    const snapshot = { artifact: 'a'.repeat(64), payload: Buffer.from('state') }
    store.append(
      decision(`s${index % 5}`, any, 1 + (index % 4), {
        command: known,
        headers: { n: String(index) },
        snapshot,
      }),
    )
  }
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Everything an export carries. */
function contents(path: string): unknown {
  const reader = SqliteEventReader.open(path)
  const events = []
  for (let after = 0, more = true; more;) {
    const page = reader.feed(after, {}, 1_000)
    events.push(...page.events.map((event) => ({ ...event, payload: event.payload.toString() })))
    after = page.next
    more = page.more
  }
  const found = { module: reader.module, events, commands: [...reader.commands()] }
  reader.close()
  return found
}

function mismatch(action: () => unknown): PaddockError {
  try {
    action()
  } catch (error) {
    if (error instanceof PaddockError) return error
    throw error
  }
  throw new Error('nothing failed')
}

it('an export imported is the same store, snapshots left out', () => {
  const carried = exportEvents(store, at('out.ndjson'))
  expect(carried).toEqual({ decisions: 700, events: 1_750 })
  expect(importEvents(at('out.ndjson'), at('copy.db'))).toEqual({ ...carried, module: 'demo' })
  expect(contents(at('copy.db'))).toEqual(contents(at('demo.db')))
  const copy = SqliteEventReader.open(at('copy.db'))
  expect(copy.integrityCheck()).toMatchObject({ ok: true, problems: [] })
  expect(copy.snapshotsOf('s0')).toEqual([])
  copy.close()
})

it('an export that was cut, edited or is none leaves no store behind', () => {
  exportEvents(store, at('out.ndjson'))
  const lines = readFileSync(at('out.ndjson'), 'utf8').trimEnd().split('\n')
  const cases: readonly (readonly string[])[] = [
    lines.slice(0, -1),
    lines.slice(0, 400),
    [...lines.slice(0, 10), ...lines.slice(11)],
    [...lines, lines[3] ?? ''],
    [lines[0] ?? '', 'nonsense', ...lines.slice(1)],
    ['{}'],
    [],
    [lines[0] ?? '', ...lines.slice(1).reverse()],
  ]
  for (const [index, edited] of cases.entries()) {
    writeFileSync(at('edited.ndjson'), edited.join('\n'))
    const error = mismatch(() => importEvents(at('edited.ndjson'), at('copy.db')))
    expect([index, error.code]).toEqual([index, 'store.import_mismatch'])
    expect(existsSync(at('copy.db'))).toBe(false)
    expect(existsSync(at('copy.db.importing'))).toBe(false)
  }
})

it('an import never goes over a store', () => {
  exportEvents(store, at('out.ndjson'))
  expect(mismatch(() => importEvents(at('out.ndjson'), at('demo.db'))).code).toBe('store.import_mismatch')
})

it('a backup is whole while the store is written to', async () => {
  const copying = backupEvents(store, at('backup.db'))
  for (let index = 0; index < 20; index += 1) store.append(decision('late', any, 3))
  await copying
  const copy = SqliteEventReader.open(at('backup.db'))
  const report = copy.integrityCheck()
  expect(report).toMatchObject({ ok: true, problems: [] })
  expect(report.events).toBeGreaterThanOrEqual(1_750)
  copy.close()
  await expect(backupEvents(store, at('backup.db'))).rejects.toMatchObject({ code: 'store.open_failed' })
})
