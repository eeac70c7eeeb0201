/** Opens an actor's file: settings, the fence inside the file, its integrity (spec actors-sql 3.5, 4.2, 15). */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { ActorFacts } from '../../../../shared/contracts/actor.ts'
import { databasePageBytes } from '../../../../shared/contracts/actor-limits.ts'
import { engineCode, engineFault } from './classify.ts'
import { openConnection, type Connection } from './connection.ts'
import { SqlFault } from './faults.ts'

/** Of the host's table in the file. */
const formatVersion = 1
/** Beside the database, while a damaged file was kept aside and nobody decided yet. */
const markerSuffix = '.quarantined'
/** The host's own tables, word for word as the engine keeps them: so they may come with a file. */
export const ownTables: ReadonlyMap<string, string> = new Map([
  [
    '_paddock_meta',
    'CREATE TABLE _paddock_meta(name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID',
  ],
  [
    '_paddock_key_value',
    'CREATE TABLE _paddock_key_value(key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID',
  ],
])
export const databaseCompanions = ['', '-wal', '-shm', '-journal'] as const
/** After a clean close a larger file is taken at its word, in bytes. */
const alwaysChecked = 64 * 1024 * 1024
const notADatabase = 26
const corrupt = 11

export interface OpenFacts extends Pick<
  ActorFacts,
  'namespace' | 'actorId' | 'generation' | 'quotaBytes' | 'synchronous'
> {
  readonly path: string
  readonly nowMs: () => number
}

export function corruptFault(message: string, extendedCode = corrupt): SqlFault {
  return new SqlFault({
    tag: 'corrupt',
    val: { primaryCode: extendedCode & 0xff, extendedCode, message, statementIndex: 0 },
  })
}

/**
 * The open connection, held exclusively. Throws `SqlFault`: busy where another holds the file, stale-generation where a
 * later one had it, corrupt for a foreign or damaged file. A damaged one is kept aside first.
 */
export function openDatabaseFile(facts: OpenFacts): Connection {
  const { path } = facts
  if (existsSync(path + markerSuffix)) throw corruptFault('The file was damaged and kept aside.')
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  createPrivate(path)
  try {
    return openIntact(facts)
  } catch (error) {
    if (isDamage(error)) keepAside(path, facts.nowMs())
    if (error instanceof SqlFault) throw error
    const fault = engineFault(error, 0, () => ({
      pageSize: databasePageBytes,
      maximumPages: pagesOf(facts.quotaBytes),
      usedPages: 0,
    }))
    throw fault === undefined ? error : new SqlFault(fault)
  }
}

/** The name under which a damaged file is kept beside `path`, or null. */
export function keptAsideName(path: string): string | null {
  if (!existsSync(path + markerSuffix)) return null
  const prefix = `${basename(path)}.damaged-`
  return (
    readdirSync(dirname(path))
      .filter((name) => name.startsWith(prefix))
      .sort()
      .at(-1) ?? null
  )
}

/** Lets the actor have a file again, after an import or by the operator's word. */
export function liftQuarantine(path: string): void {
  rmSync(path + markerSuffix, { force: true })
}

class DamagedFile extends SqlFault {}

function isDamage(error: unknown): boolean {
  if (error instanceof DamagedFile) return true
  const primary = engineCode(error)?.primary
  return primary === corrupt || primary === notADatabase
}

function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch {
    // It is there already, or cannot be: the engine says which.
  }
}

function pagesOf(quotaBytes: number): number {
  return Math.floor(quotaBytes / databasePageBytes)
}

function openIntact(facts: OpenFacts): Connection {
  const connection = openConnection(facts.path)
  try {
    connection.pragma(`page_size = ${databasePageBytes}`)
    // Before the first access: then no shared memory file is needed and a second opener meets a lock.
    connection.pragma('locking_mode = EXCLUSIVE')
    connection.pragma('journal_mode = WAL')
    connection.pragma(`synchronous = ${facts.synchronous === 'full' ? 'FULL' : 'NORMAL'}`)
    connection.pragma('temp_store = MEMORY')
    connection.pragma('foreign_keys = ON')
    connection.pragma('trusted_schema = OFF')
    connection.pragma(`max_page_count = ${pagesOf(facts.quotaBytes)}`)
    const wasClean = claim(connection, facts)
    if (!wasClean || statSync(facts.path).size <= alwaysChecked) checkIntegrity(connection)
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

/** Notes the identity and the generation in the file, in one immediate transaction. Answers whether it was closed in order. */
function claim(connection: Connection, facts: OpenFacts): boolean {
  return connection
    .transaction(() => {
      for (const sql of ownTables.values()) connection.exec(sql.replace('TABLE', 'TABLE IF NOT EXISTS'))
      const stored = new Map(
        connection.prepare('SELECT name, value FROM _paddock_meta').raw().all() as [string, string][],
      )
      const generation = Number(stored.get('generation') ?? '0')
      const isOther =
        (stored.has('namespace') && stored.get('namespace') !== facts.namespace) ||
        (stored.has('actor-id') && stored.get('actor-id') !== facts.actorId)
      if (isOther) throw corruptFault('The file belongs to another actor.')
      if (Number(stored.get('format') ?? formatVersion) > formatVersion) {
        throw corruptFault('The file was written by a newer Paddock.')
      }
      if (generation > facts.generation) {
        throw new SqlFault({
          tag: 'stale-generation',
          val: { presented: facts.generation, current: generation },
        })
      }
      const set = connection.prepare('INSERT OR REPLACE INTO _paddock_meta(name, value) VALUES (?, ?)')
      set.run('namespace', facts.namespace)
      set.run('actor-id', facts.actorId)
      set.run('format', String(formatVersion))
      set.run('generation', String(facts.generation))
      set.run('clean', '0')
      return stored.get('clean') !== '0'
    })
    .immediate()
}

/** Throws `SqlFault` (corrupt) for the first fault the engine finds. */
export function checkIntegrity(connection: Connection): void {
  const verdict: unknown = connection.pragma('quick_check(1)', { simple: true })
  if (verdict !== 'ok') {
    const fault = corruptFault('The integrity check found a fault.')
    throw new DamagedFile(fault.error)
  }
}

function keepAside(path: string, nowMs: number): void {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')
  const name = `${basename(path)}.damaged-${stamp}`
  // The marker first: a file that is gone must not look like an actor that never had one.
  writeFileSync(path + markerSuffix, `${name}\n`, { mode: 0o600 })
  for (const companion of databaseCompanions) {
    if (existsSync(path + companion)) renameSync(path + companion, join(dirname(path), name + companion))
  }
}

/** Rolls back, notes that all is in order, empties the log, closes. Throws the engine's errors after closing. */
export function closeInOrder(connection: Connection): void {
  try {
    if (connection.inTransaction) connection.prepare('ROLLBACK').run()
    connection.prepare("UPDATE _paddock_meta SET value = '1' WHERE name = 'clean'").run()
    connection.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    connection.close()
  }
}
