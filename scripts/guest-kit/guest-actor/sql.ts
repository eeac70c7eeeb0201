// The actor's own database.
import * as database from 'paddock:sql/database@0.1.0'
import type { ExecuteResult, SqlFailure } from 'paddock:sql/types@0.1.0'
import { wellFormed } from '../guest/text.ts'
import { fromValue, toBindings, type SqlValue } from './values.ts'

export type Row = Record<string, SqlValue>
export type Params = readonly unknown[] | Readonly<Record<string, unknown>>

export interface RunResult {
  /** Rows changed by this statement. */
  changes: number
  /** Row id of the row inserted last, or null when none was. */
  id: number | bigint | null
}

/** A failed call: `case` is the case of sql-error, `details` what it carries. Programs use these, not the message. */
export class SqlError extends Error {
  readonly case: string
  readonly details: unknown

  constructor(failure: SqlFailure) {
    super(failure.val === undefined ? failure.tag : `${failure.tag}: ${JSON.stringify(failure.val)}`)
    this.name = 'SqlError'
    this.case = failure.tag
    this.details = failure.val
  }
}

/** What the database throws, with its case; everything else as it is. */
export function guardedCall<T>(call: () => T): T {
  try {
    return call()
  } catch (thrown) {
    if (typeof thrown === 'object' && thrown !== null && 'payload' in thrown) {
      const { payload } = thrown
      if (typeof payload === 'object' && payload !== null && 'tag' in payload)
        throw new SqlError(payload as SqlFailure)
    }
    throw thrown
  }
}

function execute(text: string, params: Params): ExecuteResult {
  const bindings = toBindings(params)
  return guardedCall(() => database.execute(wellFormed(text), bindings))
}

function objects({ columns, rows }: Pick<ExecuteResult, 'columns' | 'rows'>): Row[] {
  return rows.map((cells) => {
    const row: Row = {}
    for (const [index, cell] of cells.entries()) row[columns[index] ?? ''] = fromValue(cell)
    return row
  })
}

function runResult({ changes, lastInsertId }: ExecuteResult): RunResult {
  const id = lastInsertId === null ? null : fromValue(lastInsertId)
  return { changes, id: typeof id === 'number' || typeof id === 'bigint' ? id : null }
}

let depth = 0

function transaction<T>(action: () => T): T {
  const isNested = guardedCall(() => database.inTransaction())
  const savepoint = `nested_${depth}`
  guardedCall(() => (isNested ? void database.exec(`SAVEPOINT ${savepoint}`) : database.begin('immediate')))
  depth += 1
  try {
    const value = action()
    if (value instanceof Promise) throw new Error('A transaction must not be async.')
    guardedCall(() => (isNested ? void database.exec(`RELEASE ${savepoint}`) : database.commit()))
    return value
  } catch (error) {
    undo(isNested ? savepoint : undefined)
    throw error
  } finally {
    depth -= 1
  }
}

/** The engine may have rolled back by itself: then there is nothing left to do. */
function undo(savepoint: string | undefined): void {
  try {
    if (savepoint === undefined) database.rollback()
    else database.exec(`ROLLBACK TO ${savepoint}; RELEASE ${savepoint}`)
  } catch {
    // What made the transaction fail is what the caller must hear of.
  }
}

export const sql = {
  /** All rows, as objects by column name; of columns with the same name the last counts. */
  all: (text: string, params: Params = []): Row[] => objects(execute(text, params)),
  /** The first row, or undefined. */
  get: (text: string, params: Params = []): Row | undefined => objects(execute(text, params))[0],
  /** All rows, as lists. */
  values: (text: string, params: Params = []): SqlValue[][] =>
    execute(text, params).rows.map((row) => row.map(fromValue)),
  /** Runs one statement that writes. */
  run: (text: string, params: Params = []): RunResult => runResult(execute(text, params)),
  /** Runs a script without parameters; what ran before a failing statement stays. */
  exec: (text: string): void => void guardedCall(() => database.exec(wellFormed(text))),
  /** Runs all statements or none, in one crossing. */
  batch(statements: readonly (readonly [text: string, params?: Params])[]): RunResult[] {
    const list = statements.map(([text, params]) => ({
      sql: wellFormed(text),
      params: toBindings(params ?? []),
    }))
    return guardedCall(() => database.batch(list)).map(runResult)
  },
  /** Runs `action` in a transaction: its end commits, an exception rolls back. May be nested. */
  transaction,
  info: (): database.DatabaseInfo => guardedCall(() => database.info()),
}
