import { z } from 'zod'
import { moduleLimitsSchema } from './limits.ts'
import {
  chainIdSchema,
  errorReportSchema,
  moduleNameSchema,
  sha256Schema,
  timestampMsSchema,
} from './primitives.ts'

/** Where a module is in its life (spec nexum-host 12.1). */
export const moduleStatusSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('needs-consent'), since: timestampMsSchema }),
  z.object({ state: z.literal('resolving'), since: timestampMsSchema }),
  z.object({ state: z.literal('loading'), since: timestampMsSchema }),
  z.object({ state: z.literal('initialising'), since: timestampMsSchema }),
  z.object({ state: z.literal('running'), since: timestampMsSchema }),
  z.object({
    state: z.literal('restarting'),
    since: timestampMsSchema,
    /** Which consecutive failure this is, from 1. */
    attempt: z.number().int().positive(),
    nextAt: timestampMsSchema,
    error: errorReportSchema,
  }),
  z.object({ state: z.literal('stopping'), since: timestampMsSchema }),
  z.object({ state: z.literal('stopped'), since: timestampMsSchema }),
  z.object({ state: z.literal('dead'), since: timestampMsSchema, error: errorReportSchema }),
])
export type ModuleStatus = z.infer<typeof moduleStatusSchema>
export type ModuleState = ModuleStatus['state']

/** How a process or a run ended, from the most reliable signal there is (style 4). */
export const endClassSchema = z.enum([
  'clean',
  'error',
  'crash',
  'oom',
  'killed',
  'launch-failed',
  'start-timeout',
])
export type EndClass = z.infer<typeof endClassSchema>

/** A module that failed too often and waits for the operator (spec nexum-host 12.4). */
export const quarantineSchema = z.object({
  since: timestampMsSchema,
  cause: errorReportSchema,
  class: endClassSchema,
  /** Failures that led to it. */
  attempts: z.number().int().positive(),
})
export type Quarantine = z.infer<typeof quarantineSchema>

export const subscriptionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('block'), chainId: chainIdSchema, backfill: z.boolean() }),
  z.object({ kind: z.literal('cron'), schedule: z.string() }),
  z.object({
    kind: z.literal('log'),
    chainId: chainIdSchema,
    addresses: z.array(z.string()),
    topics: z.array(z.array(z.string()).nullable()),
    resume: z.boolean(),
    maxLookback: z.number().int().nonnegative().nullable(),
    batch: z.boolean(),
  }),
  z.object({ kind: z.literal('message'), contentTopic: z.string(), echo: z.boolean() }),
  /** What a decider decided (spec decider 11); no types: all. */
  z.object({
    kind: z.literal('decider-events'),
    module: z.string(),
    types: z.array(z.string()),
    from: z.enum(['start', 'now']),
  }),
])
export type Subscription = z.infer<typeof subscriptionSchema>

/** How a capability stands for one module. */
export const capabilityStandingSchema = z.object({
  name: z.string(),
  asked: z.enum(['required', 'optional', 'denied', 'undeclared', 'legacy']),
  /** Whether the component really imports it. */
  imported: z.boolean(),
  verdict: z.enum(['granted', 'refused', 'unsupported']),
  calls: z.number().int(),
  denied: z.number().int(),
})
export type CapabilityStanding = z.infer<typeof capabilityStandingSchema>

/** Live figures of a module; latencies over the last 5 minutes. */
export const moduleUsageSchema = z.object({
  dispatches: z.number().int(),
  rolledBack: z.number().int(),
  failed: z.number().int(),
  /** The last dispatches that the module answered with an error, with none kept since. */
  rolledBackInRow: z.number().int(),
  eventsPerSecond: z.number(),
  queued: z.number().int(),
  dropped: z.number().int(),
  latencyMsP50: z.number().nullable(),
  latencyMsP99: z.number().nullable(),
  /** Median fuel of a dispatch, or null when nothing ran yet. */
  fuelP50: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  storeBytes: z.number().nullable(),
  /** Resident memory of the sandbox process. */
  residentBytes: z.number().nullable(),
  /** Share of one core over the last sample, 0 to 1 or more. */
  cpu: z.number().nullable(),
  hostCalls: z.number().int(),
  logLines: z.number().int(),
  logLinesDropped: z.number().int(),
})
export type ModuleUsage = z.infer<typeof moduleUsageSchema>

export const moduleViewSchema = z.object({
  name: moduleNameSchema,
  version: z.string(),
  description: z.string(),
  authors: z.array(z.string()),
  contract: z.object({ id: z.string(), title: z.string(), world: z.string() }).nullable(),
  bundlePath: z.string(),
  componentSha256: sha256Schema.nullable(),
  componentBytes: z.number().int().nullable(),
  pinned: z.boolean(),
  status: moduleStatusSchema,
  /** One life of one instance; a restart begins a new run (spec nexum-host 0). */
  run: z.number().int().nonnegative(),
  restarts: z.number().int().nonnegative(),
  pid: z.number().int().nullable(),
  subscriptions: z.array(subscriptionSchema),
  capabilities: z.array(capabilityStandingSchema),
  config: z.array(z.tuple([z.string(), z.string()])),
  /** What it may use. */
  limits: moduleLimitsSchema,
  /** What its manifest asks for, and what the operator set instead; absent where neither did. */
  limitsAsked: moduleLimitsSchema.partial(),
  limitsSet: moduleLimitsSchema.partial(),
  usage: moduleUsageSchema,
  lastError: z.object({ time: timestampMsSchema, error: errorReportSchema }).nullable(),
  quarantine: quarantineSchema.nullable(),
  warnings: z.array(z.string()),
})
export type ModuleView = z.infer<typeof moduleViewSchema>

/** One guest export call, as shown in the list of recent dispatches. */
export const dispatchSchema = z.object({
  dispatch: z.number().int().nonnegative(),
  run: z.number().int(),
  startedAt: timestampMsSchema,
  eventType: z.string(),
  chainId: chainIdSchema.nullable(),
  blockNumber: z.number().int().nullable(),
  result: z.enum(['committed', 'rolled-back', 'failed']),
  error: errorReportSchema.nullable(),
  queuedMs: z.number(),
  durationMs: z.number(),
  fuel: z.number().nullable(),
  hostCalls: z.number().int(),
  writes: z.number().int(),
})
export type Dispatch = z.infer<typeof dispatchSchema>

/** One thing a module asks for, in words an operator can judge. */
export const askSchema = z.object({
  /** Capability name; the unit of granting. */
  capability: z.string(),
  title: z.string(),
  detail: z.string(),
  required: z.boolean(),
  /** Stands out in the prompt and starts off when optional. */
  risky: z.boolean(),
  /** Cannot be refused because it is harmless (logging, clock, random). */
  harmless: z.boolean(),
})
export type Ask = z.infer<typeof askSchema>

/** What the console shows before a module first runs. */
export const installRequestSchema = z.object({
  requestId: z.string(),
  name: moduleNameSchema,
  version: z.string(),
  description: z.string(),
  authors: z.array(z.string()),
  contract: z.object({ id: z.string(), title: z.string(), world: z.string() }),
  bundlePath: z.string(),
  componentSha256: sha256Schema,
  componentBytes: z.number().int(),
  pinned: z.boolean(),
  imports: z.array(z.string()),
  asks: z.array(askSchema),
  subscriptions: z.array(subscriptionSchema),
  /** What the manifest asks for; null where it does not say. */
  limitsAsked: moduleLimitsSchema.partial(),
  limitsGiven: moduleLimitsSchema,
  warnings: z.array(z.string()),
  /** Chains it needs that have no endpoint yet. */
  chainsMissing: z.array(chainIdSchema),
  /** Set when a module of this name is loaded from the same place: this is then an upgrade. */
  replaces: z.object({ version: z.string(), componentSha256: sha256Schema.nullable() }).nullable(),
})
export type InstallRequest = z.infer<typeof installRequestSchema>
