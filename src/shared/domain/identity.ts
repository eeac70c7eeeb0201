import { z } from 'zod'
import { chainIdSchema, moduleNameSchema, timestampMsSchema } from './primitives.ts'

const address = z.string().regex(/^0x[0-9a-f]{40}$/, '0x and 40 lower-case hexadecimal digits')

/** An account that modules may be granted. */
export const accountViewSchema = z.object({
  address,
  source: z.enum(['keystore', 'test-key', 'remote']),
  /** Whether it must be unlocked before anything can be signed. */
  locked: z.boolean(),
  /** When its key file was made; null where there is none. */
  createdAt: timestampMsSchema.nullable(),
  /** Modules that may use it, with who agrees to each signature. */
  grants: z.array(z.object({ module: moduleNameSchema, approval: z.enum(['auto', 'ask', 'deny']) })),
})
export type AccountView = z.infer<typeof accountViewSchema>

/** One value that is signed: where in the document, its type, and the value as text. */
export const shownFieldSchema = z.object({ path: z.string(), type: z.string(), value: z.string() })
export type ShownField = z.infer<typeof shownFieldSchema>

/** What is to be signed, made from the bytes that are signed and from nothing the module says of them. */
export const signedContentSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('message'),
    bytes: z.number().int(),
    /** Null where the bytes are not text. Cut where it is long. */
    text: z.string().nullable(),
    /** The first bytes in hexadecimal. */
    hex: z.string(),
    isCut: z.boolean(),
  }),
  z.object({
    kind: z.literal('typed-data'),
    primaryType: z.string(),
    domain: z.array(shownFieldSchema),
    fields: z.array(shownFieldSchema),
    hiddenFields: z.number().int(),
  }),
  z.object({
    kind: z.literal('transaction'),
    /** Null creates a contract. */
    to: z.string().nullable(),
    /** Wei, decimal. */
    valueWei: z.string(),
    /** Cut where it is long. */
    data: z.string(),
    dataBytes: z.number().int(),
    nonce: z.string(),
    gas: z.string(),
    /** The most that it may cost in fees, wei, decimal. */
    maxFeeWei: z.string(),
  }),
])
export type SignedContent = z.infer<typeof signedContentSchema>

/** A signature that waits for the operator's answer. */
export const approvalSchema = z.object({
  id: z.string(),
  module: moduleNameSchema,
  account: address,
  method: z.enum(['sign', 'sign-typed-data', 'sign-transaction']),
  /** The chain that what is signed names; null where it names none. */
  chainId: chainIdSchema.nullable(),
  /** What is signed: 0x and 64 hexadecimal digits. */
  digest: z.string(),
  content: signedContentSchema,
  askedAt: timestampMsSchema,
  /** Refused by itself at this time. */
  expiresAt: timestampMsSchema,
})
export type Approval = z.infer<typeof approvalSchema>

/** The page of keys and approvals. */
export const identityViewSchema = z.object({
  accounts: z.array(accountViewSchema),
  approvals: z.array(approvalSchema),
  /** Absolute path of the folder with key files. */
  keystore: z.string(),
  remote: z.boolean(),
  /** What keeps a source from being used; for people. */
  warnings: z.array(z.string()),
})
export type IdentityView = z.infer<typeof identityViewSchema>
