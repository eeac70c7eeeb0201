/** Flows as the operator sees them (spec flows). */
import { z } from 'zod'
import {
  errorPolicySchema,
  flowEndSchema,
  flowFiguresSchema,
  flowLevelSchema,
  flowPriorities,
  flowStateSchema,
  queuePolicies,
  stageRoleSchema,
} from '../contracts/flow.ts'
import { errorReportSchema, timestampMsSchema } from './primitives.ts'

const count = z.number().int().nonnegative()

/** Name of an installed flow: `file name of its folder/flow name`, unique on this machine. */
export const flowIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)

/** One thing wrong with a flow file, with its place (spec flows 3.2). */
export const flowProblemSchema = z.object({
  /** `E0902` and the like, stable. */
  code: z.string().regex(/^E\d{4}$/),
  severity: z.enum(['error', 'warning']),
  message: z.string(),
  /** The file it is in: the flow file, or the settings of the operator that lie under it. */
  file: z.string().optional(),
  /** Key path, for instance `flow.main.edges[2].from.node`, or null. */
  key: z.string().nullable(),
  node: z.string().nullable(),
  port: z.string().nullable(),
  line: z.number().int().positive().nullable(),
  column: z.number().int().positive().nullable(),
  expected: z.string().nullable(),
  found: z.string().nullable(),
  help: z.string().nullable(),
})
export type FlowProblem = z.infer<typeof flowProblemSchema>

export const flowNodeViewSchema = z.object({
  name: z.string(),
  role: stageRoleSchema,
  /** File of the component, or what the host end is: `topic orders`, `blocks of chain 1`, `store`. */
  body: z.string(),
  isHost: z.boolean(),
  config: z.string(),
  ports: z.array(z.string()).nullable(),
  queueWatermark: z.number(),
  memoryBytes: count,
  fuel: count,
  grants: z.array(z.string()),
  /** What becomes of an element that the stage cannot handle. */
  errorPolicy: errorPolicySchema.pick({ base: true, perCase: true, maxErrorsPerMinute: true }).optional(),
  /** Longest call, in milliseconds. */
  callMs: z.number().nonnegative().optional(),
})

export const flowEdgeViewSchema = z.object({
  from: z.string(),
  port: z.string(),
  to: z.string(),
  capacity: count,
  policy: z.enum(queuePolicies),
})

/** The shape of a flow, for a graph; present also for a flow that does not run. */
export const flowGraphSchema = z.object({
  name: z.string(),
  description: z.string(),
  nodes: z.array(flowNodeViewSchema),
  edges: z.array(flowEdgeViewSchema),
})
export type FlowGraph = z.infer<typeof flowGraphSchema>

/** One thing that a flow asks the operator for (spec flows 3.4). */
export const flowAskSchema = z.object({
  /** `source/wasi-clocks`; `allow-all` for everything. */
  key: z.string().max(256),
  node: z.string().nullable(),
  capability: z.string(),
  title: z.string(),
  risky: z.boolean(),
})
export type FlowAsk = z.infer<typeof flowAskSchema>

export const flowViewSchema = z.object({
  id: flowIdSchema,
  /** The flow file. */
  file: z.string(),
  graph: flowGraphSchema,
  problems: z.array(flowProblemSchema),
  /** Idle: it never ran since it was loaded, or was loaded anew. */
  state: z.union([z.literal('idle'), z.literal('preparing'), flowStateSchema]),
  since: timestampMsSchema,
  startedAt: timestampMsSchema.nullable(),
  paused: z.boolean(),
  enabled: z.boolean(),
  priority: z.enum(flowPriorities),
  level: flowLevelSchema,
  /** Share of elements that are traced, 0 to 1. */
  traceRate: z.number().min(0).max(1).optional(),
  pid: z.number().int().nullable(),
  residentBytes: count.nullable(),
  figures: flowFiguresSchema.nullable(),
  /** Elements a second over the last seconds, from sources. */
  rate: z.number().nonnegative(),
  /** How the last run ended. */
  end: flowEndSchema.pick({ state: true, failure: true, leaked: true }).nullable(),
  /** Why it could not be started. */
  error: errorReportSchema.nullable(),
})
export type FlowView = z.infer<typeof flowViewSchema>
