/**
 * What the engine and the program of a flow know of each other (spec flows). The engine validates a flow file into a
 * plan; the program runs the plan on one guest thread as one long call, `run`, and exchanges letters meanwhile.
 */
import { z } from 'zod'
import { errorReportSchema } from '../domain/primitives.ts'

export const flowContractId = 'flow'

const count = z.number().int().nonnegative()
const millis = z.number().nonnegative()
export const nodeNameSchema = z.string().min(1).max(64)

export const stageRoles = ['source', 'processor', 'filter', 'router', 'aggregator', 'sink'] as const
export const stageRoleSchema = z.enum(stageRoles)
export type StageRole = z.infer<typeof stageRoleSchema>

/** Cases of `process-error`, and `fatal` (spec flows 9.1). */
export const stageErrorCases = [
  'invalid-input',
  'unavailable',
  'internal',
  'deadline-exceeded',
  'fatal',
] as const
export type StageErrorCase = (typeof stageErrorCases)[number]

const simplePolicy = z.enum(['fail-fast', 'skip', 'log', 'dead-letter'])
const basePolicySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fail-fast') }),
  z.strictObject({ kind: z.literal('skip') }),
  z.strictObject({ kind: z.literal('log') }),
  z.strictObject({
    kind: z.literal('retry'),
    max: z.number().int().positive(),
    backoffMs: millis,
    factor: z.number().min(1),
    maxBackoffMs: millis,
    then: z.enum(['fail-fast', 'skip', 'dead-letter']),
  }),
  z.strictObject({ kind: z.literal('dead-letter') }),
])
export type BasePolicy = z.infer<typeof basePolicySchema>

/** What becomes of an element that a stage could not handle (spec flows 9.2). */
export const errorPolicySchema = z.strictObject({
  base: basePolicySchema,
  perCase: z.partialRecord(z.enum(stageErrorCases), simplePolicy),
  /** Where elements are kept that nobody could handle; absolute, chosen by the engine. */
  deadLetter: z.strictObject({ path: z.string(), maxBytes: z.number().int().positive() }).nullable(),
  /** Errors in 60 s before the flow fails; null for no bound. */
  maxErrorsPerMinute: z.number().int().positive().nullable(),
})
export type ErrorPolicy = z.infer<typeof errorPolicySchema>

/** What a node runs: a component, or an end of the flow in the engine (a topic, a chain, a store). */
export const nodeBodySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('component'),
    /** Directory of the verified artifact. */
    artifactDirectory: z.string(),
    /** Import and export names with versions as the component spells them. */
    exports: z.array(z.string()),
    imports: z.array(z.string()),
    /** WASI and other capabilities that were granted, by the names of spec flows 3.4. */
    grants: z.array(z.string()),
  }),
  /** Elements come from and go to the engine by letters `elements`. */
  z.strictObject({ kind: z.literal('host') }),
])

export const flowNodeSchema = z.strictObject({
  name: nodeNameSchema,
  role: stageRoleSchema,
  body: nodeBodySchema,
  /** Handed to `init` as it is. */
  config: z.string(),
  /** Fuel of each call; 0 for no bound. */
  fuel: count,
  memoryBytes: z.number().int().positive(),
  /** Host bytes that the stage may own at a time. */
  bufferBytes: z.number().int().positive(),
  /** 1 to 10; higher goes first among nodes that are ready alike. */
  priority: z.number().int().min(1).max(10),
  callMs: millis,
  errorPolicy: errorPolicySchema,
  circuit: z
    .strictObject({
      failures: z.number().int().positive(),
      openMs: millis,
      maxOpenMs: millis,
      onOpen: z.enum(['hold', 'skip', 'fail']),
    })
    .nullable(),
  /** Names that a router promises, or null. */
  ports: z.array(z.string()).nullable(),
  /** First and longest wait between probes of a sink that paused. */
  pauseProbeMs: z.tuple([millis, millis]),
  fanOut: z.enum(['together', 'independent']),
})
export type FlowNode = z.infer<typeof flowNodeSchema>

export const queuePolicies = ['block-producer', 'drop-oldest', 'drop-newest', 'error'] as const

export const flowEdgeSchema = z.strictObject({
  from: nodeNameSchema,
  /** `output`, or a name of a router. */
  port: z.string(),
  to: nodeNameSchema,
  capacity: z.number().int().positive(),
  policy: z.enum(queuePolicies),
  lowWatermarkRatio: z.number().min(0).lt(1),
  /** Elements a second, or null. */
  rateLimit: z.number().positive().nullable(),
})
export type FlowEdge = z.infer<typeof flowEdgeSchema>

export const flowLevels = ['off', 'production', 'diagnostic'] as const
export const flowLevelSchema = z.enum(flowLevels)
export type FlowLevel = z.infer<typeof flowLevelSchema>

export const flowPriorities = ['critical', 'high', 'normal', 'low', 'background'] as const

/** Everything the program needs; given as `contractData` of its load message. */
export const flowPlanSchema = z.strictObject({
  flow: z.string().min(1).max(64),
  /** 32 hexadecimal digits, or empty with tracing off (spec flows 11). */
  traceId: z.string(),
  nodes: z.array(flowNodeSchema).min(2).max(256),
  edges: z.array(flowEdgeSchema).min(1),
  priority: z.enum(flowPriorities),
  timeouts: z.strictObject({
    /** 0 for none. */
    deadlineMs: millis,
    drainMs: millis,
    cancelMs: millis,
    initMs: millis,
    teardownMs: millis,
  }),
  restart: z.strictObject({ mode: z.enum(['never', 'on-trap']), max: count, windowMs: millis }),
  level: flowLevelSchema,
  /** Share of elements that are traced, 0 to 1. */
  traceRate: z.number().min(0).max(1),
  /** Ends the flow after so many elements from its sources, or null. */
  elementLimit: z.number().int().positive().nullable(),
})
export type FlowPlan = z.infer<typeof flowPlanSchema>

export const flowStates = [
  'created',
  'validated',
  'instantiated',
  'running',
  'draining',
  'completed',
  'cancelled',
  'failed',
] as const
export const flowStateSchema = z.enum(flowStates)
export type FlowState = z.infer<typeof flowStateSchema>

/** The first failure of a flow, in full (spec flows 9.4). */
export const flowFailureSchema = z.object({
  node: z.string().nullable(),
  function: z.string().nullable(),
  sequence: z.number().nullable(),
  case: z.string(),
  error: errorReportSchema,
})
export type FlowFailure = z.infer<typeof flowFailureSchema>

export const nodeFiguresSchema = z.object({
  name: nodeNameSchema,
  /** Initialised, waiting at a closed gate, broken for good. */
  state: z.enum(['waiting', 'ready', 'paused', 'retrying', 'circuit-open', 'dead', 'done']),
  invocations: count,
  elementsIn: count,
  elementsOut: count,
  /** By case. */
  errors: z.record(z.string(), count),
  /** By reason: `stage`, `filter`, `error`, `oldest`, `newest`, `drain`, `no-port`. */
  dropped: z.record(z.string(), count),
  /** Of one call, in nanoseconds; null until there was one. */
  callNs: z.object({ p50: z.number(), p99: z.number(), max: z.number() }).nullable(),
  busyNs: z.number().nonnegative(),
  fuel: count,
  memoryBytes: count,
  ownedBytes: count,
  /** Transfers between host bytes and the guest. */
  copies: count,
  copyBytes: count,
  restarts: count,
})
export type NodeFigures = z.infer<typeof nodeFiguresSchema>

export const edgeFiguresSchema = z.object({
  /** Index in the plan. */
  edge: count,
  transferred: count,
  depth: count,
  peakDepth: count,
  /** Whether back-pressure is on, how often it was, and for how long altogether. */
  pressed: z.boolean(),
  pressures: count,
  pressedNs: z.number().nonnegative(),
  /** Waits of all elements taken so far, in nanoseconds. */
  waitNs: z.number().nonnegative().optional(),
  dropped: count,
})
export type EdgeFigures = z.infer<typeof edgeFiguresSchema>

export const flowFiguresSchema = z.object({
  state: flowStateSchema,
  paused: z.boolean(),
  /** Accepted from sources, and delivered to sinks. */
  elements: count,
  delivered: count,
  errors: count,
  dropped: count,
  copies: count,
  copyBytes: count,
  /** From the end of the pull to the end of the push, in nanoseconds; null until there was one. */
  latencyNs: z.object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() }).nullable(),
  activeNs: z.number().nonnegative(),
  liveBuffers: count,
  pool: z.object({ allocated: count, returned: count, reused: count, fallbacks: count, liveBytes: count }),
  nodes: z.array(nodeFiguresSchema),
  edges: z.array(edgeFiguresSchema),
})
export type FlowFigures = z.infer<typeof flowFiguresSchema>

export const traceSpanSchema = z.object({
  /** 16 hexadecimal digits. */
  span: z.string(),
  parent: z.string().nullable(),
  node: nodeNameSchema,
  function: z.string(),
  sequence: count,
  startNs: z.number(),
  durationNs: z.number().nonnegative(),
  outcome: z.string(),
  /** With `diagnostic`: each transfer of the call. */
  copies: z.array(z.object({ kind: z.enum(['read', 'write', 'clone']), bytes: count })),
  buffer: z.object({ id: z.number(), capacity: count, size: count }).nullable(),
})
export type TraceSpan = z.infer<typeof traceSpanSchema>

const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)

/** One element that crosses between the engine and a host node. */
export const hostElementSchema = z.object({
  bytes,
  contentType: z.string().max(63),
})
export type HostElement = z.infer<typeof hostElementSchema>

/** From the engine to the program, as mail. */
export const toFlowSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pause') }),
  z.object({ kind: z.literal('resume') }),
  /** Sources are pulled no more; what is under way goes on (spec flows 7.2). */
  z.object({ kind: z.literal('drain') }),
  z.object({ kind: z.literal('cancel') }),
  z.object({ kind: z.literal('level'), level: flowLevelSchema, traceRate: z.number().min(0).max(1) }),
  z.object({ kind: z.literal('priority'), priority: z.enum(flowPriorities) }),
  /** For a host source; `closed` when nothing comes after. */
  z.object({
    kind: z.literal('elements'),
    node: nodeNameSchema,
    elements: z.array(hostElementSchema),
    closed: z.boolean(),
  }),
  /** The engine has dealt with so many elements of a host sink: it may be sent as many more. */
  z.object({ kind: z.literal('credit'), node: nodeNameSchema, elements: z.number().int().positive() }),
])
export type ToFlow = z.infer<typeof toFlowSchema>

/** From the program to the engine, as mail. */
export const fromFlowSchema = z.discriminatedUnion('kind', [
  /** At most four a second. */
  z.object({ kind: z.literal('figures'), figures: flowFiguresSchema }),
  z.object({ kind: z.literal('state'), state: flowStateSchema, reason: z.string() }),
  /** Something for the log: names of spec flows 11 (`backpressure.activated`, `component.trap`, …). */
  z.object({
    kind: z.literal('event'),
    event: z.string().max(64),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    node: nodeNameSchema.nullable(),
    message: z.string().max(2_048),
  }),
  z.object({ kind: z.literal('spans'), spans: z.array(traceSpanSchema).max(1_024), dropped: count }),
  /** Of a host sink. */
  z.object({ kind: z.literal('elements'), node: nodeNameSchema, elements: z.array(hostElementSchema) }),
  /** A host source has room for so many more elements. */
  z.object({ kind: z.literal('wanted'), node: nodeNameSchema, elements: z.number().int().positive() }),
])
export type FromFlow = z.infer<typeof fromFlowSchema>

/** Value of the answer to the call `run`: how it ended. */
export const flowEndSchema = z.object({
  state: z.enum(['completed', 'cancelled', 'failed']),
  failure: flowFailureSchema.nullable(),
  figures: flowFiguresSchema,
  /** Buffers that were still alive, which is a fault of a stage. */
  leaked: count,
})
export type FlowEnd = z.infer<typeof flowEndSchema>
