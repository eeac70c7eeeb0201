/** Runs a guest's SQL on the open connection of one (actor, generation) (spec actors-sql 5 to 9). One thread, no waiting. */
import { splitStatements, type Statement } from '../../../../shared/sql/statements.ts'
import { refusalOfStatement, type PolicyRefusal } from '../../../../shared/sql/statement-policy.ts'
import { databasePageBytes } from '../../../../shared/contracts/actor-limits.ts'
import type { BatchStatement, Bindings, ExecuteResult, ScriptResult, TransactionMode } from '../interfaces.ts'
import { AnswerMeter } from './statements/answer.ts'
import { engineFault, type QuotaFacts } from './classify.ts'
import type { Connection } from './connection.ts'
import type { ExecutorOptions } from './executor-options.ts'
import { SqlFault } from './faults.ts'
import { limitFault, ParameterMeter } from './statements/parameters.ts'
import { onlyStatement, PreparedStatements, type Prepared } from './statements/prepared.ts'
import { StatementRunner, type Scope } from './statements/runner.ts'
import { TransactionState } from './transaction.ts'

const nothing: Bindings = { tag: 'positional', val: [] }

export class Executor {
  readonly connection: Connection
  readonly transaction: TransactionState
  private readonly options: ExecutorOptions
  private readonly statements: PreparedStatements
  private readonly runner: StatementRunner
  /** One call runs at a time, so that one of each serves them all. */
  private readonly parameters: ParameterMeter
  private readonly answer: AnswerMeter
  private setUserVersion = false

  constructor(connection: Connection, options: ExecutorOptions) {
    this.connection = connection
    this.options = options
    this.parameters = new ParameterMeter(options.limits)
    this.answer = new AnswerMeter(options.limits)
    this.statements = new PreparedStatements(connection)
    this.transaction = new TransactionState(connection, options.budgets.transactionMs, options.nowMs)
    this.runner = new StatementRunner({
      connection,
      statements: this.statements,
      transaction: this.transaction,
      options,
      faultOf: (error, index) => this.faultOf(error, index),
    })
  }

  /** From now on `user_version` is the guest's own: it has no migrations. */
  allowUserVersion(): void {
    this.setUserVersion = true
  }

  /** Runs exactly one statement. Throws `SqlFault`. */
  execute(sql: string, params: Bindings, forceWrite: boolean): ExecuteResult {
    let prepared = this.statements.cached(sql)
    if (prepared === undefined) {
      this.checkText(sql)
      const statement = onlyStatement(sql)
      if (typeof statement === 'number') {
        if (statement > 1) throw new SqlFault({ tag: 'statement-count', val: statement })
        return {
          columns: [],
          rows: [],
          changes: 0,
          lastInsertId: undefined,
          route: forceWrite ? 'write' : 'read',
        }
      }
      this.judge([statement], true)
      this.parameters.begin().check(params)
      this.transaction.before(undefined)
      prepared = this.prepare(statement, 0, sql)
    } else {
      this.parameters.begin().check(params)
    }
    const result = this.runner.run(prepared, params, 0, this.answer.begin())
    return forceWrite && result.route === 'read' ? { ...result, route: 'write' } : result
  }

  /** Runs a script; what ran before a failing statement stays applied. Throws `SqlFault`. */
  exec(sql: string): ScriptResult {
    this.checkText(sql)
    const statements = splitStatements(sql)
    this.judge(statements, true)
    const endMs = this.options.nowMs() + this.options.budgets.scriptMs
    return this.runAll(statements, { kind: 'statement', endMs, budgetMs: this.options.budgets.scriptMs })
  }

  /** Runs a script of a migration: without transaction control, within the time of all migrations. Throws `SqlFault`. */
  migrate(sql: string, endMs: number): ScriptResult {
    this.checkText(sql)
    const statements = splitStatements(sql)
    this.judge(statements, false)
    this.transaction.hasNoDeadline = true
    try {
      return this.runAll(statements, { kind: 'migration', endMs, budgetMs: this.options.budgets.migrationMs })
    } finally {
      this.transaction.hasNoDeadline = false
    }
  }

  private runAll(statements: readonly Statement[], scope: Scope): ScriptResult {
    const meter = this.answer.begin()
    let changes = 0
    let last: ScriptResult['last']
    try {
      for (const [index, statement] of statements.entries()) {
        if (this.options.nowMs() >= scope.endMs) throw new SqlFault({ tag: 'timed-out', val: scope.budgetMs })
        const prepared = this.prepare(statement, index)
        // Only the rows of the last one that has columns are answered, so only they count.
        meter.begin()
        const result = this.runner.run(prepared, nothing, index, meter, scope)
        changes += result.changes
        if (prepared.returnsRows) last = { columns: result.columns, rows: result.rows }
      }
    } finally {
      this.options.afterScript()
    }
    return { statements: statements.length, changes: Math.min(changes, 0xffff_ffff), last }
  }

  /** Runs all or none. Throws `SqlFault`. */
  batch(items: readonly BatchStatement[]): ExecuteResult[] {
    const { limits } = this.options
    if (items.length > limits.batchStatements) {
      throw limitFault('batch-statements', limits.batchStatements, items.length)
    }
    const meter = this.parameters.begin()
    const cut = items.map(({ sql, params }, index) => {
      const cached = this.statements.cached(sql)
      meter.check(params)
      if (cached !== undefined && !cached.traits.isTransactionControl) return undefined
      this.checkText(sql)
      const statement = onlyStatement(sql)
      if (typeof statement === 'number') throw new SqlFault({ tag: 'statement-count', val: statement })
      this.judge([statement], false, index)
      return statement
    })
    if (items.length === 0) return []
    this.transaction.before(undefined)
    const answer = this.answer.begin()
    return this.atomically('_paddock_batch', () =>
      items.map(({ sql, params }, index) => {
        const statement = cut[index]
        const prepared =
          this.statements.cached(sql) ?? this.prepare(statement ?? this.single(sql), index, sql)
        return this.runner.run(prepared, params, index, answer)
      }),
    )
  }

  begin(mode: TransactionMode): void {
    this.host(mode === 'immediate' ? 'BEGIN IMMEDIATE' : 'BEGIN DEFERRED', 'begin')
  }

  commit(): void {
    this.host('COMMIT', 'commit')
  }

  rollback(): void {
    if (this.transaction.takeEngineRollback()) return
    this.host('ROLLBACK', 'rollback')
  }

  /** `action` as one step: a transaction of its own, or a savepoint of the open one. Throws what `action` throws. */
  atomically<T>(savepoint: string, action: () => T): T {
    const isNested = this.transaction.isOpen
    this.control(isNested ? `SAVEPOINT ${savepoint}` : 'BEGIN IMMEDIATE')
    let value: T
    try {
      value = action()
    } catch (error) {
      this.undo(isNested ? savepoint : undefined)
      if (!isNested) this.transaction.forgetProblem()
      throw error
    }
    try {
      this.control(isNested ? `RELEASE ${savepoint}` : 'COMMIT', !isNested)
    } catch (error) {
      this.undo(isNested ? savepoint : undefined)
      if (!isNested) this.transaction.forgetProblem()
      throw error
    }
    return value
  }

  /** A statement of the host's own that needs no budget. Throws `SqlFault`. */
  hosted<T>(action: (connection: Connection) => T): T {
    try {
      return action(this.connection)
    } catch (error) {
      throw this.faultOf(error, 0)
    }
  }

  quota(): QuotaFacts {
    const read = (name: string): number => Number(this.connection.pragma(name, { simple: true }))
    return {
      pageSize: databasePageBytes,
      maximumPages: read('max_page_count'),
      usedPages: read('page_count'),
    }
  }

  clearPrepared(): void {
    this.statements.clear()
  }

  private single(sql: string): Statement {
    const statement = onlyStatement(sql)
    if (typeof statement === 'number') throw new SqlFault({ tag: 'statement-count', val: statement })
    return statement
  }

  /** Takes an action back. Where the engine has done so already, nothing is left to do. */
  private undo(savepoint: string | undefined): void {
    if (!this.connection.inTransaction) {
      this.transaction.after(savepoint === undefined)
      return
    }
    try {
      if (savepoint === undefined) {
        this.connection.prepare('ROLLBACK').run()
      } else {
        this.connection.prepare(`ROLLBACK TO ${savepoint}`).run()
        this.connection.prepare(`RELEASE ${savepoint}`).run()
      }
    } catch (error) {
      this.options.onBroken(error)
      throw error
    } finally {
      this.statements.clear()
      this.transaction.after(savepoint === undefined)
    }
  }

  private host(sql: string, control: 'begin' | 'commit' | 'rollback'): void {
    this.transaction.before(control)
    try {
      this.control(sql, control !== 'begin')
    } catch (error) {
      if (control === 'commit' && this.connection.inTransaction) this.undo(undefined)
      throw error
    }
    if (control === 'rollback') this.statements.clear()
  }

  private control(sql: string, mayEnd = false): void {
    this.runner.watched(mayEnd && sql === 'COMMIT' ? 'commit' : 'control', () => {
      try {
        this.connection.prepare(sql).run()
      } catch (error) {
        throw this.faultOf(error, 0)
      } finally {
        this.transaction.after(mayEnd)
      }
    })
  }

  private prepare(statement: Statement, index: number, key?: string): Prepared {
    try {
      return this.statements.prepare(statement, key)
    } catch (error) {
      // The addon's own error for a text that is not one statement: our cut and the engine's differ.
      if (error instanceof RangeError) throw new SqlFault({ tag: 'statement-count', val: 2 })
      throw this.faultOf(error, index)
    }
  }

  private checkText(sql: string): void {
    const { sqlBytes } = this.options.limits
    if (sql.length * 3 <= sqlBytes) return
    const bytes = Buffer.byteLength(sql, 'utf8')
    if (bytes > sqlBytes) throw limitFault('sql-bytes', sqlBytes, bytes)
  }

  private judge(statements: readonly Statement[], transactionControl: boolean, first = 0): void {
    const { setUserVersion } = this
    for (const [offset, statement] of statements.entries()) {
      const refusal = refusalOfStatement(statement, first + offset, { transactionControl, setUserVersion })
      if (refusal !== undefined) throw this.refused(refusal, statement.text)
    }
  }

  private refused(refusal: PolicyRefusal, sql: string): SqlFault {
    this.options.onRefusal(refusal.rule, sql)
    return new SqlFault({ tag: 'refused', val: refusal })
  }

  /** Anything the engine threw as a failure of the call. Errors that are none of it pass: they are faults of ours. */
  private faultOf(thrown: unknown, index: number): unknown {
    if (thrown instanceof SqlFault) return thrown
    const fault = engineFault(thrown, index, () => this.quota())
    if (fault === undefined) return thrown
    if (fault.tag === 'corrupt') this.options.onBroken(thrown)
    return new SqlFault(fault)
  }
}
