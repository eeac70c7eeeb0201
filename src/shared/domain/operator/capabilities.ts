import { z } from 'zod'
import { positive, privateKeySchema, serviceUrlSchema } from './common.ts'

/** spec nexum-host 8.11 `identity.*`. */
export const identitySectionSchema = z.strictObject({
  /** Folder of encrypted key files; null: `keystore` in the state directory. */
  keystore: z.string().min(1).max(4_096).nullable().default(null),
  /** A key held in memory, for tests; refused unless `testKeyEnabled`. */
  testKey: privateKeySchema.nullable().default(null),
  testKeyEnabled: z.boolean().default(false),
  /** A remote signer's address. */
  remote: serviceUrlSchema.nullable().default(null),
})

/** spec nexum-host 8.9 `remote_store.*`. */
export const remoteStoreSectionSchema = z.strictObject({
  mode: z.enum(['local', 'bee', 'off']).default('local'),
  /** Address of a Bee node's API. */
  api: serviceUrlSchema.nullable().default(null),
  postageBatch: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, '64 hexadecimal digits')
    .transform((text) => text.toLowerCase())
    .nullable()
    .default(null),
  /** Signs feed updates. */
  feedKey: privateKeySchema.nullable().default(null),
  /** Disk use of local mode, in bytes. */
  maxBytes: positive.default(1_073_741_824),
})

/** spec nexum-host 8.10 `messaging.*`. */
export const messagingSectionSchema = z.strictObject({
  mode: z.enum(['local', 'waku', 'off']).default('local'),
  /** Address of a Waku node's REST API. */
  node: serviceUrlSchema.nullable().default(null),
  retention: z
    .strictObject({
      maxAgeMs: positive.default(604_800_000),
      /** Per topic. */
      maxMessages: positive.default(10_000),
    })
    .prefault({}),
})
