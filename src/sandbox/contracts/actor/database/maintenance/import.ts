/** Judges a file from elsewhere and puts it in place of an actor's (spec actors-sql 8.4, 15.4). */
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { databasePageBytes } from '../../../../../shared/contracts/actor-limits.ts'
import { refusalOf } from '../../../../../shared/sql/statement-policy.ts'
import type { ImportAnswer, ImportRequest } from '../actor-database.ts'
import { placeFile, removeDatabase } from './backup.ts'
import { engineCode } from '../classify.ts'
import { openConnection, type Connection } from '../connection.ts'
import { digestOf, strip } from './export.ts'
import { SqlFault } from '../faults.ts'
import { corruptFault, databaseCompanions, liftQuarantine, ownTables } from '../open.ts'

/**
 * Throws `SqlFault`: quota-exceeded for a file that is too large, corrupt for one that is damaged or has another digest,
 * refused for a schema that no guest could have made. Then the actor's own file is as it was.
 */
export function importDatabase(
  request: ImportRequest,
  databasePath: string,
  quotaBytes: number,
): ImportAnswer {
  const maximumPages = Math.floor(quotaBytes / databasePageBytes)
  const source = statSync(request.sourcePath)
  if (!source.isFile()) throw corruptFault('What is to be imported is no file.')
  const { size } = source
  const tooLarge = (usedPages: number): SqlFault =>
    new SqlFault({ tag: 'quota-exceeded', val: { pageSize: databasePageBytes, maximumPages, usedPages } })
  if (size > quotaBytes) throw tooLarge(Math.ceil(size / databasePageBytes))
  // Judged is a copy of our own: the source may change under our hands.
  const stagingPath = `${databasePath}.import`
  mkdirSync(dirname(databasePath), { recursive: true, mode: 0o700 })
  removeDatabase(stagingPath)
  try {
    copyFileSync(request.sourcePath, stagingPath)
    // Whatever the mode of the source: an actor's data are the owner's alone.
    chmodSync(stagingPath, 0o600)
    if (digestOf(stagingPath) !== request.sha256)
      throw corruptFault('The file has another digest than was stated.')
    const facts = judge(stagingPath)
    strip(stagingPath)
    const pages = Math.ceil(statSync(stagingPath).size / databasePageBytes)
    if (pages > maximumPages) throw tooLarge(pages)
    if (request.apply) swap(stagingPath, databasePath)
    return { ...facts, bytes: size, applied: request.apply }
  } finally {
    removeDatabase(stagingPath)
  }
}

function judge(path: string): { schemaVersion: number; tables: number } {
  let connection: Connection | undefined
  try {
    connection = openConnection(path)
    connection.pragma('trusted_schema = OFF')
    connection.pragma('cell_size_check = ON')
    if (connection.pragma('integrity_check(1)', { simple: true }) !== 'ok')
      throw corruptFault('The file is damaged.')
    if (connection.pragma('page_size', { simple: true }) !== BigInt(databasePageBytes)) {
      throw corruptFault(`The file has pages of another size than ${databasePageBytes} bytes.`)
    }
    const schema = connection.prepare('SELECT type, name, sql FROM sqlite_schema').raw().all() as [
      string,
      string,
      string | null,
    ][]
    for (const [index, [type, name, sql]] of schema.entries()) {
      if (sql === null || (type === 'table' && sql === ownTables.get(name) && isAlone(connection, name)))
        continue
      const refusal = refusalOf(sql, { transactionControl: false, setUserVersion: false })
      if (refusal !== undefined)
        throw new SqlFault({ tag: 'refused', val: { ...refusal, statementIndex: index } })
    }
    return {
      schemaVersion: Number(connection.pragma('user_version', { simple: true })) >>> 0,
      tables: schema.filter(([type]) => type === 'table').length,
    }
  } catch (error) {
    const code = engineCode(error)
    throw code === undefined
      ? error
      : corruptFault('The file is no database that can be read.', code.extended)
  } finally {
    connection?.close()
  }
}

/** Nothing hangs on a table of the host: no trigger, no index of somebody else's. */
function isAlone(connection: Connection, name: string): boolean {
  const others = connection
    .prepare("SELECT count(*) FROM sqlite_schema WHERE tbl_name = ? AND type <> 'table' AND sql IS NOT NULL")
    .pluck()
    .get(name)
  return others === 0n
}

function swap(stagingPath: string, databasePath: string): void {
  const aside = `${databasePath}.replaced`
  removeDatabase(aside)
  for (const companion of databaseCompanions) {
    if (existsSync(databasePath + companion)) renameSync(databasePath + companion, aside + companion)
  }
  try {
    placeFile(stagingPath, databasePath)
  } catch (error) {
    for (const companion of databaseCompanions) {
      if (existsSync(aside + companion)) renameSync(aside + companion, databasePath + companion)
    }
    throw error
  }
  liftQuarantine(databasePath)
  removeDatabase(aside)
}
