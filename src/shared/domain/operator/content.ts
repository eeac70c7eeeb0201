import { z } from 'zod'
import { chainIdSchema } from '../primitives.ts'
import { addressSchema, positive, serviceUrlSchema, timeoutMs, wholeNumber } from './common.ts'

/** Where content is fetched from (spec nexum-host 4.5): a gateway or node for one or more schemes, or a folder. */
export const contentSourceSchema = z.discriminatedUnion('kind', [
  /** A folder of files named by their SHA-256. */
  z.strictObject({ kind: z.literal('folder'), path: z.string().min(1).max(4_096) }),
  /** An https server that answers `<url>/<sha256>`. */
  z.strictObject({ kind: z.literal('http'), url: serviceUrlSchema }),
  /** An OCI registry's address. */
  z.strictObject({ kind: z.literal('oci'), url: serviceUrlSchema }),
  /** A Bee node or Swarm gateway. */
  z.strictObject({ kind: z.literal('bzz'), url: serviceUrlSchema }),
  /** An IPFS gateway that answers `<url>/ipfs/<cid>?format=raw`. */
  z.strictObject({ kind: z.literal('ipfs'), url: serviceUrlSchema }),
])
export type ContentSource = z.infer<typeof contentSourceSchema>

export const contentSectionSchema = z.strictObject({
  /** Asked in order. */
  sources: z.array(contentSourceSchema).max(64).default([]),
})

const ensNameSchema = z
  .string()
  .min(1)
  .max(255)
  .refine((name) => name.includes('.') && !/\s/.test(name), 'a name such as module.example.eth')
  .transform((name) => name.toLowerCase())

/** A place that announces modules (spec nexum-host 15.1). */
export const discoverySourceSchema = z.discriminatedUnion('source', [
  z.strictObject({
    source: z.literal('ens'),
    name: ensNameSchema,
    chainId: chainIdSchema,
    pollIntervalMs: timeoutMs.default(300_000),
    /** The ENS registry, where the chain has another than the canonical one. */
    registry: addressSchema.nullable().default(null),
  }),
  z.strictObject({
    source: z.literal('registry'),
    contract: addressSchema,
    chainId: chainIdSchema,
    /** First block to read events from. */
    fromBlock: wholeNumber.default(0),
    pollIntervalMs: timeoutMs.default(15_000),
  }),
  z.strictObject({
    source: z.literal('ens-watch'),
    resolver: addressSchema,
    chainId: chainIdSchema,
    textKey: z.string().min(1).max(256).default('shepherd.module'),
    fromBlock: wholeNumber.default(0),
    pollIntervalMs: timeoutMs.default(15_000),
  }),
])
export type DiscoverySource = z.infer<typeof discoverySourceSchema>

/** spec nexum-host 15.4 `discovery.*`. */
export const discoverySectionSchema = z.strictObject({
  /** `allowlist`: what is not listed waits for review; `auto`: all of it loads. */
  mode: z.enum(['allowlist', 'auto']).default('allowlist'),
  allowedEnsNames: z.array(ensNameSchema).max(1_024).default([]),
  allowedRegistries: z.array(addressSchema).max(1_024).default([]),
  /** Narrows the limits of everything discovered. */
  resourceLimits: z
    .strictObject({
      fuelPerEvent: positive.optional(),
      memoryBytes: positive.optional(),
      stateBytes: wholeNumber.optional(),
    })
    .prefault({}),
  sources: z.array(discoverySourceSchema).max(256).default([]),
})
