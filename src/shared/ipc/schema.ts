/**
 * Every message between the window and the main process, declared once (style 3).
 * Handlers, client, preload bindings and test doubles are derived from this. A larger group has a file of its own
 * in `groups/`, and its handlers in `src/main/ipc/handlers/`.
 */
import { z } from 'zod'
import { chainConfigSchema, devnetViewSchema, endpointTestSchema } from '../domain/chain.ts'
import { seriesSchema, snapshotChangeSchema, snapshotSchema } from '../domain/engine.ts'
import { logFilterSchema, logRecordSchema } from '../domain/log.ts'
import { chainIdSchema, errorReportSchema, moduleNameSchema } from '../domain/primitives.ts'
import { preferencesSchema } from '../domain/settings.ts'
import { call, event, stream, type Client, type Emitters, type Handlers } from './define.ts'
import { nothing, slow } from './groups/common.ts'
import { actorsIpc } from './groups/actors.ts'
import { auditIpc, capabilitiesIpc, identityIpc } from './groups/guards.ts'
import { configIpc } from './groups/config.ts'
import { decidersIpc } from './groups/deciders.ts'
import { flowsIpc } from './groups/flows.ts'
import { modulesIpc } from './groups/modules.ts'
import { storeIpc } from './groups/store.ts'
import { secretsIpc, toolsIpc } from './groups/tools.ts'

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
    copyText: call(z.object({ text: z.string().max(400_000) }), nothing),
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
  modules: modulesIpc,
  actors: actorsIpc,
  deciders: decidersIpc,
  flows: flowsIpc,
  capabilities: capabilitiesIpc,
  identity: identityIpc,
  audit: auditIpc,
  config: configIpc,
  store: storeIpc,
  tools: toolsIpc,
  secrets: secretsIpc,
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
