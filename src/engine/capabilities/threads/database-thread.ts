/** Opens a SQLite file that a capability keeps; one that cannot be read is kept aside. Worker threads only. */
import { mkdirSync, renameSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { storeError } from '../../../shared/store/errors.ts'

/**
 * Opens or creates the file and runs `schema`, which must be repeatable. A file that is no database or damaged is
 * renamed to `<file>.corrupt-<time>` and an empty one takes its place. Throws what SQLite throws for the second, and for a
 * file that is whole but cannot be used now: a lock or a full disk is no reason to begin anew.
 */
export function openCapabilityDatabase(file: string, schema: string): Database.Database {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  try {
    return open(file, schema)
  } catch (error) {
    if (storeError(error, 'store.open_failed').code !== 'store.corrupt') throw error
    const aside = `${file}.corrupt-${Date.now()}`
    for (const companion of ['', '-wal', '-shm']) {
      try {
        renameSync(file + companion, aside + companion)
      } catch {
        // The companions need not exist.
      }
    }
    return open(file, schema)
  }
}

function open(file: string, schema: string): Database.Database {
  const database = new Database(file)
  try {
    database.pragma('auto_vacuum = INCREMENTAL')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = NORMAL')
    database.pragma('journal_size_limit = 16777216')
    database.pragma('trusted_schema = OFF')
    database.exec(schema)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
