/** Opens, creates, judges and migrates the file of an event store. Guest and worker threads only: it blocks. */
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import Database from 'better-sqlite3'
import { PaddockError } from '../../shared/errors.ts'
import { storeError } from '../../shared/store/errors.ts'
import { eventStatements, eventStoreApplicationId, eventStoreMigrations } from './schema.ts'

export type Durability = 'full' | 'normal'

export interface OpenedEventFile {
  readonly database: Database.Database
  /** Set when a damaged file was kept aside and an empty store took its place. */
  readonly warning: PaddockError | undefined
  /** The last writer did not close the file: its process ended, or another has it open. */
  readonly unclean: boolean
}

const companions = ['', '-wal', '-shm']
/** Larger files are searched for damage after an unclean end only: it takes about a second for each 500 MiB. */
const alwaysCheckedBytes = 64 * 1024 * 1024

/**
 * Opens the event store of `module` for writing, creating it when absent. A damaged file is renamed to
 * `<path>.corrupt-<time>`, companions included, and an empty store takes its place. `busyTimeoutMs` is how long
 * another writer is waited for. Throws `store.foreign`, `store.open_failed`, `store.read_only`, `store.full`,
 * `store.busy`, `store.io`.
 */
export function openEventFile(
  path: string,
  module: string,
  durability: Durability,
  busyTimeoutMs: number,
): OpenedEventFile {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storeError(error, 'store.open_failed')
  }
  const unclean = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
  try {
    const database = openIntact(path, module, durability, busyTimeoutMs, unclean)
    return { database, warning: undefined, unclean }
  } catch (error) {
    const typed = storeError(error, 'store.open_failed')
    if (typed.code !== 'store.corrupt') throw typed
    const aside = keepAside(path)
    const warning = new PaddockError(
      'store.corrupt',
      `The event store was damaged. It was kept as ${aside} and an empty store was created.`,
      {
        remedy: 'Stop the module and restore a backup or an export, or go on with the empty store.',
        details: { keptAs: aside },
      },
    )
    try {
      return { database: openIntact(path, module, durability, busyTimeoutMs, false), warning, unclean }
    } catch (again) {
      throw storeError(again, 'store.open_failed')
    }
  }
}

/**
 * Opens an event store to look at it; nothing is ever written. Throws `store.open_failed` (with `reason: 'missing'`
 * when there is no store yet), `store.foreign`, `store.corrupt`, `store.io`.
 */
export function openEventFileReadOnly(path: string, busyTimeoutMs = 5_000): Database.Database {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) throw missing()
  let database: Database.Database
  try {
    database = new Database(path, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs })
  } catch (error) {
    throw storeError(error, 'store.open_failed')
  }
  try {
    refuseForeign(database)
    if (Number(database.pragma('user_version', { simple: true })) === 0) throw missing()
    database.pragma('trusted_schema = OFF')
    return database
  } catch (error) {
    database.close()
    throw storeError(error, 'store.open_failed')
  }
}

function missing(): PaddockError {
  return new PaddockError('store.open_failed', 'The module has no event store yet.', {
    remedy: 'Start the module; its store is made when it first runs.',
    details: { reason: 'missing' },
  })
}

function openIntact(
  path: string,
  module: string,
  durability: Durability,
  busyTimeoutMs: number,
  unclean: boolean,
): Database.Database {
  createPrivate(path)
  const database = new Database(path, { timeout: busyTimeoutMs })
  try {
    // Before anything is written: a foreign file must stay as it is.
    refuseForeign(database)
    database.pragma('journal_mode = WAL')
    // FULL: an acknowledged command survives a power loss. NORMAL: a power loss may take the last ones, a crash none.
    database.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`)
    database.pragma('foreign_keys = ON')
    database.pragma('journal_size_limit = 16777216')
    database.pragma('trusted_schema = OFF')
    migrate(database)
    claim(database, module)
    if (unclean || statSync(path).size <= alwaysCheckedBytes) {
      const verdict: unknown = database.pragma('quick_check(1)', { simple: true })
      if (verdict !== 'ok') throw new PaddockError('store.corrupt', 'The event store is damaged.')
    }
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Makes an absent file readable by its owner alone; SQLite gives the companions the same mode. */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch {
    // It is there already, or cannot be: SQLite says which.
  }
}

function refuseForeign(database: Database.Database): void {
  const applicationId = database.pragma('application_id', { simple: true })
  const version = Number(database.pragma('user_version', { simple: true }))
  if (applicationId === eventStoreApplicationId) {
    if (version <= eventStoreMigrations.length) return
    throw new PaddockError('store.foreign', 'The event store was written by a newer Paddock.', {
      details: { version, supported: eventStoreMigrations.length },
    })
  }
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
  if (applicationId === 0 && tables === 0 && version === 0) return
  throw new PaddockError('store.foreign', 'The file is no event store.')
}

function migrate(database: Database.Database): void {
  if (Number(database.pragma('user_version', { simple: true })) === eventStoreMigrations.length) return
  database
    .transaction(() => {
      // Another process may have been faster; under the lock the version is certain.
      const version = Number(database.pragma('user_version', { simple: true }))
      for (const step of eventStoreMigrations.slice(version)) database.exec(step)
      database.pragma(`application_id = ${eventStoreApplicationId}`)
      database.pragma(`user_version = ${eventStoreMigrations.length}`)
    })
    .immediate()
}

/** A file opened under the wrong name is refused (spec decider 12). */
function claim(database: Database.Database, module: string): void {
  const owner = database.prepare<[], string>(eventStatements.owner).pluck().get()
  if (owner === undefined || owner === module) return
  throw new PaddockError('store.foreign', `The event store belongs to another module than ${module}.`)
}

function keepAside(path: string): string {
  const suffix = `.corrupt-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
  for (const companion of companions) {
    if (statSync(path + companion, { throwIfNoEntry: false }) === undefined) continue
    try {
      renameSync(path + companion, path + suffix + companion)
    } catch (error) {
      throw storeError(error, 'store.open_failed')
    }
  }
  return basename(path) + suffix
}
