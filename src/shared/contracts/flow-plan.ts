/** What the program of a flow is given to run: nodes, edges, limits, policies (spec flows 2). */
import { z } from 'zod'

/** Nodes and edges of one flow. */
export const maxNodes = 256
export const maxEdges = 4_096

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
  nodes: z.array(flowNodeSchema).min(2).max(maxNodes),
  edges: z.array(flowEdgeSchema).min(1).max(maxEdges),
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
