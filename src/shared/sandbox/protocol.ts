/**
 * The protocol between the engine and a sandbox process. Every message carries the process
 * generation; an answer of an earlier generation is dropped (style 3, S21). Calls may be sent
 * ahead: the guest thread runs them in order, one at a time, each in a transaction of its own.
 */
import { z } from 'zod'
import { guestLogRecordSchema, logContextSchema } from '../domain/log.ts'
import { moduleLimitsSchema } from '../domain/limits.ts'
import { errorReportSchema, moduleNameSchema, logLevelSchema } from '../domain/primitives.ts'
import { hostErrorSchema } from './host-error.ts'

const id = z.number().int().nonnegative()
const generation = z.number().int().nonnegative()
/** Which guest thread of the process; absent for its only one. */
const thread = z.number().int().nonnegative().optional()

/** How a capability is linked: by the host, as a stub answering `unsupported`, or as one answering `denied`. */
export const linkageSchema = z.enum(['provided', 'unsupported', 'denied'])
export type Linkage = z.infer<typeof linkageSchema>

/** Everything a sandbox needs to instantiate its module. Paths are fixed by the engine. */
export const loadSpecSchema = z.object({
  module: moduleNameSchema,
  run: z.number().int(),
  /** Id of the contract plug-in, registered on both sides. */
  contract: z.string(),
  /** Directory of the verified artifact: `artifact.json`, `component.mjs`, core modules. */
  artifactDirectory: z.string(),
  /** The module's SQLite file, or null for contracts without a store. */
  storePath: z.string().nullable(),
  durability: z.enum(['event', 'call']),
  limits: moduleLimitsSchema,
  capabilities: z.record(z.string(), linkageSchema),
  /** Lines below this level are not sent. */
  logLevel: logLevelSchema,
  /** Longer lines are cut, in bytes (spec nexum-host 5.3). */
  logRecordBytes: z.number().int().positive().max(16_384).optional(),
  /** Whether the guest thread runs SQL with budgets of its own, which the watchdog then looks after. */
  watchStatements: z.boolean().optional(),
  /** What only the contract's guest side understands; checked by its own schema. */
  contractData: z.unknown().optional(),
})
export type LoadSpec = z.infer<typeof loadSpecSchema>

/** One guest export call. */
export const guestCallSchema = z.object({
  id,
  /** Ascending per module, also across runs; committed with the transaction, so that after a death the engine knows what was done. */
  sequence: z.number().int().nonnegative(),
  /** What the contract's guest side understands, for instance `init` or `on-event`. */
  operation: z.string(),
  /** Validated by the contract's own schema on both sides. */
  payload: z.unknown(),
  /** Position of the event's source, committed in the same transaction. */
  cursor: z
    .object({
      source: z.string().max(256),
      value: z.string().max(512),
      /** The source tells the event again when the module answers an error: the position then stays. */
      retried: z.boolean().optional(),
    })
    .nullable(),
  fuel: z.number().int().positive(),
  deadlineMs: z.number().positive(),
  context: logContextSchema,
})
export type GuestCall = z.infer<typeof guestCallSchema>

export const hostOutcomeSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), error: hostErrorSchema }),
])
export type HostOutcome = z.infer<typeof hostOutcomeSchema>

export const engineMessageSchema = z.discriminatedUnion('type', [
  /** Of a shared process: begins the thread, too. */
  z.object({ type: z.literal('load'), generation, thread, id, spec: loadSpecSchema }),
  z.object({ type: z.literal('calls'), generation, thread, calls: z.array(guestCallSchema) }),
  /** Ends the call if it runs (the guest thread is stopped), drops it if it waits. */
  z.object({ type: z.literal('cancel'), generation, thread, id }),
  z.object({
    type: z.literal('host-replies'),
    generation,
    thread,
    replies: z.array(z.object({ id, outcome: hostOutcomeSchema })),
  }),
  /** The clock of a guest call's deadline stands still while somebody is asked, or goes on. */
  z.object({ type: z.literal('deadline'), generation, thread, call: id, paused: z.boolean() }),
  /** For a program that runs one long call and looks at its mail meanwhile; what letters say is its contract's. */
  z.object({ type: z.literal('mail'), generation, letters: z.array(z.unknown()) }),
  /** How every capability is linked from now on: the operator granted or took back. */
  z.object({
    type: z.literal('linkages'),
    generation,
    thread,
    capabilities: z.record(z.string(), linkageSchema),
  }),
  /** Finish the running call within `graceMs`, answer the rest `not-started`, close the store, exit 0. */
  z.object({ type: z.literal('stop'), generation, id, graceMs: z.number().nonnegative() }),
  /** As `stop`, of one thread: the process goes on and answers `thread-ended`. */
  z.object({
    type: z.literal('stop-thread'),
    generation,
    thread: z.number().int().nonnegative(),
    graceMs: z.number().nonnegative(),
  }),
  z.object({ type: z.literal('ping'), generation, nonce: z.number().int() }),
])
export type EngineMessage = z.infer<typeof engineMessageSchema>

/** Calls by capability since the run began. */
export const capabilityCallsSchema = z.record(
  z.string(),
  z.object({ calls: z.number().int().nonnegative(), denied: z.number().int().nonnegative() }),
)
export type CapabilityCalls = z.infer<typeof capabilityCallsSchema>

/** What one call used. Times in microseconds. */
export const callUsageSchema = z.object({
  durationUs: z.number().nonnegative(),
  hostWaitUs: z.number().nonnegative(),
  /** Fuel units, or null for an unmetered artifact. */
  fuel: z.number().int().nonnegative().nullable(),
  hostCalls: z.number().int().nonnegative(),
  writes: z.number().int().nonnegative(),
  memoryBytes: z.number().int().nonnegative(),
  storeBytes: z.number().int().nonnegative(),
  /** Comes with about one reply a second. */
  capabilityCalls: capabilityCallsSchema.optional(),
})
export type CallUsage = z.infer<typeof callUsageSchema>

export const callOutcomeSchema = z.discriminatedUnion('status', [
  /** Committed. */
  z.object({ status: z.literal('ok'), value: z.unknown() }),
  /** The guest returned its own error: rolled back, the instance lives on. */
  z.object({ status: z.literal('guest-error'), error: hostErrorSchema }),
  /** Trap, out of fuel, deadline, commit failure: rolled back, the instance is dead. */
  z.object({
    status: z.literal('failed'),
    error: errorReportSchema,
    /** The commit was under way: only the store knows whether it happened. */
    uncertain: z.boolean().optional(),
  }),
  /** Never reached the guest; safe to send again. */
  z.object({ status: z.literal('not-started') }),
])
export type CallOutcome = z.infer<typeof callOutcomeSchema>

export const callReplySchema = z.object({ id, outcome: callOutcomeSchema, usage: callUsageSchema })
export type CallReply = z.infer<typeof callReplySchema>

export const hostCallSchema = z.object({
  id,
  /** The guest call that waits for it. */
  call: id,
  capability: z.string(),
  function: z.string(),
  args: z.array(z.unknown()),
})
export type HostCall = z.infer<typeof hostCallSchema>

export const loadResultSchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    /** Sequence of the last committed call; -1 for a new store. */
    lastSequence: z.number().int(),
    /** Committed position of each event source. */
    cursors: z.record(z.string(), z.string()),
    storeBytes: z.number().int().nonnegative(),
    memoryBytes: z.number().int().nonnegative(),
    /** Something the operator should know, for instance that a damaged store was kept aside. */
    warnings: z.array(errorReportSchema),
  }),
  z.object({ ok: z.literal(false), error: errorReportSchema }),
])
export type LoadResult = z.infer<typeof loadResultSchema>

/** What kind of SQL runs; each has a budget of its own (spec actors-sql 10). */
export const statementKinds = ['statement', 'script', 'migration', 'maintenance'] as const
export type StatementKind = (typeof statementKinds)[number]

/** SQL that a guest thread runs. */
export const statementMarkSchema = z.object({
  kind: z.enum(statementKinds),
  budgetMs: z.number().nonnegative(),
  ranMs: z.number().nonnegative(),
  /** Ending the process now surely leaves nothing of it behind: it reads, or an explicit transaction is open. */
  revertible: z.boolean(),
})
export type StatementMark = z.infer<typeof statementMarkSchema>

export const sandboxMessageSchema = z.discriminatedUnion('type', [
  /** First message of the process: it listens now. */
  z.object({ type: z.literal('ready'), generation }),
  z.object({ type: z.literal('loaded'), generation, thread, id, result: loadResultSchema }),
  z.object({ type: z.literal('replies'), generation, thread, replies: z.array(callReplySchema) }),
  z.object({ type: z.literal('host-calls'), generation, thread, calls: z.array(hostCallSchema) }),
  z.object({
    type: z.literal('logs'),
    generation,
    thread,
    records: z.array(guestLogRecordSchema),
    dropped: z.number().int().nonnegative(),
  }),
  /** What a program that runs one long call has to say meanwhile; nobody waits for an answer. */
  z.object({ type: z.literal('mail'), generation, letters: z.array(z.unknown()) }),
  /** Sent about every 2 s: resident memory and CPU of the process. */
  z.object({
    type: z.literal('process'),
    generation,
    residentBytes: z.number().int().nonnegative(),
    /** CPU time used since the last report, in microseconds, and the wall time it covers. */
    cpuUs: z.number().nonnegative(),
    wallUs: z.number().nonnegative(),
  }),
  z.object({ type: z.literal('pong'), generation, nonce: z.number().int() }),
  z.object({ type: z.literal('stopped'), generation, id }),
  /** What ran longer than its budget is being ended; a statement that runs in the thread holds that up. */
  z.object({
    type: z.literal('overdue'),
    generation,
    thread: z.number().int().nonnegative(),
    call: id,
    /** What SQL ran, or null where none did. */
    statement: statementMarkSchema.nullable(),
  }),
  /** The thread is gone; every call of it has its answer. */
  z.object({
    type: z.literal('thread-ended'),
    generation,
    thread: z.number().int().nonnegative(),
    error: errorReportSchema.nullable(),
  }),
])
export type SandboxMessage = z.infer<typeof sandboxMessageSchema>

/** The engine passes the generation as script argument: `--generation=N`. */
export const generationArgument = '--generation='
/** Script argument of a process that carries guest threads as they are asked for, rather than one from the start. */
export const sharedArgument = '--shared'
