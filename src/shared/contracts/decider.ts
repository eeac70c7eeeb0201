/** What engine, sandbox, console and command line say about deciders (spec decider 2 to 10). */
import { z } from 'zod'
import { errorReportSchema, sha256Schema } from '../domain/primitives.ts'
import { deciderPolicySchema } from './decider-limits.ts'

export const deciderContractId = 'decider'
export const deciderInterface = 'trogon:decider/handler@0.3.0'
/** Domain of every error that is not the module's own. */
export const hostDomain = 'paddock.decider'

const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
const whole = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const revision = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)
export const uuidSchema = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

export const writePreconditionSchema = z.enum(['stream-unchanged', 'no-stream', 'stream-exists', 'any'])

export const commandSpecSchema = z.object({
  type: z.string(),
  precondition: writePreconditionSchema,
  /** Cadence as declared, null for no snapshots. */
  snapshotEvery: revision.nullable(),
})
export type CommandSpec = z.infer<typeof commandSpecSchema>

export const descriptorSchema = z.object({
  name: z.string(),
  version: z.string(),
  commands: z.array(commandSpecSchema),
})
export type DeciderDescriptor = z.infer<typeof descriptorSchema>

/** Operation `open`: the first call of a run. */
export const openPayloadSchema = z.object({
  policy: deciderPolicySchema,
  /** `name@version` that the operator asked for, or null. */
  expected: z.string().nullable(),
})
export const openedSchema = z.object({
  descriptor: descriptorSchema,
  /** SHA-256 of the component. */
  artifact: sha256Schema,
  /** Cadence that applies, by command type; null for no snapshots. */
  effectiveSnapshots: z.record(z.string(), revision.nullable()),
})
export type OpenedDecider = z.infer<typeof openedSchema>

/** Operation `execute`. The engine has checked everything in it. */
export const executePayloadSchema = z.object({
  type: z.string(),
  payload: bytes,
  commandId: uuidSchema.nullable(),
  expectedRevision: revision.nullable(),
  headers: z.record(z.string(), z.string()),
})
export type ExecutePayload = z.infer<typeof executePayloadSchema>

/** Operation `dry-run`: all of a command but the append; `at` decides on the state as of that revision. */
export const dryRunPayloadSchema = executePayloadSchema.extend({ at: whole.nullable() })
export type DryRunPayload = z.infer<typeof dryRunPayloadSchema>

/** Operation `state`: the snapshot bytes a session has at a revision. */
export const statePayloadSchema = z.object({ streamId: z.string(), at: revision.nullable() })
export const stateViewSchema = z.object({
  streamId: z.string(),
  revision: whole,
  head: whole,
  /** Null when the guest keeps none. */
  snapshot: bytes.nullable(),
  replayed: whole,
  durationMs: z.number().nonnegative(),
})
export type StateView = z.infer<typeof stateViewSchema>

export const guestPhases = [
  'instantiate',
  'stream_id',
  'replay',
  'decide',
  'snapshot',
  'drop',
  'descriptor',
] as const
export const guestPhaseSchema = z.enum(guestPhases)
export type GuestPhase = z.infer<typeof guestPhaseSchema>

/** What the guest says of a failure, cut and escaped (spec decider 8). */
export const domainErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  details: z.array(z.tuple([z.string(), z.string()])),
})
export type DomainError = z.infer<typeof domainErrorSchema>

export const retryAdvices = ['no', 'yes', 'after-activation', 'after-backoff', 'other-credentials'] as const

export const deciderFailureSchema = z.object({
  error: errorReportSchema,
  /** Module name where the module says so, else `paddock.decider`. */
  domain: z.string(),
  retry: z.enum(retryAdvices),
  module: z.string().optional(),
  version: z.string().optional(),
  commandType: z.string().optional(),
  streamId: z.string().optional(),
  phase: guestPhaseSchema.optional(),
  /** What the module itself said. */
  reason: domainErrorSchema.optional(),
})
export type DeciderFailure = z.infer<typeof deciderFailureSchema>

export const snapshotOutcomes = [
  'hit',
  'miss',
  'other_artifact',
  'discarded_read_failure',
  'discarded_ahead_of_stream',
  'discarded_trap',
  'failed',
  'not_read',
] as const
export type SnapshotReadOutcome = (typeof snapshotOutcomes)[number]

/** What one command did, for metrics, logs and the console (spec decider 14). Times in milliseconds. */
export const executionStatsSchema = z.object({
  attempts: whole,
  conflicts: whole,
  replayedEvents: whole,
  replayMs: z.number().nonnegative(),
  appendMs: z.number().nonnegative(),
  totalMs: z.number().nonnegative(),
  snapshotRead: z.enum(snapshotOutcomes),
  snapshotWrite: z.enum([
    'none',
    'stored',
    'interleaved',
    'older',
    'failed',
    'oversize',
    'declined',
    'trapped',
  ]),
  guard: z.enum(['any', 'stream_exists', 'no_stream', 'at']).nullable(),
  /** Fuel by phase. */
  fuel: z.partialRecord(guestPhaseSchema, whole),
  /** Milliseconds in the guest by phase. */
  guestMs: z.partialRecord(guestPhaseSchema, z.number().nonnegative()),
  /** Traps by phase, each with its error code; also those that did not change the outcome. */
  traps: z.array(z.object({ phase: guestPhaseSchema, code: z.string() })),
  sessionsCreated: whole,
  sessionsDropped: whole,
})
export type ExecutionStats = z.infer<typeof executionStatsSchema>

export const decidedEventSchema = z.object({
  id: uuidSchema,
  type: z.string(),
  payload: bytes,
  /** Null for a decision that was not appended. */
  revision: revision.nullable(),
})

const decidedSchema = z.object({
  outcome: z.literal('decided'),
  module: z.string(),
  version: z.string(),
  commandType: z.string(),
  streamId: z.string(),
  firstRevision: whole,
  lastRevision: whole,
  lastPosition: whole,
  events: z.array(decidedEventSchema),
  /** The outcome of an earlier execution of this command id; no guest ran. */
  duplicate: z.boolean(),
  stats: executionStatsSchema,
})
const failedSchema = z.object({
  outcome: z.enum(['rejected', 'faulted', 'shed', 'denied']),
  failure: deciderFailureSchema,
  stats: executionStatsSchema.nullable(),
})
/** Every end of a command; told apart by `outcome`. */
export const executionOutcomeSchema = z.discriminatedUnion('outcome', [decidedSchema, failedSchema])
export type ExecutionOutcome = z.infer<typeof executionOutcomeSchema>
export type Decided = z.infer<typeof decidedSchema>
export type NotDecided = z.infer<typeof failedSchema>
