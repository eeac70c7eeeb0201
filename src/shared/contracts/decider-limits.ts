/** Limits of deciders and what the operator may set of them (spec decider 5, 6, 10). */
import { z } from 'zod'

const KiB = 1024
const MiB = 1024 * KiB

export const deciderLimits = {
  nameBytes: 128,
  commandTypeBytes: 256,
  commands: 256,
  payloadBytes: MiB,
  streamIdBytes: 512,
  eventsPerDecision: 1_000,
  eventBytes: MiB,
  decisionBytes: 4 * MiB,
  eventTypeBytes: 256,
  headers: 64,
  headerBytes: 16 * KiB,
  snapshotBytes: 4 * MiB,
  chunkEvents: 500,
  chunkBytes: MiB,
  coreInstances: 64,
  tables: 32,
  memories: 4,
  tableElements: 65_536,
  /** Executions at once over the whole engine, and commands that wait for one module. */
  executions: 64,
  queuedPerModule: 256,
  codeCharacters: 128,
  messageCharacters: 4 * KiB,
  details: 32,
  detailCharacters: KiB,
} as const

/** Limits compiled into every decider (spec decider 10). */
export const deciderCompiledLimits = {
  tableElements: deciderLimits.tableElements,
  parts: {
    coreInstances: deciderLimits.coreInstances,
    tables: deciderLimits.tables,
    memories: deciderLimits.memories,
  },
} as const

/** Fuel for each replayed event on top of nothing: a chunk's budget is the larger of this sum and the call budget. */
export const fuelPerEvent = 10_000_000

const count = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)

/** How an operator lets a decider work; every field has the default of the specification. */
export const deciderPolicySchema = z.strictObject({
  /** Rounds after the first when the stream moved; 0 for none. */
  conflictRetries: z.number().int().min(0).max(100).default(3),
  snapshots: z.boolean().default(true),
  /** Raises the cadence that commands declare. */
  snapshotFloor: count.default(10),
  /** Cadence by command type, in place of what the command declares. */
  snapshotEvery: z.record(z.string(), count).default({}),
  untrustedSnapshots: z.enum(['discard', 'fail']).default('discard'),
  replayLimit: count.default(100_000),
  /** Fold every decision before it is appended, not only where a snapshot is due. */
  verifyDecided: z.boolean().default(false),
  fuelPerCall: count.max(2 ** 53 - 1).default(100_000_000),
  fuelPerEvent: count.default(fuelPerEvent),
  callMs: count.max(600_000).default(2_000),
  commandMs: count.max(600_000).default(30_000),
})
export type DeciderPolicy = z.infer<typeof deciderPolicySchema>

export const defaultDeciderPolicy: DeciderPolicy = deciderPolicySchema.parse({})
