/** Opens, creates, judges and migrates a module's store file. */
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { PaddockError } from '../../shared/errors.ts'
import {
  storeApplicationId,
  storeMigrations,
  storeOwnerMeta,
  storeStatements,
} from '../../shared/store/schema.ts'
import { storeError } from '../../shared/store/errors.ts'

export interface OpenedDatabase {
  readonly database: Database.Database
  /** Set when a damaged file was kept aside and an empty store took its place. */
  readonly warning: PaddockError | undefined
}

/** How long another connection's lock is waited for; a killed predecessor lets go at once. */
const busyTimeoutMs = 2_000
const companions = ['', '-wal', '-shm']

/**
 * Opens the store of `module` at `path`, creating it when absent. A damaged file is renamed to
 * `<path>.corrupt-<time>`, companions included, and an empty store takes its place.
 * Throws `store.foreign`, `store.open_failed`, `store.read_only`, `store.full`, `store.busy`, `store.io`.
 */
export function openDatabase(path: string, module: string, now: () => number = Date.now): OpenedDatabase {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storeError(error, 'store.open_failed')
  }
  try {
    return { database: openIntact(path, module), warning: undefined }
  } catch (error) {
    const typed = storeError(error, 'store.open_failed')
    if (typed.code !== 'store.corrupt') throw typed
    const asideName = keepAside(path, now())
    const warning = new PaddockError(
      'store.corrupt',
      `The store file was damaged. It was kept as ${asideName} and an empty store was created.`,
      { details: { keptAs: asideName } },
    )
    try {
      return { database: openIntact(path, module), warning }
    } catch (again) {
      throw storeError(again, 'store.open_failed')
    }
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

function openIntact(path: string, module: string): Database.Database {
  createPrivate(path)
  const database = new Database(path, { timeout: busyTimeoutMs })
  try {
    // Before anything is written: a foreign file must stay as it is.
    refuseForeign(database)
    // In WAL mode a commit is in the operating system's hands when it returns, so a killed process
    // loses nothing that was committed. NORMAL leaves out one fsync per commit, which only a power
    // loss could notice: then the last commits may be missing, but the file stays sound.
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = NORMAL')
    database.pragma('journal_size_limit = 16777216')
    database.pragma('trusted_schema = OFF')
    migrate(database, module)
    claim(database, module)
    const verdict: unknown = database.pragma('quick_check(1)', { simple: true })
    if (verdict !== 'ok') throw new PaddockError('store.corrupt', 'The store file is damaged.')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function refuseForeign(database: Database.Database): void {
  const applicationId = database.pragma('application_id', { simple: true })
  const version = Number(database.pragma('user_version', { simple: true }))
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
  if (applicationId === storeApplicationId) {
    if (version <= storeMigrations.length) return
    throw new PaddockError('store.foreign', 'The store file was written by a newer Paddock.', {
      details: { version, supported: storeMigrations.length },
    })
  }
  if (applicationId === 0 && tables === 0 && version === 0) return
  throw new PaddockError('store.foreign', 'The store file belongs to another program.')
}

function migrate(database: Database.Database, module: string): void {
  const version = Number(database.pragma('user_version', { simple: true }))
  if (version === storeMigrations.length) return
  database
    .transaction(() => {
      for (const step of storeMigrations.slice(version)) database.exec(step)
      database.pragma(`application_id = ${storeApplicationId}`)
      database.pragma(`user_version = ${storeMigrations.length}`)
      if (version === 0) database.prepare(storeStatements.setMeta).run(storeOwnerMeta, module)
    })
    .immediate()
}

/** Namespaces never mix: a store answers to the module that created it and to no other. */
function claim(database: Database.Database, module: string): void {
  const owner = database.prepare(storeStatements.getMeta).pluck().get(storeOwnerMeta)
  if (owner === module) return
  throw new PaddockError('store.foreign', `The store file belongs to another module than ${module}.`)
}

function keepAside(path: string, time: number): string {
  const stamp = new Date(time).toISOString().replaceAll(/[:.]/g, '-')
  const suffix = `.corrupt-${stamp}`
  for (const companion of companions) {
    if (statSync(path + companion, { throwIfNoEntry: false }) === undefined) continue
    try {
      renameSync(path + companion, path + suffix + companion)
    } catch (error) {
      throw storeError(error, 'store.open_failed')
    }
  }
  return baseName(path) + suffix
}

function baseName(path: string): string {
  return path.slice(dirname(path).length + 1)
}
