/** Tools, their calls and secrets as the operator sees them (spec tools). */
import { z } from 'zod'
import {
  dispatchKindSchema,
  operationEffects,
  operationIdSchema,
  secretNameSchema,
} from '../contracts/tool.ts'
import { errorReportSchema, moduleNameSchema, timestampMsSchema } from './primitives.ts'

const count = z.number().int().nonnegative()

export const toolOperationViewSchema = z.object({
  id: operationIdSchema,
  description: z.string(),
  effects: z.array(z.enum(operationEffects)),
  /** What applies now: the tool's own word, or the operator's. */
  permission: z.enum(['allow', 'ask', 'deny']),
  declaredPermission: z.enum(['allow', 'ask', 'deny']),
})
export type ToolOperationView = z.infer<typeof toolOperationViewSchema>

export const toolViewSchema = z.object({
  module: moduleNameSchema,
  version: z.string(),
  /** Whether calls are taken now. */
  state: z.enum(['preparing', 'ready', 'stopped', 'failed', 'quarantined']),
  error: errorReportSchema.nullable(),
  /** The component's own description; untrusted text. */
  description: z.string(),
  /** JSON Schema of the parameters, as text; empty until prepared. */
  schema: z.string(),
  operations: z.array(toolOperationViewSchema),
  /** Names of secrets that its credentials need, and whether a value is there and granted. */
  secrets: z.array(
    z.object({
      name: secretNameSchema,
      hosts: z.array(z.string()),
      required: z.boolean(),
      present: z.boolean(),
      /** For every one of its hosts. */
      granted: z.boolean(),
      /** Hosts it was granted for, of those. */
      grantedHosts: z.array(z.string()).default([]),
      /** How it is added to requests, for instance `bearer`. */
      injected: z.array(z.enum(['bearer', 'header', 'query', 'basic', 'path'])).default([]),
    }),
  ),
  running: count,
  queued: count,
  /** Since the engine started. */
  calls: count,
  failures: count,
})
export type ToolView = z.infer<typeof toolViewSchema>

export const egressTraceSchema = z.object({
  at: timestampMsSchema,
  method: z.string(),
  /** Without credentials; redacted. */
  url: z.string(),
  /** 0 for the request itself, then its redirects. */
  hop: count,
  /** The rule that allowed it (`api.github.com:443 GET /`), or the step that refused it. */
  verdict: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('allowed'), rule: z.string() }),
    z.object({ kind: z.literal('refused'), step: z.string(), code: z.string(), reason: z.string() }),
    z.object({ kind: z.literal('failed'), rule: z.string(), code: z.string() }),
  ]),
  /** Names of secrets that were injected; never a value. */
  injected: z.array(secretNameSchema),
  /** Address connected to, or null. */
  peer: z.string().nullable(),
  status: z.number().int().nullable(),
  requestBytes: count,
  responseBytes: count,
  /** Matches that were replaced in the response. */
  redactions: count,
  durationMs: z.number().nonnegative(),
})
export type EgressTrace = z.infer<typeof egressTraceSchema>

export const toolUsageSchema = z.object({
  wallMs: z.number().nonnegative(),
  outputBytes: count,
  /** Outbound body bytes (spec tools 4 step 17). */
  egressBytes: count,
  totalBytesOut: count,
  bytesIn: count,
  httpRequests: count,
  /** Calls of other tools. */
  invocations: count,
})
export type ToolUsage = z.infer<typeof toolUsageSchema>

export const toolFailureSchema = z.object({
  kind: dispatchKindSchema,
  /** Stable short identifier of the guest or the engine, or null. */
  code: z.string().nullable(),
  /** Untrusted text where the guest gave it; at most 2048 bytes. */
  message: z.string(),
  /** Secrets to renew, for `auth_required`. */
  secrets: z.array(secretNameSchema),
  /** Status of the last HTTP answer of the call, or null. */
  httpStatus: z.number().int().nullable(),
  settlementDeferred: z.boolean(),
})
export type ToolFailure = z.infer<typeof toolFailureSchema>

export const toolOutcomeSchema = z.discriminatedUnion('ok', [
  /** `output` is JSON text, scanned and redacted. */
  z.object({ ok: z.literal(true), output: z.string() }),
  z.object({ ok: z.literal(false), failure: toolFailureSchema }),
])
export type ToolOutcome = z.infer<typeof toolOutcomeSchema>

export const toolLogLineSchema = z.object({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error']),
  message: z.string(),
})

export const toolCallSchema = z.object({
  id: z.string().max(64),
  module: moduleNameSchema,
  operation: operationIdSchema,
  /** Who asked. */
  caller: z.enum(['console', 'command', 'http', 'mcp', 'tool']),
  startedAt: timestampMsSchema,
  state: z.enum(['reserved', 'queued', 'preparing', 'running', 'stopping', 'settling', 'settled']),
  /** Redacted, cut at 64 KiB. */
  params: z.string(),
  outcome: toolOutcomeSchema.nullable(),
  usage: toolUsageSchema,
  trace: z.array(egressTraceSchema),
  logs: z.array(toolLogLineSchema),
  logsDropped: count,
})
export type ToolCallView = z.infer<typeof toolCallSchema>

/** A call in a list: what is long is left out, and asked for by the id of the call. */
export const toolCallLineSchema = toolCallSchema
  .pick({ id: true, module: true, operation: true, caller: true, startedAt: true, state: true })
  .extend({
    /** Null until it has an answer. */
    end: z
      .object({
        ok: z.boolean(),
        kind: dispatchKindSchema.nullable(),
        code: z.string().nullable(),
        outputBytes: count,
      })
      .nullable(),
    wallMs: z.number().nonnegative(),
  })
export type ToolCallLine = z.infer<typeof toolCallLineSchema>

/** The server that lets other programs of this machine call tools. */
export const toolServerViewSchema = z.object({
  enabled: z.boolean(),
  port: z.number().int().min(0).max(65_535),
  /** `http://127.0.0.1:7415`, or null while nothing listens. */
  url: z.string().nullable(),
  tokenFile: z.string(),
})
export type ToolServerFacts = z.infer<typeof toolServerViewSchema>

export const secretViewSchema = z.object({
  name: secretNameSchema,
  createdAt: timestampMsSchema,
  updatedAt: timestampMsSchema,
  lastUsedAt: timestampMsSchema.nullable(),
  /** Tools that may use it, with the hosts it may go to. */
  grants: z.array(z.object({ module: moduleNameSchema, hosts: z.array(z.string()) })),
})
export type SecretView = z.infer<typeof secretViewSchema>
