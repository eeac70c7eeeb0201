import { z } from 'zod'
import { chainViewSchema, devnetViewSchema } from './chain.ts'
import { flowIdSchema } from './flow.ts'
import { moduleViewSchema } from './module.ts'
import { chainIdSchema, errorReportSchema, timestampMsSchema } from './primitives.ts'

/** Figures of the engine itself. */
export const engineViewSchema = z.object({
  state: z.enum(['starting', 'running', 'stopping', 'stopped']),
  startedAt: timestampMsSchema,
  sandboxes: z.number().int(),
  eventsPerSecond: z.number(),
  dropped: z.number().int(),
  /** Event-loop delay of the main process over the last sample, in milliseconds. */
  loopDelayMsP99: z.number(),
  stateDir: z.string(),
  /** After two unclean starts in a row: no module was started by itself. */
  safeMode: z.boolean(),
})
export type EngineView = z.infer<typeof engineViewSchema>

/** A condition that lasts and that the operator should see: shown at the top until it ends. */
export const noticeSchema = z.object({
  id: z.string(),
  time: timestampMsSchema,
  severity: z.enum(['warn', 'error']),
  /** What it concerns, so that the console can link to it. */
  subject: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('module'), name: z.string() }),
    z.object({ kind: z.literal('chain'), chainId: chainIdSchema }),
    z.object({ kind: z.literal('flow'), id: flowIdSchema }),
    z.object({ kind: z.literal('settings') }),
    z.object({ kind: z.literal('watch-folder'), path: z.string() }),
    z.object({ kind: z.literal('devnet') }),
    z.object({ kind: z.literal('engine') }),
  ]),
  error: errorReportSchema,
})
export type Notice = z.infer<typeof noticeSchema>

/** One line of what happened lately: lifecycle and endpoint changes, newest last. */
export const activitySchema = z.object({
  id: z.number().int(),
  time: timestampMsSchema,
  severity: z.enum(['ok', 'busy', 'warn', 'crit', 'idle']),
  subject: z.string(),
  /** Stable name of what happened (spec nexum-host 12.6). */
  event: z.string(),
  text: z.string(),
})
export type Activity = z.infer<typeof activitySchema>

export const snapshotSchema = z.object({
  /** Rises by one with each change sent; a gap means: ask for the snapshot again. */
  version: z.number().int(),
  engine: engineViewSchema,
  modules: z.array(moduleViewSchema),
  chains: z.array(chainViewSchema),
  devnet: devnetViewSchema,
  notices: z.array(noticeSchema),
  activity: z.array(activitySchema),
  watchFolders: z.array(z.string()),
})
export type Snapshot = z.infer<typeof snapshotSchema>

/** The slices of a snapshot that changed; modules and chains that are not named stay as they are. */
export const snapshotChangeSchema = z.object({
  version: z.number().int(),
  engine: engineViewSchema.optional(),
  /** Changed or new modules. */
  modules: z.array(moduleViewSchema).optional(),
  modulesRemoved: z.array(z.string()).optional(),
  chains: z.array(chainViewSchema).optional(),
  chainsRemoved: z.array(z.string()).optional(),
  devnet: devnetViewSchema.optional(),
  notices: z.array(noticeSchema).optional(),
  /** New entries only. */
  activity: z.array(activitySchema).optional(),
  watchFolders: z.array(z.string()).optional(),
})
export type SnapshotChange = z.infer<typeof snapshotChangeSchema>

/** Short history of one subject for sparklines; newest last, one value per `stepMs`. */
export const seriesSchema = z.object({
  stepMs: z.number().int().positive(),
  endsAt: timestampMsSchema,
  /** `null` where nothing was measured. */
  eventsPerSecond: z.array(z.number().nullable()),
  latencyMsP99: z.array(z.number().nullable()),
  fuelP50: z.array(z.number().nullable()),
  memoryBytes: z.array(z.number().nullable()),
  storeBytes: z.array(z.number().nullable()),
  hostCallsPerSecond: z.array(z.number().nullable()),
  /** State at each step, for the ribbon: worst state seen. */
  states: z.array(z.enum(['ok', 'busy', 'warn', 'crit', 'idle']).nullable()),
})
export type Series = z.infer<typeof seriesSchema>
