/** The one file of an actor's database that touches the SQL addon; everything else names its types through this. */
import { closeSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'
import { SqlFault } from './faults.ts'

export type Connection = Database.Database
export type PreparedStatement = Database.Statement

/** How the platform says that the addon is not there or not for this runtime. */
const absentCodes = new Set(['ERR_DLOPEN_FAILED', 'MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'])

/**
 * A connection that reads integers exactly and waits for no lock. Throws `SqlFault` (unavailable) where there is no
 * engine, else the addon's own errors.
 */
export function openConnection(path: string): Connection {
  let connection: Connection
  try {
    connection = new Database(path, { timeout: 0 })
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code !== 'string' || !absentCodes.has(code)) throw error
    throw new SqlFault({ tag: 'unavailable', val: 'The SQL engine of this build cannot be loaded.' })
  }
  connection.defaultSafeIntegers(true)
  return connection
}

let version: string | undefined

/** Version of the engine; needs no file. */
export function engineVersion(): string {
  if (version === undefined) {
    const connection = openConnection(':memory:')
    version = String(connection.prepare('SELECT sqlite_version()').pluck().get())
    connection.close()
  }
  return version
}

/** An online copy under way. */
export interface OnlineCopy {
  /** Copies up to `pages` more. */
  transfer(pages: number): { readonly totalPages: number; readonly remainingPages: number }
  close(): void
}

interface NativeConnection {
  backup(connection: Connection, schema: string, path: string, isNew: boolean): OnlineCopy
}

/**
 * Begins a copy to `path`, a file that is not there. The addon's own `backup` waits for an event loop between steps,
 * which a guest thread has not; so the steps are taken from what lies under it.
 */
export function beginCopy(connection: Connection, path: string): OnlineCopy {
  // Made here, since the engine would let everybody read it.
  closeSync(openSync(path, 'wx', 0o600))
  for (const symbol of Object.getOwnPropertySymbols(connection)) {
    const value: unknown = Reflect.get(connection, symbol)
    if (isNative(value)) return value.backup(connection, 'main', path, true)
  }
  // Without them everything is copied in one statement.
  return {
    transfer() {
      connection.prepare('VACUUM INTO ?').run(path)
      return { totalPages: 1, remainingPages: 0 }
    },
    close: () => undefined,
  }
}

function isNative(value: unknown): value is NativeConnection {
  return (
    typeof value === 'object' && value !== null && 'backup' in value && typeof value.backup === 'function'
  )
}
