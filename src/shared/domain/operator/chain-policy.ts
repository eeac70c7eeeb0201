import { z } from 'zod'
import { methodSchema, positive, serviceUrlSchema, wholeNumber } from './common.ts'

/** How calls to one chain's endpoints are retried and paced (spec nexum-host 8.6). */
export const rpcPolicySchema = z.strictObject({
  /** Retries after the first attempt on one endpoint. */
  maxRetries: wholeNumber.max(20).default(3),
  /** Tokens per second and endpoint. */
  rateLimitPerSecond: positive.max(1_000_000).default(50),
})

/** What an operator sets per chain beside its endpoints (spec nexum-host 5.3 `chains.*`). */
export const chainPolicyShape = {
  /** Base of the order book, or null for the canonical one of the chain (spec 8.7). */
  orderbookUrl: serviceUrlSchema.nullable().default(null),
  /** Blocks of one backfill query. */
  maxLogRangeBlocks: positive.max(1_000_000).default(1_000),
  rpcPolicy: rpcPolicySchema.prefault({}),
  /** Whether signing methods go to `identity` or are denied (spec 8.6). */
  signingMethods: z.enum(['delegate', 'deny']).default('delegate'),
  /** Methods modules may be allowed beyond the reads (`module.chain.extra_allowed_methods`). */
  extraMethods: z.array(methodSchema).max(256).default([]),
  /** Whether an http endpoint, which must be polled, is worth advice at the start. */
  requireWs: z.boolean().default(true),
}
