/** What an operator sees of an actor's database (spec actors-sql 18). */
import { z } from 'zod'

const count = z.number().int().nonnegative()

/** One value as a console shows it: integers as decimal text, blobs as size and first bytes in hexadecimal. */
export const cellSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('null') }),
  z.object({ type: z.literal('integer'), text: z.string().max(20) }),
  z.object({ type: z.literal('real'), value: z.number() }),
  /** Cut at 4096 characters; `characters` is the whole length. */
  z.object({ type: z.literal('text'), text: z.string().max(4_096), characters: count }),
  /** First 256 bytes. */
  z.object({ type: z.literal('blob'), head: z.string().max(512), bytes: count }),
])
export type Cell = z.infer<typeof cellSchema>

/** Rows an operator's query may answer. */
export const maxInspectRows = 1_000

export const inspectPayloadSchema = z.strictObject({
  sql: z.string().max(65_536),
  maxRows: z.number().int().min(1).max(maxInspectRows),
})
export const inspectAnswerSchema = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(cellSchema)),
  /** There were more rows than asked for. */
  truncated: z.boolean(),
  ms: z.number().nonnegative(),
})
export type InspectAnswer = z.infer<typeof inspectAnswerSchema>

/** What `rows` calls the entries beside the tables: columns `key` and `value`. */
export const keyValueTable = '_paddock_key_value'

export const tablesAnswerSchema = z.object({
  tables: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['table', 'view', 'virtual', 'shadow']),
      sql: z.string().nullable(),
      columns: z.array(
        z.object({ name: z.string(), type: z.string(), notNull: z.boolean(), primaryKey: count }),
      ),
      indexes: z.array(z.object({ name: z.string(), unique: z.boolean() })),
      /** Null for what cannot be counted at once. */
      rows: count.nullable(),
    }),
  ),
  /** Keys beside the tables; null for what cannot be counted at once. */
  keyValue: count.nullable(),
})
export type TablesAnswer = z.infer<typeof tablesAnswerSchema>

export const rowsPayloadSchema = z.strictObject({
  table: z.string().max(1_024),
  offset: count,
  limit: z.number().int().min(1).max(maxInspectRows),
})
export const rowsAnswerSchema = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(cellSchema)),
  /** There are rows behind these. */
  more: z.boolean(),
})
export type RowsAnswer = z.infer<typeof rowsAnswerSchema>
