/** Reads one module's store file without ever writing to it. Store reader thread only: it blocks. */
// eslint-disable-next-line no-restricted-imports -- this thread exists to block.
import { statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { PaddockError, type ErrorCode } from '../../shared/errors.ts'
import { prefixEnd, storeApplicationId, storeMigrations, storeStatements } from '../../shared/store/schema.ts'
import type { StoreKeys, StoreKeysQuery, StoreUsage, StoreValue } from './protocol.ts'
import { errnoOf } from '../errno.ts'

/** Bytes of a value that are shown. */
const headBytes = 64 * 1024
/** How long a writer's lock is waited for; in WAL mode readers wait for recovery only. */
const busyTimeoutMs = 1_000
const selectValue = `SELECT length(value) AS size, substr(value, 1, ${headBytes}) AS head FROM entries WHERE key = ?`

interface BrowsedRow {
  readonly key: Buffer
  readonly size: number
}

export class StoreReader {
  private readonly path: string
  private readonly inode: bigint
  private readonly database: Database.Database
  /** A file whose layout was not made yet: its module is about to start for the first time. */
  private readonly isEmpty: boolean
  /** Totals with the version of the data they were counted in. */
  private counted: { readonly version: unknown; readonly usage: StoreUsage } | undefined

  /** Throws `store.open_failed`, `store.foreign`, `store.corrupt`, `store.busy` and `store.io`. */
  constructor(path: string) {
    this.path = path
    this.inode = inodeOf(path)
    const { database, isEmpty } = openReading(path)
    this.database = database
    this.isEmpty = isEmpty
  }

  /** False once another file took the place of the one that is open, or none. */
  isCurrent(): boolean {
    try {
      return statSync(this.path, { bigint: true }).ino === this.inode
    } catch {
      return false
    }
  }

  keys(query: StoreKeysQuery): StoreKeys {
    if (this.isEmpty) return { entries: [], more: false, total: 0, usedBytes: 0 }
    const prefix = Buffer.from(query.prefix, 'utf8')
    // The smallest key behind another is that key and a zero byte.
    const after =
      query.after === null ? prefix : Buffer.concat([Buffer.from(query.after, 'utf8'), Buffer.of(0)])
    const from = Buffer.compare(prefix, after) > 0 ? prefix : after
    const to = prefixEnd(prefix)
    return attempt(this.path, () => {
      const rows = (
        to === undefined
          ? this.database.prepare(storeStatements.browseFrom).all(from, query.limit + 1)
          : this.database.prepare(storeStatements.browseBetween).all(from, to, query.limit + 1)
      ) as BrowsedRow[]
      const entries = rows
        .slice(0, query.limit)
        .map((row) => ({ key: row.key.toString('utf8'), sizeBytes: row.size }))
      return { entries, more: rows.length > query.limit, ...this.usage() }
    })
  }

  /** Null when there is no such key. */
  value(key: string): StoreValue | null {
    if (this.isEmpty) return null
    return attempt(this.path, () => {
      const row = this.database.prepare(selectValue).get(Buffer.from(key, 'utf8')) as
        { size: number; head: Buffer } | undefined
      return row === undefined ? null : { sizeBytes: row.size, head: new Uint8Array(row.head) }
    })
  }

  /** The whole value; null when there is no such key. */
  whole(key: string): Uint8Array | null {
    if (this.isEmpty) return null
    return attempt(this.path, () => {
      const value = this.database.prepare(storeStatements.getValue).pluck().get(Buffer.from(key, 'utf8'))
      return value instanceof Uint8Array ? new Uint8Array(value) : null
    })
  }

  usage(): StoreUsage {
    if (this.isEmpty) return { total: 0, usedBytes: 0 }
    return attempt(this.path, () => {
      const version: unknown = this.database.pragma('data_version', { simple: true })
      if (this.counted !== undefined && this.counted.version === version) return this.counted.usage
      const row = this.database.prepare(storeStatements.totals).get() as { entries: number; bytes: number }
      const usage = { total: row.entries, usedBytes: row.bytes }
      this.counted = { version, usage }
      return usage
    })
  }

  /** Whether the next request must open the file anew. */
  get mustReopen(): boolean {
    return this.isEmpty || !this.isCurrent()
  }

  close(): void {
    this.database.close()
  }
}

/** A read-only connection, and whether the file has no layout yet. Throws as the reader does. */
export function openReading(path: string): {
  readonly database: Database.Database
  readonly isEmpty: boolean
} {
  inodeOf(path)
  const database = attempt(
    path,
    () => new Database(path, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs }),
  )
  try {
    return { database, isEmpty: attempt(path, () => checkIdentity(database, path)) }
  } catch (error) {
    database.close()
    throw error
  }
}

function inodeOf(path: string): bigint {
  try {
    return statSync(path, { bigint: true }).ino
  } catch (cause) {
    const missing = errnoOf(cause) === 'ENOENT'
    throw new PaddockError(
      'store.open_failed',
      missing ? 'The module has no store yet.' : 'The store cannot be read.',
      {
        cause,
        details: { path, reason: missing ? 'missing' : (errnoOf(cause) ?? null) },
        ...(missing ? { remedy: 'Start the module; its store is made when it first runs.' } : {}),
      },
    )
  }
}

/** Whether the file has no layout yet. Throws `store.foreign` for what is no store of this version. */
function checkIdentity(database: Database.Database, path: string): boolean {
  const applicationId: unknown = database.pragma('application_id', { simple: true })
  const version = Number(database.pragma('user_version', { simple: true }))
  if (applicationId === storeApplicationId) {
    if (version > 0 && version <= storeMigrations.length) return false
    throw new PaddockError('store.foreign', 'The store file was written by a newer Paddock.', {
      details: { path, version, supported: storeMigrations.length },
    })
  }
  const tables: unknown = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
  if (applicationId === 0 && version === 0 && tables === 0) return true
  throw new PaddockError('store.foreign', 'The file is a database, but no store of a module.', {
    details: { path },
  })
}

function attempt<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error
    const code = codeOf(error.code)
    throw new PaddockError(code, `The store cannot be read (${error.code}).`, {
      cause: error,
      details: { path, sqlite: error.code },
      // Reading moves nothing aside; the module's next start does.
      ...(code === 'store.corrupt'
        ? { remedy: 'Restart the module: the damaged file is kept aside and an empty store takes its place.' }
        : {}),
    })
  }
}

function codeOf(sqlite: string): ErrorCode {
  if (sqlite.startsWith('SQLITE_CORRUPT') || sqlite === 'SQLITE_NOTADB') return 'store.corrupt'
  if (sqlite.startsWith('SQLITE_BUSY') || sqlite.startsWith('SQLITE_LOCKED')) return 'store.busy'
  if (sqlite.startsWith('SQLITE_CANTOPEN') || sqlite.startsWith('SQLITE_PERM')) return 'store.open_failed'
  // A store without its tables was tampered with.
  if (sqlite === 'SQLITE_ERROR') return 'store.corrupt'
  return 'store.io'
}
