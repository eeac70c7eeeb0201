/** The database of one (actor, generation) on this thread: opened by the first use, closed by the host (spec actors-sql 4). */
import { existsSync } from 'node:fs'
import type { ActorFacts, ActorInfo } from '../../../../shared/contracts/actor.ts'
import { databasePageBytes } from '../../../../shared/contracts/actor-limits.ts'
import type { ExportManifest } from '../../../../shared/contracts/actor-files.ts'
import type { InspectAnswer, RowsAnswer, TablesAnswer } from '../../../../shared/contracts/actor-inspect.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { StatementMarks } from '../../../programs/guest-program.ts'
import type {
  BatchStatement,
  Bindings,
  DatabaseInfo,
  ExecuteResult,
  ScriptResult,
  TransactionMode,
} from '../interfaces.ts'
import type {
  ActorDatabase,
  BackupProgress,
  BackupRequest,
  ImportAnswer,
  ImportRequest,
  InvocationEnd,
} from './actor-database.ts'
import { Backups } from './maintenance/backup.ts'
import { engineVersion } from './connection.ts'
import { Executor } from './executor.ts'
import { Figures } from './figures.ts'
import { exportDatabase } from './maintenance/export.ts'
import { SqlFault, toPaddockError } from './faults.ts'
import { importDatabase } from './maintenance/import.ts'
import { inspectRows, inspectTables, runInspection } from './maintenance/inspect.ts'
import { KeyValue } from './key-value.ts'
import { applyMigrations, type MigrationOutcome } from './migrations.ts'
import { closeInOrder, corruptFault, keptAsideName, openDatabaseFile } from './open.ts'

const protocolVersion = 1

export interface LocalDatabaseOptions {
  readonly facts: ActorFacts
  readonly marks: StatementMarks
  /** Unix time in milliseconds. */
  readonly nowMs: () => number
  /** Monotonic, in milliseconds. */
  readonly monotonicMs: () => number
}

interface Opened {
  readonly executor: Executor
  readonly keyValue: KeyValue
  readonly backups: Backups
}

export class LocalDatabase implements ActorDatabase {
  private readonly options: LocalDatabaseOptions
  private opened: Opened | undefined
  private gateShut = false
  private broken: PaddockError | undefined
  private ownsUserVersion = false
  private readonly figures = new Figures()

  constructor(options: LocalDatabaseOptions) {
    this.options = options
  }

  exec(sql: string): ScriptResult {
    return this.use().executor.exec(sql)
  }

  execute(sql: string, params: Bindings, forceWrite: boolean): ExecuteResult {
    return this.use().executor.execute(sql, params, forceWrite)
  }

  batch(statements: readonly BatchStatement[]): ExecuteResult[] {
    return this.use().executor.batch(statements)
  }

  begin(mode: TransactionMode): void {
    this.use().executor.begin(mode)
  }

  commit(): void {
    this.use().executor.commit()
  }

  rollback(): void {
    this.use().executor.rollback()
  }

  inTransaction(): boolean {
    return this.opened?.executor.transaction.isOpen ?? false
  }

  info(): DatabaseInfo {
    const { facts } = this.options
    this.checkGate()
    const opened = this.openedIfThere()
    const pages = opened?.executor.hosted(() => opened.executor.quota())
    return {
      engineVersion: engineVersion(),
      protocolVersion,
      schemaVersion: opened === undefined ? 0 : this.schemaVersion(opened),
      pageSize: databasePageBytes,
      usedPages: pages?.usedPages ?? 0,
      maximumPages: pages?.maximumPages ?? Math.floor(facts.quotaBytes / databasePageBytes),
      limits: {
        ...facts.limits,
        statementTimeoutMs: facts.budgets.statementMs,
        transactionTimeoutMs: facts.budgets.transactionMs,
      },
    }
  }

  keyGet(key: string): Uint8Array | undefined {
    return this.onKeys(false, (keys) => keys.get(key))
  }

  keySet(key: string, value: Uint8Array): void {
    this.onKeys(true, (keys) => keys.set(key, value))
  }

  keyDelete(key: string): boolean {
    return this.onKeys(true, (keys) => keys.delete(key))
  }

  keyList(prefix: string, after: string | undefined, limit: number): string[] {
    return this.onKeys(false, (keys) => keys.keys(prefix, after, limit))
  }

  migrate(scripts: readonly string[]): MigrationOutcome {
    if (scripts.length === 0 && this.options.facts.databasePath === null)
      return { schemaVersion: 0, applied: 0 }
    this.checkGate()
    this.ownsUserVersion = scripts.length === 0
    const opened = scripts.length === 0 ? this.openedIfThere() : this.use()
    if (opened === undefined) return { schemaVersion: 0, applied: 0 }
    const endMs = this.options.monotonicMs() + this.options.facts.budgets.migrationMs
    const outcome = applyMigrations(opened.executor, scripts, endMs)
    if (this.ownsUserVersion) opened.executor.allowUserVersion()
    return outcome
  }

  endInvocation(): InvocationEnd {
    let leftOpen = false
    try {
      leftOpen = this.opened?.executor.transaction.endInvocation() ?? false
    } catch (error) {
      this.markBroken(error)
    }
    return { leftOpen, broken: this.broken?.toReport() ?? null, notices: this.figures.takeNotices() }
  }

  stats(): ActorInfo {
    const { facts } = this.options
    const pages = this.opened?.executor.quota()
    return {
      open: this.opened !== undefined,
      inTransaction: this.inTransaction(),
      schemaVersion: this.opened === undefined ? null : this.schemaVersion(this.opened),
      pageSize: databasePageBytes,
      usedPages: pages?.usedPages ?? null,
      maximumPages: pages?.maximumPages ?? Math.floor(facts.quotaBytes / databasePageBytes),
      ...this.figures.snapshot(),
      keptAside: facts.databasePath === null ? null : keptAsideName(facts.databasePath),
    }
  }

  inspect(sql: string, maxRows: number): InspectAnswer {
    const opened = this.forMaintenance()
    return opened.executor.hosted((connection) =>
      runInspection(connection, sql, maxRows, this.options.marks, this.options.facts.budgets.statementMs),
    )
  }

  tables(): TablesAnswer {
    this.checkGate()
    const opened = this.openedIfThere()
    return opened === undefined ? { tables: [], keyValue: 0 } : opened.executor.hosted(inspectTables)
  }

  rows(table: string, offset: number, limit: number): RowsAnswer {
    return this.forMaintenance().executor.hosted((connection) =>
      inspectRows(connection, table, offset, limit),
    )
  }

  backup(request: BackupRequest): BackupProgress {
    const opened = this.forMaintenance()
    return this.maintained(() => opened.executor.hosted(() => opened.backups.handle(request)))
  }

  export(targetPath: string): ExportManifest {
    const opened = this.forMaintenance()
    const { namespace, actorId, generation } = this.options.facts
    return this.maintained(() =>
      opened.executor.hosted((connection) =>
        exportDatabase(connection, targetPath, {
          namespace,
          actorId,
          generation,
          schemaVersion: this.schemaVersion(opened),
          engineVersion: engineVersion(),
        }),
      ),
    )
  }

  import(request: ImportRequest): ImportAnswer {
    this.checkGate()
    const { databasePath, quotaBytes } = this.options.facts
    if (databasePath === null) throw notConfigured()
    if (this.opened !== undefined) {
      throw new PaddockError('wasm.invalid_state', 'A file is imported into an actor that is stopped.', {
        details: { state: 'open', reason: 'the database is in use' },
      })
    }
    return this.maintained(() => importDatabase(request, databasePath, quotaBytes))
  }

  close(): void {
    this.gateShut = true
    const { opened } = this
    this.opened = undefined
    if (opened === undefined) return
    opened.backups.cancel()
    closeInOrder(opened.executor.connection)
  }

  private forMaintenance(): Opened {
    const opened = this.use()
    if (opened.executor.transaction.isOpen) throw new SqlFault({ tag: 'busy', val: 'transaction-open' })
    return opened
  }

  /** What takes the operator's time, not the statement's budget; the watchdog sees it all the same. */
  private maintained<T>(action: () => T): T {
    const { marks, facts } = this.options
    marks.begin('maintenance', facts.budgets.migrationMs, true)
    try {
      return action()
    } finally {
      marks.end()
    }
  }

  private onKeys<T>(isWrite: boolean, action: (keys: KeyValue) => T): T {
    const { executor, keyValue } = this.use()
    const { transaction } = executor
    const { marks, facts } = this.options
    transaction.before(undefined)
    marks.begin('statement', facts.budgets.statementMs, !isWrite || transaction.isOpen)
    try {
      return executor.hosted(() => action(keyValue))
    } finally {
      marks.end()
      transaction.after(false)
      if (isWrite) this.figures.changed()
    }
  }

  private schemaVersion({ executor }: Opened): number {
    return Number(executor.connection.pragma('user_version', { simple: true })) >>> 0
  }

  private checkGate(): void {
    if (this.gateShut || this.broken !== undefined) throw new SqlFault({ tag: 'closed' })
    if (this.options.facts.databasePath === null) throw notConfigured()
  }

  private openedIfThere(): Opened | undefined {
    const { databasePath } = this.options.facts
    if (this.opened !== undefined) return this.opened
    if (databasePath === null || (!existsSync(databasePath) && keptAsideName(databasePath) === null))
      return undefined
    return this.use()
  }

  private use(): Opened {
    if (this.opened !== undefined && this.broken === undefined) return this.opened
    this.checkGate()
    const { facts, marks, nowMs, monotonicMs } = this.options
    const { databasePath } = facts
    if (databasePath === null) throw notConfigured()
    const connection = this.openFile(databasePath)
    const executor = new Executor(connection, {
      limits: facts.limits,
      budgets: facts.budgets,
      marks,
      nowMs: monotonicMs,
      onStatement: (sql, ms, isWrite, rows, code) =>
        this.figures.statement(sql, isWrite, { ms, atMs: nowMs(), rows, code }),
      onAnswer: (rows, bytes) => this.figures.answer(rows, bytes),
      onRefusal: (rule, sql) => this.figures.refusal(rule, sql, nowMs()),
      onBroken: (cause) => this.markBroken(cause),
      afterScript: () => this.checkAttached(),
    })
    if (this.ownsUserVersion) executor.allowUserVersion()
    this.opened = {
      executor,
      keyValue: new KeyValue(connection, facts.limits),
      backups: new Backups(connection),
    }
    return this.opened
  }

  private openFile(path: string): ReturnType<typeof openDatabaseFile> {
    const { facts, nowMs } = this.options
    try {
      return openDatabaseFile({ ...facts, path, nowMs })
    } catch (error) {
      // Two instances ran at once, or the file is damaged: this instance ends, once (spec actors-sql 3.6).
      if (
        error instanceof SqlFault &&
        (error.error.tag === 'stale-generation' || error.error.tag === 'corrupt')
      ) {
        this.markBroken(error)
      }
      throw error
    }
  }

  private checkAttached(): void {
    const connection = this.opened?.executor.connection
    const files = (connection?.pragma('database_list') ?? []) as { name: string }[]
    if (files.every(({ name }) => name === 'main' || name === 'temp')) return
    const fault = corruptFault('Another file was attached.')
    this.markBroken(fault)
    throw fault
  }

  private markBroken(cause: unknown): void {
    if (this.broken !== undefined) return
    if (cause instanceof SqlFault) this.broken = toPaddockError(cause.error)
    else if (cause instanceof PaddockError) this.broken = cause
    else
      this.broken = new PaddockError(
        'sqlite.corrupt',
        'The connection to the database is of no use any more.',
        { cause },
      )
  }
}

function notConfigured(): SqlFault {
  return new SqlFault({ tag: 'not-configured', val: 'The manifest declares no database.' })
}
