/**
 * Every message between the window and the main process, declared once (style 3).
 * Handlers, client, preload bindings and test doubles are derived from this.
 */
import { z } from 'zod'
import { chainConfigSchema, devnetViewSchema, endpointTestSchema } from '../domain/chain.ts'
import { seriesSchema, snapshotChangeSchema, snapshotSchema } from '../domain/engine.ts'
import { limitBoundsSchema, moduleLimitsSchema } from '../domain/limits.ts'
import { logFilterSchema, logRecordSchema } from '../domain/log.ts'
import { dispatchSchema, installRequestSchema, quarantineSchema } from '../domain/module.ts'
import { chainIdSchema, errorReportSchema, moduleNameSchema } from '../domain/primitives.ts'
import { preferencesSchema } from '../domain/settings.ts'
import { call, event, stream, type Client, type Emitters, type Handlers } from './define.ts'

const nothing = z.void()
const moduleRef = z.object({ name: moduleNameSchema })
const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
const path = z.string().min(1).max(4_096)
/** Compiling a large component takes tens of seconds on a slow machine. */
const slow = { timeoutMs: 300_000 }

export const ipcSchema = {
  app: {
    info: call(
      nothing,
      z.object({
        version: z.string(),
        electron: z.string(),
        node: z.string(),
        platform: z.string(),
        stateDir: z.string(),
      }),
    ),
    copyText: call(z.object({ text: z.string().max(65_536) }), nothing),
    /** Opens the state directory in the file manager. */
    revealStateDir: call(nothing, nothing),
    /** Starts what should run after a start in safe mode. */
    leaveSafeMode: call(nothing, nothing, slow),
  },
  preferences: {
    get: call(nothing, preferencesSchema),
    set: call(preferencesSchema.partial(), preferencesSchema),
  },
  state: {
    snapshot: call(nothing, snapshotSchema),
    changed: event(snapshotChangeSchema),
    /** Short history for sparklines; subject is a module name, or null for the whole engine. */
    series: call(z.object({ module: moduleNameSchema.nullable() }), seriesSchema),
    dismissNotice: call(z.object({ id: z.string().max(256) }), nothing),
  },
  modules: {
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
    watchFolder: call(z.object({ path }), nothing),
    unwatchFolder: call(z.object({ path }), nothing),
    /** Emitted when a bundle given to the app from outside (drop on icon, argument) should be reviewed. */
    offered: event(z.object({ path })),
  },
  store: {
    /** A page of keys in UTF-8 byte order, read without touching the running module. */
    keys: call(
      moduleRef.extend({
        prefix: z.string().max(4_096),
        after: z.string().max(4_096).nullable(),
        limit: z.number().int().min(1).max(1_000),
      }),
      z.object({
        entries: z.array(z.object({ key: z.string(), sizeBytes: z.number().int() })),
        more: z.boolean(),
        total: z.number().int(),
        usedBytes: z.number().int(),
      }),
    ),
    /** The first 64 KiB of a value. */
    value: call(
      moduleRef.extend({ key: z.string().max(4_096) }),
      z.object({ sizeBytes: z.number().int(), head: bytes }).nullable(),
    ),
  },
  logs: {
    /** A page of the kept log, newest last. `before` is exclusive. */
    query: call(
      z.object({
        filter: logFilterSchema,
        before: z.number().int().nonnegative().nullable(),
        limit: z.number().int().min(1).max(2_000),
      }),
      z.object({ records: z.array(logRecordSchema), more: z.boolean() }),
    ),
    tail: stream(logFilterSchema, logRecordSchema),
  },
  chains: {
    /** Adds or replaces a chain; takes effect without restarting modules. */
    save: call(z.object({ config: chainConfigSchema }), nothing),
    remove: call(z.object({ chainId: chainIdSchema }), nothing),
    /** Tries an address before it is saved. Never throws for a bad endpoint: the result says why. */
    test: call(z.object({ chainId: chainIdSchema, url: z.string().max(2_048) }), endpointTestSchema),
  },
  devnet: {
    start: call(nothing, devnetViewSchema, { timeoutMs: 60_000 }),
    stop: call(nothing, devnetViewSchema),
  },
  console: {
    /** The page reports a fault of its own for the log. */
    fault: call(errorReportSchema, nothing),
  },
} as const

export type PaddockIpc = typeof ipcSchema
export type PaddockClient = Client<PaddockIpc>
export type PaddockHandlers = Handlers<PaddockIpc>
export type PaddockEmitters = Emitters<PaddockIpc>
