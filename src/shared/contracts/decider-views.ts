/** How deciders and their streams look to console and command line (spec decider 3, 13). */
import { z } from 'zod'
import { errorReportSchema, moduleNameSchema } from '../domain/primitives.ts'
import { descriptorSchema, uuidSchema } from './decider.ts'

const whole = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)

/** A version of a decider that is loaded. */
export const deciderViewSchema = z.object({
  /** Name under which the module is installed. */
  module: moduleNameSchema,
  name: z.string(),
  version: z.string(),
  artifact: z.string(),
  descriptor: descriptorSchema,
  /** Snapshot cadence that applies, by command type; null for never. */
  effectiveSnapshots: z.record(z.string(), whole.nullable()),
  /** Whether its commands are routed to it. */
  active: z.boolean(),
  inFlight: whole,
  /** Many of its last commands trapped. */
  degraded: z.boolean(),
})
export type DeciderView = z.infer<typeof deciderViewSchema>

export const routeViewSchema = z.object({
  type: z.string(),
  name: z.string(),
  version: z.string(),
  module: moduleNameSchema,
  artifact: z.string(),
  /** Commands of this version that wait or run. */
  inFlight: whole,
})
export type RouteView = z.infer<typeof routeViewSchema>

export const activationReportSchema = z.object({
  activated: z.array(z.object({ type: z.string(), before: z.string().nullable() })),
  dropped: z.array(z.string()),
  takenOver: z.array(z.object({ type: z.string(), from: z.string() })),
})

export const streamViewSchema = z.object({
  streamId: z.string(),
  revision: whole,
  lastPosition: whole,
  createdAt: whole,
  updatedAt: whole,
})
export const eventViewSchema = z.object({
  id: uuidSchema,
  streamId: z.string(),
  revision: whole,
  position: whole,
  type: z.string(),
  payload: bytes,
  headers: z.record(z.string(), z.string()),
  batchIndex: whole,
  batchSize: whole,
  recordedAt: whole,
})
export type EventView = z.infer<typeof eventViewSchema>
export const snapshotViewSchema = z.object({
  streamId: z.string(),
  moduleVersion: z.string(),
  artifact: z.string(),
  revision: whole,
  sizeBytes: whole,
  takenAt: whole,
})

/** What is read of a decider's store, through its sandbox. Pages have at most 500 entries. */
export const storeQuerySchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('streams'),
    prefix: z.string().max(512).optional(),
    after: z.string().max(512).optional(),
    limit: z.number().int().min(1).max(500),
  }),
  z.object({
    kind: z.literal('events'),
    streamId: z.string().min(1).max(512),
    from: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
    limit: z.number().int().min(1).max(500),
  }),
  z.object({ kind: z.literal('snapshots'), streamId: z.string().min(1).max(512) }),
])
export type StoreQuery = z.infer<typeof storeQuerySchema>
export const storeAnswerSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('streams'),
    streams: z.array(streamViewSchema),
    totals: z.object({ streams: whole, events: whole, lastPosition: whole, usedBytes: whole }),
  }),
  z.object({ kind: z.literal('events'), head: whole, events: z.array(eventViewSchema) }),
  z.object({ kind: z.literal('snapshots'), snapshots: z.array(snapshotViewSchema) }),
])
export type StoreAnswer = z.infer<typeof storeAnswerSchema>

/** A command that ended, for the console; newest first. */
export const outcomeRecordSchema = z.object({
  id: whole,
  time: whole,
  name: z.string().nullable(),
  version: z.string().nullable(),
  commandType: z.string(),
  streamId: z.string().nullable(),
  commandId: z.string().nullable(),
  outcome: z.enum(['decided', 'rejected', 'faulted', 'shed', 'denied']),
  code: z.string().nullable(),
  /** The module's own code of a rejection or a fault. */
  reason: z.string().nullable(),
  message: z.string().nullable(),
  events: whole,
  lastRevision: whole.nullable(),
  duplicate: z.boolean(),
  attempts: whole,
  replayedEvents: whole,
  replayMs: z.number().nonnegative(),
  totalMs: z.number().nonnegative(),
  fuel: whole,
})
export type OutcomeRecord = z.infer<typeof outcomeRecordSchema>

/** One event module following one decider (spec decider 11). */
export const projectionViewSchema = z.object({
  module: moduleNameSchema,
  /** The decider it follows, by the decider's own name. */
  decider: z.string(),
  source: z.string(),
  /** Everything up to it was handled, 0 for nothing. */
  position: whole,
  state: z.enum(['following', 'retrying', 'poisoned', 'closed']),
  attempts: whole,
  /** The event at which it stopped, and why. */
  poison: z
    .object({
      reason: z.enum(['verdict', 'exhausted', 'error', 'crash']),
      position: whole,
      error: errorReportSchema,
    })
    .nullable(),
})
export type ProjectionView = z.infer<typeof projectionViewSchema>

/** A command as the console and the command line send it. */
export const commandRequestSchema = z.object({
  type: z.string().max(1_024),
  payload: bytes,
  commandId: z.string().max(64).nullable(),
  expectedRevision: whole.nullable(),
  headers: z.record(z.string(), z.string()),
  /** `name@version`, or null for the version that is routed. */
  reference: z.string().max(512).nullable(),
})
