/** Deciders: their routes, streams, commands and outcomes (spec decider 13). */
import { z } from 'zod'
import { executionOutcomeSchema, stateViewSchema } from '../../contracts/decider.ts'
import {
  activationReportSchema,
  commandRequestSchema,
  deciderViewSchema,
  eventViewSchema,
  outcomeRecordSchema,
  projectionViewSchema,
  routeViewSchema,
  snapshotViewSchema,
  streamViewSchema,
} from '../../contracts/decider-views.ts'
import { moduleNameSchema } from '../../domain/primitives.ts'
import { call, stream } from '../define.ts'
import { nothing } from './common.ts'

/** `name@version`, or a decider's name for its active version. */
const reference = z.string().min(1).max(512)
const streamId = z.string().min(1).max(512)
const whole = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const pageSize = z.number().int().min(1).max(500)
const projectionRef = z.object({ module: moduleNameSchema, source: z.string().min(1).max(1_024) })
/** A command may take half a minute, and wait behind others. */
const patient = { timeoutMs: 120_000 }

export const decidersIpc = {
  /** Every version that is loaded. */
  list: call(nothing, z.array(deciderViewSchema)),
  routes: call(nothing, z.array(routeViewSchema)),
  /** What activating would change, without doing it. */
  planActivation: call(z.object({ reference, takeover: z.boolean() }), activationReportSchema),
  /** Routes all commands of a version to it; `takeover` confirms that another decider loses some. */
  activate: call(z.object({ reference, takeover: z.boolean() }), activationReportSchema),
  /** Stops routing a command type; false when it was not routed. */
  retire: call(z.object({ type: z.string().max(1_024) }), z.boolean()),
  /** Stops routing a whole decider; answers its types. */
  retireModule: call(z.object({ name: z.string().max(512) }), z.array(z.string())),
  /** Every end of a command is an outcome: this fails only for malformed input. */
  execute: call(commandRequestSchema, executionOutcomeSchema, patient),
  /** Decides without appending; with `at`, on the state as of that revision. */
  dryRun: call(commandRequestSchema.extend({ at: whole.nullable() }), executionOutcomeSchema, patient),
  stateAt: call(z.object({ reference, streamId, at: whole.nullable() }), stateViewSchema, patient),
  /** A page of streams by id. `after` is exclusive. */
  streams: call(
    z.object({
      reference,
      prefix: z.string().max(512),
      after: z.string().max(512).nullable(),
      limit: pageSize,
    }),
    z.object({
      streams: z.array(streamViewSchema),
      totals: z.object({ streams: whole, events: whole, lastPosition: whole, usedBytes: whole }),
    }),
    patient,
  ),
  /** Events of one stream from revision `from` on. */
  events: call(
    z.object({ reference, streamId, from: whole.min(1), limit: pageSize }),
    z.object({ head: whole, events: z.array(eventViewSchema) }),
    patient,
  ),
  /** Asks where to, and writes a stream as NDJSON; null when the operator thought better of it. */
  exportStream: call(
    z.object({ reference, streamId }),
    z.object({ path: z.string(), decisions: whole, events: whole }).nullable(),
    { timeoutMs: 600_000 },
  ),
  snapshots: call(z.object({ reference, streamId }), z.array(snapshotViewSchema), patient),
  /** The last commands that ended, newest first; of one decider, or of all with null. */
  outcomes: call(
    z.object({ name: z.string().max(512).nullable(), limit: pageSize }),
    z.array(outcomeRecordSchema),
  ),
  watchOutcomes: stream(z.object({ name: z.string().max(512).nullable() }), outcomeRecordSchema),
  /** Every module that follows a decider's events. */
  projections: call(nothing, z.array(projectionViewSchema)),
  /** Tells the event at which a projection stopped again. */
  retryProjection: call(projectionRef, nothing),
  /** Goes on behind the event at which a projection stopped. */
  skipProjection: call(projectionRef, nothing),
  /** Counters and sums since the engine started (spec decider 14). */
  metrics: call(
    nothing,
    z.array(
      z.object({
        name: z.string(),
        attributes: z.record(z.string(), z.string()),
        count: whole,
        sum: z.number(),
      }),
    ),
  ),
} as const
