/** Export, import and backup of an event store in SQLite. Worker threads only: it blocks. */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { PaddockError } from '../../shared/errors.ts'
import { storeError } from '../../shared/store/errors.ts'
import { decisionLine, decisionOf, endLine, ExportReader, headLine } from '../decision.ts'
import { lines, writeWhole } from '../ndjson-file.ts'
import type { RecordedCommand, RecordedDecision, RecordedEvent } from '../event-store.ts'
import type { SqliteEventReader } from './sqlite-reader.ts'
import { SqliteEventStore } from './sqlite-store.ts'

export interface Carried {
  readonly decisions: number
  readonly events: number
}

const pageEvents = 1_000
const importedAtOnce = 500

/** Writes what is in the store now, snapshots left out, as NDJSON. The file is there whole or not at all. */
export function exportEvents(reader: SqliteEventReader, path: string): Carried {
  const carried = { decisions: 0, events: 0 }
  writeWhole(path, (line) => {
    line(headLine(reader.module))
    for (const decision of decisions(reader)) {
      line(decisionLine(decision))
      carried.decisions += 1
      carried.events += decision.events.length
    }
    line(endLine(carried.decisions, carried.events))
  })
  return carried
}

/**
 * Makes the store at `path` of an export. Nothing may be there yet. Throws `store.import_mismatch` for an export that
 * does not hold together, and `store.*`; then nothing is there still.
 */
export function importEvents(source: string, path: string): Carried & { readonly module: string } {
  if (existsSync(path)) {
    throw new PaddockError('store.import_mismatch', 'There is a store already where the import would go.')
  }
  const partial = `${path}.importing`
  removeStore(partial)
  const export_ = new ExportReader()
  let store: SqliteEventStore | undefined
  let waiting: RecordedDecision[] = []
  try {
    for (const text of lines(source)) {
      const decision = export_.take(text)
      if (export_.module === undefined) continue
      store ??= new SqliteEventStore({ path: partial, module: export_.module, quotaBytes: null })
      if (decision !== null) waiting.push(decision)
      if (waiting.length < importedAtOnce) continue
      store.restore(waiting)
      waiting = []
    }
    const carried = export_.finish()
    if (store === undefined || export_.module === undefined) throw new Error('an export without a module')
    store.restore(waiting)
    const report = store.integrityCheck()
    if (!report.ok) {
      throw new PaddockError('store.import_mismatch', 'The export does not hold together.', {
        details: { problems: report.problems },
      })
    }
    store.close()
    store = undefined
    renameSync(partial, path)
    return { ...carried, module: export_.module }
  } catch (error) {
    store?.close()
    removeStore(partial)
    throw storeError(error)
  }
}

/** Copies the store while it may be written to; the copy is of one moment and whole, or not there. */
export async function backupEvents(reader: SqliteEventReader, path: string): Promise<void> {
  if (existsSync(path)) {
    throw new PaddockError('store.open_failed', 'There is a file already where the backup would go.', {
      remedy: 'Name another file.',
    })
  }
  const partial = `${path}.partial`
  removeStore(partial)
  try {
    await reader.backup(partial)
    renameSync(partial, path)
  } catch (error) {
    removeStore(partial)
    throw storeError(error)
  }
}

/** Every decision in global order, with its command. */
function* decisions(reader: SqliteEventReader): IterableIterator<RecordedDecision> {
  const commands = new Map<number, RecordedCommand>()
  for (const command of reader.commands()) commands.set(command.lastPosition, command)
  let batch: RecordedEvent[] = []
  for (let after = 0, more = true; more;) {
    const page = reader.feed(after, {}, pageEvents)
    for (const event of page.events) {
      batch.push(event)
      if (event.batchIndex < event.batchSize - 1) continue
      const decision = decisionOf(batch, commands.get(event.position) ?? null)
      if (decision !== null) yield decision
      batch = []
    }
    after = page.next
    more = page.more
  }
}

function removeStore(path: string): void {
  for (const companion of ['', '-wal', '-shm', '-journal']) rmSync(path + companion, { force: true })
}
