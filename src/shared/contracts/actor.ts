/**
 * What the control side and the database side of an actor say to each other: operations of the guest program, their
 * payloads and answers (spec actors-sql 3, 4, 15, 16). Every operation answers `ok` with `answerSchemas[operation]`,
 * also for failures that leave the actor alive; an outcome `failed` means that the instance is dead.
 */
import { z } from 'zod'
import { errorReportSchema, moduleNameSchema } from '../domain/primitives.ts'
import {
  backupAnswerSchema,
  backupPayloadSchema,
  exportManifestSchema,
  exportPayloadSchema,
  importAnswerSchema,
  importPayloadSchema,
} from './actor-files.ts'
import {
  inspectAnswerSchema,
  inspectPayloadSchema,
  rowsAnswerSchema,
  rowsPayloadSchema,
  tablesAnswerSchema,
} from './actor-inspect.ts'
import {
  actorBudgetsSchema,
  databaseQuotaSchema,
  shownStatementCharacters,
  sqlLimitsSchema,
} from './actor-limits.ts'

export const actorContractId = 'actor'

const text = z.string().max(4_096)
const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
export const actorGenerationSchema = z.number().int().min(1).max(0xffff_ffff)
export const actorKeySchema = z.array(z.string().max(1_024)).max(32)
export const actorIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 letters, digits, "_" and "-"')

/** On the thread of the guest, on a thread of its own, or in another engine. */
export const placementSchema = z.enum(['inline', 'bridged', 'remote'])
export type Placement = z.infer<typeof placementSchema>

/** Stated once per instance, before everything else. No file is touched by it. */
export const openPayloadSchema = z.strictObject({
  namespace: moduleNameSchema,
  actorId: actorIdSchema,
  key: actorKeySchema,
  generation: actorGenerationSchema,
  /** Absolute path of the SQLite file, or null where the manifest declares no database. */
  databasePath: z.string().min(1).nullable(),
  placement: placementSchema,
  /** `full` syncs every commit. */
  synchronous: z.enum(['normal', 'full']),
  quotaBytes: databaseQuotaSchema,
  limits: sqlLimitsSchema,
  budgets: actorBudgetsSchema,
})
export type ActorFacts = z.infer<typeof openPayloadSchema>

const empty = z.strictObject({})

/** What a guest export answered on its error side. `user` goes to callers as written, `internal` to the log only. */
export const actorGuestErrorSchema = z.discriminatedUnion('tag', [
  z.object({ tag: z.literal('method-not-found'), method: text }),
  z.object({ tag: z.literal('invalid-payload'), message: text }),
  z.object({
    tag: z.literal('user'),
    code: text,
    message: text,
    metadata: z.string().max(65_536).nullable(),
  }),
  z.object({ tag: z.literal('internal'), message: text }),
])
export type ActorGuestError = z.infer<typeof actorGuestErrorSchema>

const refused = z.object({ status: z.literal('refused'), error: errorReportSchema })
const guestError = z.object({ status: z.literal('guest-error'), error: actorGuestErrorSchema })

/** `done`, the guest's own error, or a typed failure (code of `actor-errors.ts`); the instance lives on in each case. */
function answer<T extends z.ZodType>(value: T) {
  return z.discriminatedUnion('status', [z.object({ status: z.literal('done'), value }), guestError, refused])
}

export const startCauses = ['created', 'woken', 'restarted', 'upgraded'] as const
export const stopCauses = ['destroyed', 'host-shutdown', 'failed', 'upgraded'] as const

export const startPayloadSchema = z.strictObject({
  cause: z.enum(startCauses),
  /** Only with `created`. */
  input: bytes.nullable(),
  settings: z.array(z.tuple([z.string(), z.string()])),
})
export const requestPayloadSchema = z.strictObject({ method: z.string().max(1_024), payload: bytes })
export const stopPayloadSchema = z.strictObject({ cause: z.enum(stopCauses) })

export const migrateValueSchema = z.object({
  /** Scripts applied so far, these included. */
  schemaVersion: z.number().int().nonnegative(),
  applied: z.number().int().nonnegative(),
})

export const actorInfoSchema = z.object({
  /** Whether the executor is open; 0 or 1 executors exist. */
  open: z.boolean(),
  inTransaction: z.boolean(),
  schemaVersion: z.number().int().nonnegative().nullable(),
  pageSize: z.number().int(),
  usedPages: z.number().int().nonnegative().nullable(),
  maximumPages: z.number().int().positive(),
  /** Since the instance began: statements by route, refusals by rule, slow statements (at least 1 s). */
  reads: z.number().int().nonnegative(),
  writes: z.number().int().nonnegative(),
  rowsOut: z.number().int().nonnegative(),
  bytesOut: z.number().int().nonnegative(),
  refusals: z.record(z.string(), z.number().int().nonnegative()),
  slow: z.array(
    z.object({ sql: z.string().max(120), ms: z.number().nonnegative(), atMs: z.number().nonnegative() }),
  ),
  /** The last statements of this instance, oldest first; no parameters. `refused` by the policy before it ran. */
  recent: z.array(
    z.object({
      sql: z.string().max(shownStatementCharacters),
      route: z.enum(['read', 'write', 'refused']),
      /** Answered by a read, changed by a write. */
      rows: z.number().int().nonnegative(),
      ms: z.number().nonnegative(),
      atMs: z.number().nonnegative(),
      code: z.string().nullable(),
    }),
  ),
  /** Rises with every write, so that a console knows when to look again. */
  changeCount: z.number().int().nonnegative(),
  /** Set when a damaged file was kept aside: its name. */
  keptAside: z.string().nullable(),
})
export type ActorInfo = z.infer<typeof actorInfoSchema>

/** Payload and answer of each operation, in the order of an actor's life. */
export const actorOperations = {
  /** Facts of this instance. First of all; a second one is `wasm.invalid_state`. */
  open: { payload: openPayloadSchema, answer: answer(z.null()) },
  /** Calls `migrations()` and applies what is missing. Refused: `wasm.invalid_config`, `sqlite.*`. */
  migrate: { payload: empty, answer: answer(migrateValueSchema) },
  /** `on-start`. After `migrate`. */
  start: { payload: startPayloadSchema, answer: answer(z.null()) },
  /** `on-request`. The value is the guest's answer. */
  request: { payload: requestPayloadSchema, answer: answer(bytes) },
  /** `on-sleep`; the database stays open until `close`. */
  sleep: { payload: empty, answer: answer(z.null()) },
  /** `on-stop`; the database stays open until `close`. */
  stop: { payload: stopPayloadSchema, answer: answer(z.null()) },
  /** The operator's read-only query. */
  'inspect-sql': { payload: inspectPayloadSchema, answer: answer(inspectAnswerSchema) },
  tables: { payload: empty, answer: answer(tablesAnswerSchema) },
  rows: { payload: rowsPayloadSchema, answer: answer(rowsAnswerSchema) },
  /**
   * One step of an online copy; to be called again until `done` (other calls may come between). `restarts` tells how
   * often the source had changed; after three the rest is copied in one step.
   */
  backup: { payload: backupPayloadSchema, answer: answer(backupAnswerSchema) },
  export: { payload: exportPayloadSchema, answer: answer(exportManifestSchema) },
  /** Judges a file and, with `apply`, puts it in place of the actor's. Before `migrate` only: the actor is stopped. */
  'import-check': { payload: importPayloadSchema, answer: answer(importAnswerSchema) },
  info: { payload: empty, answer: answer(actorInfoSchema) },
  /** Rolls back, checkpoints, closes the file. Idempotent. Everything but `info` is `sqlite.closed` from then on. */
  close: { payload: empty, answer: answer(z.null()) },
} as const

export type ActorOperation = keyof typeof actorOperations
export type ActorPayload<O extends ActorOperation> = z.infer<(typeof actorOperations)[O]['payload']>
export type ActorAnswer<O extends ActorOperation> = z.infer<(typeof actorOperations)[O]['answer']>

export function isActorOperation(name: string): name is ActorOperation {
  return Object.hasOwn(actorOperations, name)
}
