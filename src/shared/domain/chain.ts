import { z } from 'zod'
import { chainPolicyShape } from './operator/chain-policy.ts'
import { chainIdSchema, errorReportSchema, timestampMsSchema } from './primitives.ts'

export const endpointSchemes = ['http:', 'https:', 'ws:', 'wss:'] as const

/** An RPC address: http(s) is polled, ws(s) pushes. */
export const endpointUrlSchema = z
  .string()
  .max(2_048)
  .superRefine((text, context) => {
    if (/\s/.test(text)) {
      context.addIssue({ code: 'custom', message: 'There is a blank in the address. Remove it.' })
      return
    }
    let url: URL
    try {
      url = new URL(text)
    } catch {
      context.addIssue({
        code: 'custom',
        message: 'This is not a full address. Begin with https:// or wss://.',
      })
      return
    }
    if (!(endpointSchemes as readonly string[]).includes(url.protocol)) {
      context.addIssue({
        code: 'custom',
        message: `"${url.protocol}" cannot be used. Use http, https, ws or wss.`,
      })
    }
  })

export const endpointSchema = z.object({ url: endpointUrlSchema })
export type Endpoint = z.infer<typeof endpointSchema>

/** A chain as the operator configured it; persisted. Endpoints are tried in order. */
export const chainConfigSchema = z.object({
  chainId: chainIdSchema,
  name: z.string().trim().min(1).max(64),
  endpoints: z.array(endpointSchema).max(16),
  /** How often an http endpoint is polled for its head, in milliseconds. */
  pollIntervalMs: z.number().int().min(250).max(600_000).default(4_000),
  /** Bound of one guest call, in milliseconds (spec nexum-host 5.3 request_timeout_secs). */
  requestTimeoutMs: z.number().int().min(100).max(600_000).default(30_000),
  ...chainPolicyShape,
})
export type ChainConfig = z.infer<typeof chainConfigSchema>

export const endpointHealthSchema = z.enum(['unknown', 'connecting', 'serving', 'standby', 'failing'])

/** A change of who serves a chain, or of how an endpoint stands; newest last, bounded. */
export const transitionSchema = z.object({
  time: timestampMsSchema,
  from: z.string(),
  to: z.string(),
  /** Why, or null when it is for the better. */
  reason: errorReportSchema.nullable(),
})
export type Transition = z.infer<typeof transitionSchema>

export const endpointViewSchema = z.object({
  /** Redacted: no user-info, query, fragment or key-like path segment (spec nexum-host 5.5). */
  label: z.string(),
  transport: z.enum(['http', 'ws']),
  health: endpointHealthSchema,
  error: errorReportSchema.nullable(),
  latencyMsP50: z.number().nullable(),
  latencyMsP95: z.number().nullable(),
  latencyMsP99: z.number().nullable(),
  requests: z.number().int(),
  errors: z.number().int(),
  /** Times that it was asked too often, by its own word or by the pace set for it. */
  rateLimited: z.number().int(),
  /** Times that a request was tried on it again. */
  retries: z.number().int(),
  /** The last failure, also when it is over. */
  lastError: z.object({ time: timestampMsSchema, error: errorReportSchema }).nullable(),
  /** Its changes of health. */
  changes: z.array(transitionSchema),
})

export const chainViewSchema = z.object({
  config: chainConfigSchema,
  /** True for the chain of the built-in local devnet, whose endpoint Paddock sets itself. */
  devnet: z.boolean(),
  status: z.enum(['idle', 'connecting', 'live', 'stale', 'down']),
  /** Why it is down, or null. */
  error: errorReportSchema.nullable(),
  head: z
    .object({
      number: z.number().int(),
      hash: z.string(),
      timestamp: timestampMsSchema,
      receivedAt: timestampMsSchema,
    })
    .nullable(),
  endpoints: z.array(endpointViewSchema),
  /** Names of modules subscribed to this chain. */
  modules: z.array(z.string()),
  requestsPerSecond: z.number(),
  reconnects: z.number().int(),
  blocksBackfilled: z.number().int(),
  blocksSkipped: z.number().int(),
  /** Times that a less preferred endpoint took over. */
  failovers: z.number().int(),
  /** Who served and why it changed: labels of endpoints. */
  timeline: z.array(transitionSchema),
  /** Distinct log filters that are open upstream. */
  logFilters: z.number().int(),
  /** Logs that were fetched because they were missed. */
  logsBackfilled: z.number().int(),
  /** Logs that the node took back, which modules are not told (spec nexum-host 10.3). */
  logsRemoved: z.number().int(),
})
export type ChainView = z.infer<typeof chainViewSchema>
export type EndpointView = z.infer<typeof endpointViewSchema>

/** What a test of an endpoint found, before anything is saved. */
export const endpointTestSchema = z.object({
  ok: z.boolean(),
  chainId: chainIdSchema.nullable(),
  head: z.number().int().nullable(),
  latencyMs: z.number().nullable(),
  /** Whether the endpoint pushes heads (eth_subscribe) or must be polled. */
  pushesHeads: z.boolean().nullable(),
  error: errorReportSchema.nullable(),
})
export type EndpointTest = z.infer<typeof endpointTestSchema>

export const devnetViewSchema = z.object({
  state: z.enum(['stopped', 'starting', 'running', 'failed', 'unavailable']),
  chainId: chainIdSchema,
  url: z.string().nullable(),
  blockTimeSeconds: z.number(),
  pid: z.number().int().nullable(),
  error: errorReportSchema.nullable(),
})
export type DevnetView = z.infer<typeof devnetViewSchema>
