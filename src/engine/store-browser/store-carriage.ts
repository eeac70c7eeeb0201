/** Export, import, backup and compaction of a module's store (spec nexum-host 16). Store reader thread only: it blocks. */
// eslint-disable-next-line no-restricted-imports -- this thread exists to block.
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { lines, writeWhole } from '../../event-store/ndjson-file.ts'
import { PaddockError } from '../../shared/errors.ts'
import { storeError } from '../../shared/store/errors.ts'
import {
  entryOverheadBytes,
  storeApplicationId,
  storeMigrations,
  storeOwnerMeta,
  storeStatements,
} from '../../shared/store/schema.ts'
import { errnoOf } from '../errno.ts'
import type { StoreCarried, StoreImport } from './protocol.ts'
import { openReading } from './store-reader.ts'
import { readStoreLines, storeEnd, storeEntry, storeHead, storeNote } from './store-lines.ts'

/** How long the lock of a module that is just stopping is waited for. */
const busyTimeoutMs = 2_000

/** Writes what is committed at one moment as NDJSON to `file`, whole or not at all. Throws `store.*`. */
export function exportStore(store: string, module: string, file: string): StoreCarried {
  const { database, isEmpty } = openReading(store)
  let entries = 0
  let bytes = 0
  try {
    writeWhole(file, (line) => {
      line(storeHead(module))
      if (!isEmpty) {
        // One read transaction: what the module commits meanwhile is not seen.
        database.exec('BEGIN')
        for (const { name, value } of notes(database)) line(storeNote(name, value))
        const rows = database.prepare<[], { key: Buffer; value: Buffer }>(
          'SELECT key, value FROM entries ORDER BY key',
        )
        for (const { key, value } of rows.iterate()) {
          line(storeEntry(key, value))
          entries += 1
          bytes += entryOverheadBytes + key.length + value.length
        }
        database.exec('COMMIT')
      }
      line(storeEnd(entries))
    })
    return { entries, usedBytes: bytes }
  } finally {
    database.close()
  }
}

/** Copies the store as it is at one moment to `file`, which must not be there. Throws `store.*`. */
export async function backupStore(store: string, file: string): Promise<StoreCarried> {
  refuseExisting(file)
  const partial = `${file}.partial`
  const { database, isEmpty } = openReading(store)
  try {
    closeSync(openSync(partial, 'w', 0o600))
    // With its snapshot held open a copy is of one moment and never begins anew, however much is written meanwhile.
    database.exec('BEGIN')
    const totals = isEmpty ? { entries: 0, bytes: 0 } : totalsOf(database)
    await database.backup(partial)
    renameSync(partial, file)
    return { entries: totals.entries, usedBytes: totals.bytes }
  } catch (error) {
    rmSync(partial, { force: true })
    throw storeError(error)
  } finally {
    database.close()
  }
}

/**
 * Puts what `file` holds in place of everything in the store of a module that does not run, in one transaction.
 * Throws `store.import_mismatch`, `store.quota_exceeded` and `store.*`; then the store is as it was.
 */
export function importStore({ path: store, module, file, quotaBytes }: StoreImport): StoreCarried {
  const database = openWriting(store, module)
  try {
    return database
      .transaction(() => {
        database.exec('DELETE FROM entries; DELETE FROM host_progress')
        const setEntry = database.prepare<[Buffer, Buffer]>('INSERT INTO entries (key, value) VALUES (?, ?)')
        const setNote = database.prepare<[string, string]>(storeStatements.setProgress)
        const seen = new Set<string>()
        for (const line of readStoreLines(lines(file), module)) {
          if (line.kind === 'note') {
            setNote.run(line.name, line.value)
            continue
          }
          const key = line.key.toString('utf8')
          if (seen.has(key)) {
            throw new PaddockError('store.import_mismatch', `The export holds the key "${key}" twice.`)
          }
          seen.add(key)
          setEntry.run(line.key, line.value)
        }
        const { entries, bytes } = totalsOf(database)
        if (quotaBytes !== null && bytes > quotaBytes) {
          throw new PaddockError(
            'store.quota_exceeded',
            `The export takes ${bytes} bytes, and the module may keep ${quotaBytes}.`,
            { details: { bytes, quotaBytes } },
          )
        }
        return { entries, usedBytes: bytes }
      })
      .immediate()
  } catch (error) {
    throw asFileError(error, file)
  } finally {
    database.close()
  }
}

/** Gives back the room that deleted entries took. The module must not run. Answers bytes. Throws `store.*`. */
export function compactStore(store: string, module: string): { before: number; after: number } {
  if (statSync(store, { throwIfNoEntry: false }) === undefined) openReading(store).database.close()
  const before = sizeOf(store)
  const database = openWriting(store, module)
  try {
    database.exec('VACUUM')
    database.pragma('wal_checkpoint(TRUNCATE)')
  } catch (error) {
    throw storeError(error)
  } finally {
    database.close()
  }
  return { before, after: sizeOf(store) }
}

/** The store of `module` for writing, made when it is not there. Throws `store.*`. */
function openWriting(store: string, module: string): Database.Database {
  let database: Database.Database | undefined
  try {
    mkdirSync(path.dirname(store), { recursive: true, mode: 0o700 })
    // Readable by its owner alone.
    if (statSync(store, { throwIfNoEntry: false }) === undefined) closeSync(openSync(store, 'wx', 0o600))
    database = new Database(store, { timeout: busyTimeoutMs })
    database.pragma('trusted_schema = OFF')
    claim(database, module)
    return database
  } catch (error) {
    database?.close()
    throw storeError(error, 'store.open_failed')
  }
}

/** Lays out an empty file; throws `store.foreign` for what is no store of this module and version. */
function claim(database: Database.Database, module: string): void {
  const version = Number(database.pragma('user_version', { simple: true }))
  const applicationId = database.pragma('application_id', { simple: true })
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
  if (applicationId === 0 && version === 0 && tables === 0) {
    database.pragma('journal_mode = WAL')
    database
      .transaction(() => {
        for (const step of storeMigrations) database.exec(step)
        database.pragma(`application_id = ${storeApplicationId}`)
        database.pragma(`user_version = ${storeMigrations.length}`)
        database.prepare(storeStatements.setMeta).run(storeOwnerMeta, module)
      })
      .immediate()
    return
  }
  const isStore = applicationId === storeApplicationId && version === storeMigrations.length
  const owner = isStore ? database.prepare(storeStatements.getMeta).pluck().get(storeOwnerMeta) : undefined
  if (owner === module) return
  throw new PaddockError('store.foreign', `The file is no store of ${module} that this Paddock can change.`)
}

function totalsOf(database: Database.Database): { entries: number; bytes: number } {
  return (
    database.prepare<[], { entries: number; bytes: number }>(storeStatements.totals).get() ?? {
      entries: 0,
      bytes: 0,
    }
  )
}

function notes(database: Database.Database): { name: string; value: string }[] {
  return database.prepare<[], { name: string; value: string }>(storeStatements.getProgress).all()
}

function refuseExisting(file: string): void {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return
  throw new PaddockError('store.open_failed', 'There is a file already where the backup would go.', {
    remedy: 'Name another file.',
  })
}

/** A file that cannot be read is the operator's choice, not the store's fault. */
function asFileError(error: unknown, file: string): unknown {
  const errno = errnoOf(error)
  if (error instanceof PaddockError || error instanceof Database.SqliteError || errno === undefined)
    return storeError(error)
  return new PaddockError('store.open_failed', `${file} cannot be read (${errno}).`, {
    cause: error,
    remedy: 'Choose a file that paddock store export wrote.',
  })
}

function sizeOf(store: string): number {
  return ['', '-wal'].reduce(
    (sum, suffix) => sum + (statSync(store + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}
