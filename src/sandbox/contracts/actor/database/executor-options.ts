import type { ActorBudgets, SqlLimits } from '../../../../shared/contracts/actor-limits.ts'
import type { StatementMarks } from '../../../programs/guest-program.ts'

/** What an executor is told and asks of those around it. */
export interface ExecutorOptions {
  readonly limits: SqlLimits
  readonly budgets: ActorBudgets
  readonly marks: StatementMarks
  /** Monotonic, in milliseconds. */
  readonly nowMs: () => number
  /** A statement ended after `ms` with so many rows answered or changed, or with the code of its failure. */
  readonly onStatement: (sql: string, ms: number, isWrite: boolean, rows: number, code: string | null) => void
  readonly onAnswer: (rows: number, bytes: number) => void
  readonly onRefusal: (rule: string, sql: string) => void
  /** The connection is of no use any more: the instance ends with its invocation. */
  readonly onBroken: (cause: unknown) => void
  /** After every script: looks whether other files are attached. */
  readonly afterScript: () => void
}
