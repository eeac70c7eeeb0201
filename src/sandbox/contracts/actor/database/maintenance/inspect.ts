/** What an operator may look at in an actor's database (spec actors-sql 18): tables, rows, and queries of their own. */
import type { z } from 'zod'
import {
  keyValueTable,
  type Cell,
  type InspectAnswer,
  type RowsAnswer,
  type TablesAnswer,
  type tablesAnswerSchema,
} from '../../../../../shared/contracts/actor-inspect.ts'
import { PaddockError } from '../../../../../shared/errors.ts'
import { refusalOfStatement, reservedPrefix, traitsOf } from '../../../../../shared/sql/statement-policy.ts'
import type { StatementMarks } from '../../../../programs/guest-program.ts'
import type { Connection } from '../connection.ts'
import { SqlFault } from '../faults.ts'
import type { NativeValue } from '../statements/parameters.ts'
import { onlyStatement } from '../statements/prepared.ts'

const cellCharacters = 4_096
const cellBlobBytes = 256
/** Rows of a table are counted where it takes no time worth speaking of. */
const countedPages = 25_000
/** Bytes an answer may take; what is behind is left out. */
const maxAnswerCharacters = 2 * 1024 * 1024

type Table = z.infer<typeof tablesAnswerSchema>['tables'][number]

/** Runs one query. Throws `SqlFault`, `sqlite.statement_refused` for what may write, and the engine's errors. */
export function runInspection(
  connection: Connection,
  sql: string,
  maxRows: number,
  marks: StatementMarks,
  budgetMs: number,
): InspectAnswer {
  const statement = onlyStatement(sql)
  if (typeof statement === 'number') throw new SqlFault({ tag: 'statement-count', val: statement })
  const refusal = refusalOfStatement(statement, 0, { transactionControl: false, setUserVersion: false })
  if (refusal !== undefined) throw new SqlFault({ tag: 'refused', val: refusal })
  const prepared = connection.prepare(statement.text)
  // It writes statistics and the engine calls it reading: as a statement, and as a table.
  const isOptimize = statement.tokens.some(
    ({ text }) =>
      text.toLowerCase() === 'pragma_optimize' ||
      (traitsOf(statement).isPragma && text.toLowerCase() === 'optimize'),
  )
  if (!prepared.readonly || !prepared.reader || isOptimize) {
    throw new PaddockError('sqlite.statement_refused', 'Only queries may be run here.', {
      details: { rule: 'read-only' },
      remedy: 'Use SELECT, EXPLAIN, or a pragma that reads.',
    })
  }
  const beganMs = performance.now()
  marks.begin('statement', budgetMs, true)
  try {
    const read = readRows(prepared.raw(true).iterate(), maxRows)
    return {
      columns: prepared.columns().map(({ name }) => name),
      rows: read.rows,
      truncated: read.more,
      ms: performance.now() - beganMs,
    }
  } finally {
    marks.end()
  }
}

/** One page of a table, in the order of the engine. Throws `sqlite.remote_execution_failed` for a table that is not there. */
export function inspectRows(
  connection: Connection,
  table: string,
  offset: number,
  limit: number,
): RowsAnswer {
  if (table === keyValueTable) return keyValueRows(connection, offset, limit)
  const known = connection
    .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND name = ?")
    .pluck()
    .get(table)
  if (typeof known !== 'string' || isReserved(known)) {
    throw new PaddockError('sqlite.remote_execution_failed', 'There is no such table.', {
      details: { table },
    })
  }
  const prepared = connection.prepare(`SELECT * FROM main."${known.replaceAll('"', '""')}" LIMIT ? OFFSET ?`)
  const read = readRows(prepared.raw(true).iterate(limit + 1, offset), limit)
  return { columns: prepared.columns().map(({ name }) => name), rows: read.rows, more: read.more }
}

/** The entries beside the tables, in the order of the bytes of their keys. */
function keyValueRows(connection: Connection, offset: number, limit: number): RowsAnswer {
  const sql = `SELECT CAST(key AS TEXT), value FROM ${keyValueTable} ORDER BY ${keyValueTable}.key LIMIT ? OFFSET ?`
  const read = readRows(
    connection
      .prepare(sql)
      .raw(true)
      .iterate(limit + 1, offset),
    limit,
  )
  return { columns: ['key', 'value'], rows: read.rows, more: read.more }
}

function readRows(iterator: IterableIterator<unknown>, maxRows: number): { rows: Cell[][]; more: boolean } {
  const rows: Cell[][] = []
  let characters = 0
  for (const row of iterator) {
    if (rows.length >= maxRows || characters > maxAnswerCharacters) return { rows, more: true }
    const cells = (row as NativeValue[]).map(cellOf)
    for (const cell of cells) characters += 'text' in cell ? cell.text.length : 16
    rows.push(cells)
  }
  return { rows, more: false }
}

function cellOf(value: NativeValue): Cell {
  if (value === null) return { type: 'null' }
  switch (typeof value) {
    case 'bigint':
      return { type: 'integer', text: String(value) }
    case 'number':
      return { type: 'real', value }
    case 'string':
      return { type: 'text', text: value.slice(0, cellCharacters), characters: value.length }
    default: {
      const head = Buffer.from(value.subarray(0, cellBlobBytes)).toString('hex')
      return { type: 'blob', head, bytes: value.byteLength }
    }
  }
}

function isReserved(name: string): boolean {
  return name.toLowerCase().startsWith(reservedPrefix) || name.toLowerCase().startsWith('sqlite_')
}

/** The guest's tables and views with their columns and indexes. */
export function inspectTables(connection: Connection): TablesAnswer {
  const listed = connection
    .prepare(
      "SELECT t.name, t.type, s.sql FROM pragma_table_list AS t LEFT JOIN sqlite_schema AS s ON s.name = t.name AND s.type IN ('table', 'view') WHERE t.schema = 'main' ORDER BY t.name",
    )
    .raw()
    .all() as [string, Table['kind'], string | null][]
  const countsRows = Number(connection.pragma('page_count', { simple: true })) <= countedPages
  const columns = connection
    .prepare('SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?) ORDER BY cid')
    .raw()
  const indexes = connection.prepare('SELECT name, "unique" FROM pragma_index_list(?) ORDER BY name').raw()
  const tables = listed
    .filter(([name]) => !isReserved(name))
    .map(([name, kind, sql]): Table => ({
      name,
      kind,
      sql,
      columns: (columns.all(name) as [string, string, bigint, bigint][]).map(
        ([column, type, notNull, key]) => ({
          name: column,
          type,
          notNull: notNull !== 0n,
          primaryKey: Number(key),
        }),
      ),
      indexes: (indexes.all(name) as [string, bigint][]).map(([index, unique]) => ({
        name: index,
        unique: unique !== 0n,
      })),
      rows: countsRows && kind === 'table' ? countRows(connection, name) : null,
    }))
  return { tables, keyValue: countsRows ? countRows(connection, keyValueTable) : null }
}

function countRows(connection: Connection, table: string): number {
  return Number(
    connection
      .prepare(`SELECT count(*) FROM main."${table.replaceAll('"', '""')}"`)
      .pluck()
      .get(),
  )
}
