import { z } from 'zod'
import { chainIdSchema, logLevelSchema, timestampMsSchema } from './primitives.ts'

/** Where a log line comes from (spec nexum-host 14.1). */
export const logSourceSchema = z.enum(['host_interface', 'stdout', 'stderr', 'panic', 'engine'])

/** What a module was handling when it logged. */
export const logContextSchema = z.object({
  /** Number of the dispatch within the module, ascending. */
  dispatch: z.number().int().nonnegative().optional(),
  eventType: z.enum(['block', 'logs', 'tick', 'message', 'init', 'call']).optional(),
  chainId: chainIdSchema.optional(),
  blockNumber: z.number().int().nonnegative().optional(),
  /** Of a flow: the stage that speaks, or that the line is about. */
  node: z.string().max(64).optional(),
})
export type LogContext = z.infer<typeof logContextSchema>

/** A line as the sandbox sends it. */
export const guestLogRecordSchema = logContextSchema.extend({
  time: timestampMsSchema,
  level: logLevelSchema,
  source: logSourceSchema,
  message: z.string().max(16_384),
})
export type GuestLogRecord = z.infer<typeof guestLogRecordSchema>

/** A line as the engine keeps it. */
export const logRecordSchema = guestLogRecordSchema.extend({
  /** Ascending over all modules; the cursor of log paging. */
  id: z.number().int().nonnegative(),
  /** `null` for lines of the engine itself; `flow/<id>` for lines of a flow. */
  module: z.string().nullable(),
  run: z.number().int().nonnegative(),
  /** Stable code when the line reports an error. */
  code: z.string().optional(),
  /** `module/run/dispatch`: the same on every line of one dispatch (spec nexum-host 14.1). */
  span: z.string().optional(),
  /** Domain and kind of the host-error that the line reports. */
  domain: z.string().optional(),
  kind: z.string().optional(),
  latencyMs: z.number().nonnegative().optional(),
  /** Name of the supervisor event (`restarted`, `gap_backfilled`, …) when the line is one. */
  event: z.string().optional(),
})
export type LogRecord = z.infer<typeof logRecordSchema>

/** What a line of the engine may say of the dispatch it is about. */
export type LogDetails = LogContext & Partial<Pick<LogRecord, 'domain' | 'kind' | 'latencyMs'>>

export const logFilterSchema = z.object({
  module: z.string().optional(),
  /** This level and everything above it. */
  minLevel: logLevelSchema.optional(),
  text: z.string().max(256).optional(),
})
export type LogFilter = z.infer<typeof logFilterSchema>
