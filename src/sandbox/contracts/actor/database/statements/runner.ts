/** One prepared statement at a time: binds, steps, counts, and keeps the transaction's books. */
import type { Bindings, ExecuteResult, SqlValue } from '../../interfaces.ts'
import type { AnswerMeter } from './answer.ts'
import { integerValue } from './answer.ts'
import type { Connection, PreparedStatement } from '../connection.ts'
import type { ExecutorOptions } from '../executor-options.ts'
import { codeOf, SqlFault } from '../faults.ts'
import { bindFault, byName, layOut, nativeValue, type NativeValue } from './parameters.ts'
import type { Prepared, PreparedStatements } from './prepared.ts'
import type { TransactionState } from '../transaction.ts'

const noRows: readonly (readonly SqlValue[])[] = []
const largestU32 = 0xffff_ffff
/** No guest's row has this id but one that asks for it: it tells whether an upsert inserted. */
const unusedRowId = -(2n ** 63n)
const savepointName = '_paddock_statement'

/** What one binding of a statement consists of. */
type Arguments = readonly [values: readonly NativeValue[], named?: Record<string, NativeValue>]

export interface RunnerParts {
  readonly connection: Connection
  readonly statements: PreparedStatements
  readonly transaction: TransactionState
  readonly options: ExecutorOptions
  readonly faultOf: (thrown: unknown, index: number) => unknown
}

/** What a statement is part of: it has until `endMs`. */
export interface Scope {
  readonly kind: 'statement' | 'migration'
  readonly endMs: number
  /** Of the whole. */
  readonly budgetMs: number
}

interface Outcome {
  readonly rows: readonly (readonly SqlValue[])[]
  readonly changes: number
  readonly lastInsertId: bigint | undefined
}

export class StatementRunner {
  private readonly parts: RunnerParts
  private readonly counters: PreparedStatement
  private readonly setRowId: PreparedStatement

  constructor(parts: RunnerParts) {
    this.parts = parts
    const { connection } = parts
    this.counters = connection.prepare('SELECT total_changes(), changes(), last_insert_rowid()').raw()
    connection.exec('CREATE TEMP TABLE IF NOT EXISTS _paddock_row_id(id INTEGER PRIMARY KEY)')
    this.setRowId = connection.prepare('INSERT OR REPLACE INTO temp._paddock_row_id(id) VALUES (?)')
  }

  /** Runs it. Throws `SqlFault`; then nothing of this statement is applied. */
  run(prepared: Prepared, params: Bindings, index: number, meter: AnswerMeter, scope?: Scope): ExecuteResult {
    const { transaction, options, statements } = this.parts
    const { traits } = prepared
    transaction.before(traits.control)
    if (prepared.singleRow === true && params.tag === 'positional' && scope === undefined) {
      return this.single(prepared, params, index, meter)
    }
    meter.checkColumns(prepared.columns.length, prepared.columnBytes)
    const bound = this.bound(prepared, params, index)
    const isRead = prepared.route === 'read'
    const beganMs = options.nowMs()
    const leftMs = scope === undefined ? Infinity : scope.endMs - beganMs
    // A migration may spend the time of all on one statement.
    const budgetMs = scope?.kind === 'migration' ? leftMs : Math.min(options.budgets.statementMs, leftMs)
    options.marks.begin(
      scope?.kind ?? 'statement',
      budgetMs,
      isRead || (transaction.isOpen && traits.control === undefined),
    )
    let outcome: Outcome | undefined
    let failure: unknown
    try {
      outcome = prepared.needsSavepoint
        ? this.inSavepoint(() => this.step(prepared, bound, index, meter))
        : this.step(prepared, bound, index, meter)
    } catch (error) {
      failure = this.parts.faultOf(error, index)
      if (traits.control === 'commit' && this.parts.connection.inTransaction) this.abandon()
      throw failure
    } finally {
      options.marks.end()
      if (!isRead) transaction.after(endsTransaction(prepared))
      if (traits.changesSchema || traits.control === 'rollback' || traits.control === 'rollback-to')
        statements.clear()
      const touched = outcome === undefined ? 0 : isRead ? outcome.rows.length : outcome.changes
      options.onStatement(prepared.text, options.nowMs() - beganMs, !isRead, touched, failureCode(failure))
    }
    const { rows, changes, lastInsertId } = outcome
    if (rows.length > 0) options.onAnswer(rows.length, meter.bytes)
    return {
      columns: prepared.columns,
      rows,
      changes,
      lastInsertId: lastInsertId === undefined ? undefined : integerValue(lastInsertId),
      route: prepared.route,
    }
  }

  /** The shortest way, for a query that answers at most one row. */
  private single(prepared: Prepared, params: Bindings, index: number, meter: AnswerMeter): ExecuteResult {
    const { options } = this.parts
    const bound = this.bound(prepared, params, index)
    const beganMs = options.nowMs()
    options.marks.begin('statement', options.budgets.statementMs, true)
    let row: NativeValue[] | undefined
    let failure: unknown
    try {
      // A list would be taken apart element by element, which costs more.
      const [values, names] = bound
      row = (names === undefined ? prepared.statement.get(...values) : prepared.statement.get(...bound)) as
        NativeValue[] | undefined
    } catch (error) {
      failure = isBindError(error)
        ? this.miscounted(prepared, bound, index)
        : this.parts.faultOf(error, index)
      throw failure
    } finally {
      options.marks.end()
      const touched = row === undefined ? 0 : 1
      options.onStatement(prepared.text, options.nowMs() - beganMs, false, touched, failureCode(failure))
    }
    const rows = row === undefined ? noRows : [meter.row(row)]
    if (row !== undefined) options.onAnswer(1, meter.bytes)
    return { columns: prepared.columns, rows, changes: 0, lastInsertId: undefined, route: 'read' }
  }

  /** Runs what the host adds around a guest's statements, so that the watchdog sees it. */
  watched(kind: 'commit' | 'control', action: () => void): void {
    const { options, transaction } = this.parts
    options.marks.begin('statement', options.budgets.statementMs, kind === 'control' && transaction.isOpen)
    try {
      action()
    } finally {
      options.marks.end()
    }
  }

  /** After a failed commit (spec actors-sql 9.5). */
  private abandon(): void {
    try {
      this.parts.transaction.rollback()
    } catch (error) {
      this.parts.options.onBroken(error)
    }
  }

  private bound(prepared: Prepared, params: Bindings, index: number): Arguments {
    const { statements, options } = this.parts
    const most = options.limits.parameterCount
    if (params.tag === 'named') {
      return [[], byName(statements.layoutOf(prepared, most), params.val, index)]
    }
    const values = new Array<NativeValue>(params.val.length)
    for (let at = 0; at < values.length; at += 1) {
      const value = params.val[at]
      values[at] = value === undefined ? null : nativeValue(value, String(at + 1), index)
    }
    // Once it was asked for, the layout says whether there are names to be served.
    if (prepared.layout === undefined || prepared.layout.names.length === 0) return [values]
    const [named, anonymous] = layOut(prepared.layout, values, index)
    return [anonymous, named]
  }

  private step(prepared: Prepared, bound: Arguments, index: number, meter: AnswerMeter): Outcome {
    try {
      return this.attempt(prepared, bound, meter)
    } catch (error) {
      if (!isBindError(error)) throw error
      if (prepared.layout !== undefined) throw this.miscounted(prepared, bound, index)
      // The first time: asks the engine which parameters there are.
      const layout = this.parts.statements.layoutOf(prepared, this.parts.options.limits.parameterCount)
      if (layout.names.length === 0) throw this.miscounted(prepared, bound, index)
      const [named, anonymous] = layOut(layout, bound[0], index)
      return this.attempt(prepared, [anonymous, named], meter)
    }
  }

  private miscounted(prepared: Prepared, [values]: Arguments, index: number): SqlFault {
    const { anonymous } = this.parts.statements.layoutOf(prepared, this.parts.options.limits.parameterCount)
    const isShort = values.length < anonymous
    return bindFault(
      String(isShort ? values.length + 1 : anonymous + 1),
      isShort ? 'too-few' : 'too-many',
      index,
    )
  }

  private attempt(prepared: Prepared, bound: Arguments, meter: AnswerMeter): Outcome {
    const { statement } = prepared
    if (!prepared.returnsRows) {
      if (prepared.inserts === 'upsert')
        return this.counted(prepared, () => this.runPlain(prepared, bound).rows)
      return this.runPlain(prepared, bound)
    }
    if (prepared.needsSavepoint) return this.counted(prepared, () => this.rows(statement, bound, meter))
    if (bound.length === 1 && this.parts.statements.isSingleRow(prepared, bound[0])) {
      const row = statement.get(bound[0]) as NativeValue[] | undefined
      return { rows: row === undefined ? noRows : [meter.row(row)], changes: 0, lastInsertId: undefined }
    }
    return { rows: this.rows(statement, bound, meter), changes: 0, lastInsertId: undefined }
  }

  private runPlain(prepared: Prepared, bound: Arguments): Outcome {
    const info = prepared.statement.run(...bound)
    const changes = prepared.traits.changesRows ? Math.min(info.changes, largestU32) : 0
    const inserted = changes > 0 && prepared.inserts === 'row-id'
    return {
      rows: noRows,
      changes,
      // The addon types it for inexact integers as well.
      lastInsertId: inserted ? BigInt(info.lastInsertRowid) : undefined,
    }
  }

  private rows(statement: PreparedStatement, bound: Arguments, meter: AnswerMeter): SqlValue[][] {
    const rows: SqlValue[][] = []
    for (const row of statement.iterate(...bound)) {
      meter.checkRows(rows.length + 1)
      rows.push(meter.row(row as NativeValue[]))
    }
    return rows
  }

  /** For statements of which the addon does not count itself, and upserts, whose row id may be an older one. */
  private counted(prepared: Prepared, action: () => readonly (readonly SqlValue[])[]): Outcome {
    const isUpsert = prepared.inserts === 'upsert'
    const [, , idBefore] = this.counters.get() as [bigint, bigint, bigint]
    if (isUpsert) this.setRowId.run(unusedRowId)
    const [totalBefore] = this.counters.get() as [bigint, bigint, bigint]
    const rows = action()
    const [total, changed, id] = this.counters.get() as [bigint, bigint, bigint]
    const changes = total === totalBefore ? 0 : Math.min(Number(changed), largestU32)
    const inserted = changes > 0 && prepared.inserts !== 'no' && !(isUpsert && id === unusedRowId)
    // The guest may ask for the last row id in SQL: it shall find what was there.
    if (isUpsert && id === unusedRowId) this.setRowId.run(idBefore)
    return { rows, changes, lastInsertId: inserted ? id : undefined }
  }

  /** Refusing the answer of a statement that writes must undo what it wrote. */
  private inSavepoint(action: () => Outcome): Outcome {
    const { connection, options } = this.parts
    connection.prepare(`SAVEPOINT ${savepointName}`).run()
    try {
      const outcome = action()
      connection.prepare(`RELEASE ${savepointName}`).run()
      return outcome
    } catch (error) {
      try {
        if (connection.inTransaction) {
          connection.prepare(`ROLLBACK TO ${savepointName}`).run()
          connection.prepare(`RELEASE ${savepointName}`).run()
        }
      } catch (again) {
        options.onBroken(again)
      }
      throw error
    }
  }
}

function isBindError(error: unknown): boolean {
  return (
    !(error instanceof SqlFault) &&
    (error instanceof RangeError || error instanceof TypeError) &&
    !('code' in error)
  )
}

function endsTransaction({ traits }: Prepared): boolean {
  return traits.control === 'commit' || traits.control === 'rollback' || traits.control === 'release'
}

/** The code of what a statement failed with, or null when it did not. */
function failureCode(failure: unknown): string | null {
  if (failure === undefined) return null
  return failure instanceof SqlFault ? codeOf(failure.error) : 'internal.bug'
}
