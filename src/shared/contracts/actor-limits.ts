/** Limits, budgets and sizes of an actor's database (spec actors-sql 7, 10). Configuration may lower, never raise. */
import { z } from 'zod'

const kib = 1_024
const mib = 1_024 * kib

/** Maxima and defaults at once. Sizes in bytes of UTF-8. */
export const maximumSqlLimits = {
  sqlBytes: mib,
  parameterCount: 1_024,
  parameterBytes: mib,
  totalParameterBytes: 8 * mib,
  batchStatements: 256,
  rowCount: 10_000,
  columnCount: 256,
  cellBytes: mib,
  responseBytes: 8 * mib,
  keyBytes: 2 * kib,
  keyValueBytes: 128 * kib,
  listing: 1_000,
} as const

export type SqlLimits = { readonly [Name in keyof typeof maximumSqlLimits]: number }

function atMost(maximum: number): z.ZodDefault<z.ZodNumber> {
  return z.number().int().positive().max(maximum).default(maximum)
}

export const sqlLimitsSchema = z.strictObject({
  /** Text of one call. */
  sqlBytes: atMost(maximumSqlLimits.sqlBytes),
  /** Parameters of one statement. */
  parameterCount: atMost(maximumSqlLimits.parameterCount),
  /** One bound text or blob. */
  parameterBytes: atMost(maximumSqlLimits.parameterBytes),
  /** All bound texts and blobs of one call. */
  totalParameterBytes: atMost(maximumSqlLimits.totalParameterBytes),
  batchStatements: atMost(maximumSqlLimits.batchStatements),
  /** Rows of one answer. */
  rowCount: atMost(maximumSqlLimits.rowCount),
  columnCount: atMost(maximumSqlLimits.columnCount),
  /** One text or blob of an answer. */
  cellBytes: atMost(maximumSqlLimits.cellBytes),
  /** Whole answer of one call. */
  responseBytes: atMost(maximumSqlLimits.responseBytes),
  keyBytes: atMost(maximumSqlLimits.keyBytes),
  keyValueBytes: atMost(maximumSqlLimits.keyValueBytes),
  /** Keys of one listing. */
  listing: atMost(maximumSqlLimits.listing),
})

export const defaultQuotaBytes = 256 * mib
export const maximumQuotaBytes = 10 * 1_024 * mib
/** Page size of every actor's database, in bytes. */
export const databasePageBytes = 4_096

/** Size of the database file; counted in whole pages. */
export const databaseQuotaSchema = z
  .number()
  .int()
  .min(16 * databasePageBytes)
  .max(maximumQuotaBytes)
  .default(defaultQuotaBytes)

/** In milliseconds. */
export const maximumBudgets = {
  statementMs: 10_000,
  scriptMs: 30_000,
  migrationMs: 300_000,
  transactionMs: 60_000,
} as const

export type ActorBudgets = { readonly [Name in keyof typeof maximumBudgets]: number }

export const actorBudgetsSchema = z.strictObject({
  statementMs: atMost(maximumBudgets.statementMs),
  scriptMs: atMost(maximumBudgets.scriptMs),
  migrationMs: atMost(maximumBudgets.migrationMs),
  transactionMs: atMost(maximumBudgets.transactionMs),
})

/** A statement that takes as long is warned of, in milliseconds (spec actors-sql 18). */
export const slowStatementMs = 1_000
/** Characters of its text in the warning. */
export const slowStatementCharacters = 120
/** Characters of a statement that the console shows. */
export const shownStatementCharacters = 200
