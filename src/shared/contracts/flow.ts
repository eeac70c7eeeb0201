/**
 * What the engine and the program of a flow know of each other (spec flows). The engine validates a flow file into a
 * plan; the program runs the plan on one guest thread as one long call, `run`, and exchanges letters meanwhile.
 */
import { z } from 'zod'
import { errorReportSchema } from '../domain/primitives.ts'
import { flowLevelSchema, flowPriorities, maxEdges, maxNodes, nodeNameSchema } from './flow-plan.ts'

export * from './flow-plan.ts'

export const flowContractId = 'flow'

/** Elements that may be on their way between the engine and one end of the flow. */
export const hostWindow = 256
/** Transfers that are told of one call. */
export const maxCopyRecords = 64
/** Of what the program of a flow says in words. */
const maxTextChars = 4_096

const count = z.number().int().nonnegative()

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
  nodes: z.array(nodeFiguresSchema).max(maxNodes),
  edges: z.array(edgeFiguresSchema).max(maxEdges),
})
export type FlowFigures = z.infer<typeof flowFiguresSchema>

export const traceSpanSchema = z.object({
  /** 16 hexadecimal digits. */
  span: z.string().max(16),
  parent: z.string().max(16).nullable(),
  node: nodeNameSchema,
  function: z.string().max(64),
  sequence: count,
  startNs: z.number(),
  durationNs: z.number().nonnegative(),
  outcome: z.string().max(64),
  /** With `diagnostic`: the first transfers of the call. */
  copies: z.array(z.object({ kind: z.enum(['read', 'write', 'clone']), bytes: count })).max(maxCopyRecords),
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
    elements: z.array(hostElementSchema).max(hostWindow),
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
  z.object({ kind: z.literal('state'), state: flowStateSchema, reason: z.string().max(maxTextChars) }),
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
  z.object({
    kind: z.literal('elements'),
    node: nodeNameSchema,
    elements: z.array(hostElementSchema).max(hostWindow),
  }),
  /** A host source has room for so many more elements. */
  z.object({
    kind: z.literal('wanted'),
    node: nodeNameSchema,
    elements: z.number().int().positive().max(hostWindow),
  }),
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
