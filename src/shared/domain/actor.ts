/** Actors as the operator sees them (spec actors-sql 18). */
import { z } from 'zod'
import { actorGenerationSchema, actorIdSchema, actorKeySchema } from '../contracts/actor.ts'
import { errorReportSchema, timestampMsSchema } from './primitives.ts'

const count = z.number().int().nonnegative()

export const actorViewSchema = z.object({
  id: actorIdSchema,
  key: actorKeySchema,
  generation: actorGenerationSchema,
  /** Where the engine is with it. */
  state: z.enum([
    'allocating',
    'starting',
    'running',
    'sleep-intent',
    'stop-intent',
    'going-away',
    'sleeping',
    'reallocating',
    'destroying',
  ]),
  /** When it came into this state; null for one that was not touched since the engine started. */
  since: timestampMsSchema.nullable(),
  createdAt: timestampMsSchema,
  /** Null since the engine started. */
  lastRequestAt: timestampMsSchema.nullable(),
  /** Requests served since the engine started. */
  requests: count,
  queued: count,
  running: z.boolean(),
  /** Of its database and log on disk. */
  sizeBytes: count,
  /** Process it runs in. */
  pid: z.number().int().nullable(),
  lastError: z.object({ time: timestampMsSchema, error: errorReportSchema }).nullable(),
})
export type ActorView = z.infer<typeof actorViewSchema>

export const actorFiguresSchema = z.object({
  /** By operation and result (`ok` or an error code), for instance `request ok`. */
  requests: z.record(z.string(), count),
  /** By rule of the statement policy. */
  refusals: z.record(z.string(), count),
  times: z.array(z.object({ boundMs: z.number(), count })),
  /** Slower than the last bound. */
  slower: count,
  drains: count,
  drainTimeouts: count,
  indeterminate: count,
  starts: count,
  losses: count,
})
export type ActorFiguresView = z.infer<typeof actorFiguresSchema>

export const actorPageSchema = z.object({
  actors: z.array(actorViewSchema).max(1_000),
  /** Where the next page begins, or null. */
  next: actorIdSchema.nullable(),
  total: count,
  /** Of all actors of the module, how many have an instance now. */
  awake: count,
  /** Most bytes of one actor's database. */
  quotaBytes: count,
  /** Time without work after which an actor is put to sleep, in milliseconds. */
  idleMs: count,
  /** Where the databases are. */
  placement: z.enum(['inline', 'bridged', 'remote']),
  figures: actorFiguresSchema,
  processes: count,
})
export type ActorPage = z.infer<typeof actorPageSchema>
