import { z } from 'zod'
import { capabilityStandingSchema } from './module.ts'
import { addressSchema, destinationSchema, methodSchema } from './operator/common.ts'
import { moduleNameSchema, timestampMsSchema } from './primitives.ts'

const pattern = z.string().min(1).max(256)

/** One thing that the operator gives a module or takes from it while it runs. */
export const grantSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('capability'), name: z.string().min(1).max(64) }),
  /** An entry of its HTTP allowlist. */
  z.object({ kind: z.literal('host'), pattern }),
  /** An entry of its topic list. */
  z.object({ kind: z.literal('topic'), pattern }),
  z.object({ kind: z.literal('account'), address: addressSchema }),
  /** A JSON-RPC method beyond the reads, of those it asks for. */
  z.object({ kind: z.literal('method'), method: methodSchema }),
  /** A private address or range it may reach. */
  z.object({ kind: z.literal('destination'), range: destinationSchema }),
])
export type Grant = z.infer<typeof grantSchema>

/** A part of a capability, asked for by the manifest and granted or refused by the operator. */
const partSchema = z.object({ name: z.string(), granted: z.boolean() })

/** Everything about what one module may reach, for its page of capabilities. */
export const moduleCapabilitiesSchema = z.object({
  module: moduleNameSchema,
  capabilities: z.array(
    capabilityStandingSchema.extend({
      /** Null when it was never called in this life of the engine. */
      lastUsedAt: timestampMsSchema.nullable(),
      /** Whether the operator may take it away: what reaches nothing cannot be refused. */
      revocable: z.boolean(),
      /** Whether the operator may give it: only what the manifest declares. */
      grantable: z.boolean(),
    }),
  ),
  hosts: z.array(partSchema),
  /** Null: any topic. */
  topics: z.array(partSchema).nullable(),
  methods: z.array(partSchema),
  /** What of identity the manifest asks for; null for all of it. */
  identityMethods: z.array(z.string()).nullable(),
  accounts: z.array(z.string()),
  approval: z.enum(['auto', 'ask', 'deny']),
  destinations: z.array(z.string()),
})
export type ModuleCapabilities = z.infer<typeof moduleCapabilitiesSchema>
