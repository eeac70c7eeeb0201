/** Calls about installed modules and bundles. */
import { z } from 'zod'
import { limitBoundsSchema, moduleLimitsSchema } from '../../domain/limits.ts'
import { logRecordSchema } from '../../domain/log.ts'
import { dispatchSchema, installRequestSchema, quarantineSchema } from '../../domain/module.ts'
import { queryAnswerSchema } from '../../contracts/query-module.ts'
import { call, event, stream } from '../define.ts'
import { bytes, moduleRef, nothing, path, slow } from './common.ts'

export const modulesIpc = {
  /** Shows the system's open dialog; null when cancelled. `kind` matters where a dialog cannot offer both. */
  pick: call(z.object({ kind: z.enum(['folder', 'file']) }), path.nullable(), { timeoutMs: 86_400_000 }),
  /** Reads, hashes and checks a bundle; nothing of it runs. */
  inspect: call(z.object({ path, token: z.string().max(64) }), installRequestSchema, slow),
  /** Stops an inspection or an installation that is under way. */
  cancel: call(z.object({ token: z.string().max(64) }), nothing),
  /** Progress of inspect and install, by token. */
  progress: event(
    z.object({ token: z.string(), step: z.string(), fraction: z.number().min(0).max(1).nullable() }),
  ),
  /** Accepts an inspected bundle with the capabilities granted. */
  install: call(
    z.object({
      requestId: z.string().max(64),
      granted: z.array(z.string().max(64)).max(64),
      start: z.boolean(),
    }),
    moduleRef,
    slow,
  ),
  discard: call(z.object({ requestId: z.string().max(64) }), nothing),
  /** A bundle that waits for consent: found in a watched folder or changed on reload. */
  pending: call(moduleRef, installRequestSchema.nullable()),
  start: call(moduleRef, nothing, slow),
  stop: call(moduleRef, nothing, slow),
  restart: call(moduleRef, nothing, slow),
  /** Starts a dead or quarantined module with its failures forgotten. */
  revive: call(moduleRef, nothing, slow),
  /** Ends a quarantine without starting the module, now or with the engine. */
  disable: call(moduleRef, nothing, slow),
  /** Why a module is quarantined, with its last log lines; null while it is not. */
  quarantine: call(
    moduleRef,
    z.object({ quarantine: quarantineSchema, lastLines: z.array(logRecordSchema).max(50) }).nullable(),
  ),
  /** What the operator may set on this machine. */
  limitBounds: call(moduleRef, limitBoundsSchema),
  /** Sets limits in place of the manifest's and the engine's: these and no others; null takes all back. */
  setLimits: call(moduleRef.extend({ limits: moduleLimitsSchema.partial().nullable() }), nothing, slow),
  /** Reads the bundle again and runs the new version on the state of the old one. */
  reload: call(moduleRef, z.object({ changed: z.boolean(), consentNeeded: z.boolean() }), slow),
  /** Unloads; the store stays unless purged. */
  remove: call(moduleRef.extend({ purgeStore: z.boolean() }), nothing, slow),
  /** Newest first. */
  dispatches: call(moduleRef.extend({ limit: z.number().int().min(1).max(500) }), z.array(dispatchSchema)),
  watchDispatches: stream(moduleRef, dispatchSchema),
  /** Asks a query module; its own error is an answer (spec nexum-host 9). */
  query: call(moduleRef.extend({ input: bytes }), queryAnswerSchema, slow),
  watchFolder: call(z.object({ path }), nothing),
  unwatchFolder: call(z.object({ path }), nothing),
  /** Emitted when a bundle given to the app from outside (drop on icon, argument) should be reviewed. */
  offered: event(z.object({ path })),
} as const
