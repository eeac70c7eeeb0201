import { z } from 'zod'
import { operationIdSchema, secretNameSchema } from '../../contracts/tool.ts'
import { sha256Schema } from '../primitives.ts'
import { addressSchema, destinationSchema, methodSchema } from './common.ts'

/** What the operator gave one module beyond its capabilities (spec nexum-host 5.1, 6.6, 8.8, 8.11). */
export const moduleGrantsSchema = z.object({
  /** Accounts it may see and sign with, in this order. */
  accounts: z.array(addressSchema).max(64).default([]),
  /** Who agrees to each signature. */
  approval: z.enum(['auto', 'ask', 'deny']).default('ask'),
  /** JSON-RPC methods beyond the reads, of those that its chains offer; null for all that it asks for. */
  extraMethods: z.array(methodSchema).max(256).nullable().default(null),
  /** Private addresses it may reach, beside those that every module may. */
  permitDestinations: z.array(destinationSchema).max(256).default([]),
  /** Entries of its HTTP allowlist that are refused. */
  refusedHosts: z.array(z.string().max(253)).max(256).default([]),
  /** Entries of its topic list that are refused. */
  refusedTopics: z.array(z.string().max(256)).max(256).default([]),
  /** SHA-256 its component must have, whatever its manifest says (spec 4.4). */
  digest: sha256Schema.nullable().default(null),
  /** Secrets that a tool may use, each on these of the hosts it declares (spec tools 2, 5). */
  secrets: z
    .array(z.object({ name: secretNameSchema, hosts: z.array(z.string().max(253)).max(64) }))
    .max(256)
    .default([]),
  /** The operator's word on operations of a tool, by their id; the tool's own where there is none. */
  operations: z.record(operationIdSchema, z.enum(['allow', 'ask', 'deny'])).default({}),
  /** The engine that owns the databases of its actors; left out for this one (spec actors-sql 12). */
  actorEngine: z
    .object({
      /** `ws:` or `wss:`. */
      url: z
        .string()
        .regex(/^wss?:\/\//, 'a ws or wss address')
        .max(2_048),
      /** File with the token that the other engine asks for. */
      tokenFile: z.string().min(1).max(4_096),
    })
    .optional(),
})
export type ModuleGrants = z.infer<typeof moduleGrantsSchema>

const none: ModuleGrants = moduleGrantsSchema.parse({})

/** The grants of a module's record; nothing beyond its capabilities where none were kept. */
export function moduleGrants(record: { readonly grants?: ModuleGrants | undefined }): ModuleGrants {
  return record.grants ?? none
}

/**
 * Methods beyond the reads that a module may use where its manifest and the chain name them too; null for all of these.
 * A discovered module has none that the operator did not name (spec nexum-host 15.4).
 */
export function extraMethodsOf(record: {
  readonly grants?: ModuleGrants | undefined
  readonly discoveredBy?: string | undefined
}): readonly string[] | null {
  return moduleGrants(record).extraMethods ?? (record.discoveredBy === undefined ? null : [])
}
