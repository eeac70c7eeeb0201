/** An actor's database as its program sees it: the same in both placements (spec actors-sql 2). */
import type { ActorInfo } from '../../../../shared/contracts/actor.ts'
import type { z } from 'zod'
import type {
  backupAnswerSchema,
  backupPayloadSchema,
  ExportManifest,
} from '../../../../shared/contracts/actor-files.ts'
import type { importAnswerSchema, importPayloadSchema } from '../../../../shared/contracts/actor-files.ts'
import type { InspectAnswer, RowsAnswer, TablesAnswer } from '../../../../shared/contracts/actor-inspect.ts'
import type { ErrorReport } from '../../../../shared/errors.ts'
import type {
  BatchStatement,
  Bindings,
  DatabaseInfo,
  ExecuteResult,
  ScriptResult,
  TransactionMode,
} from '../interfaces.ts'

/** What the guest calls. Each throws `SqlFault`; the first of them opens the file. */
export interface GuestDatabase {
  exec(sql: string): ScriptResult
  execute(sql: string, params: Bindings, forceWrite: boolean): ExecuteResult
  batch(statements: readonly BatchStatement[]): readonly ExecuteResult[]
  begin(mode: TransactionMode): void
  commit(): void
  rollback(): void
  inTransaction(): boolean
  info(): DatabaseInfo
  keyGet(key: string): Uint8Array | undefined
  keySet(key: string, value: Uint8Array): void
  keyDelete(key: string): boolean
  keyList(prefix: string, after: string | undefined, limit: number): readonly string[]
}

export interface InvocationEnd {
  /** A transaction was open and is rolled back now. */
  readonly leftOpen: boolean
  /** Why the instance must end, if it must. */
  readonly broken: ErrorReport | null
  /** Lines for the log. */
  readonly notices: readonly string[]
}

export type BackupRequest = z.infer<typeof backupPayloadSchema>
export type BackupProgress = z.infer<typeof backupAnswerSchema>
export type ImportRequest = z.infer<typeof importPayloadSchema>
export type ImportAnswer = z.infer<typeof importAnswerSchema>

/** What the host adds. Each throws `SqlFault` or `PaddockError`. */
export interface ActorDatabase extends GuestDatabase {
  migrate(scripts: readonly string[]): { readonly schemaVersion: number; readonly applied: number }
  endInvocation(): InvocationEnd
  stats(): ActorInfo
  inspect(sql: string, maxRows: number): InspectAnswer
  tables(): TablesAnswer
  rows(table: string, offset: number, limit: number): RowsAnswer
  backup(request: BackupRequest): BackupProgress
  export(targetPath: string): ExportManifest
  import(request: ImportRequest): ImportAnswer
  /** Idempotent; from then on everything but `stats` is `closed`. */
  close(): void
}
