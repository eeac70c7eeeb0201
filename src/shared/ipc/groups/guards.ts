/** Calls about what modules may do: capabilities and their parts, accounts and signatures, the audit trail. */
import { z } from 'zod'
import { auditEntrySchema, auditFilterSchema, auditPageSchema } from '../../domain/audit.ts'
import { grantSchema, moduleCapabilitiesSchema } from '../../domain/capability-grants.ts'
import { approvalSchema, identityViewSchema } from '../../domain/identity.ts'
import { call, stream } from '../define.ts'
import { moduleRef, nothing } from './common.ts'

const address = z.string().regex(/^0x[0-9a-f]{40}$/, '0x and 40 lower-case hexadecimal digits')
const passphrase = z.string().max(1_024)
const made = z.object({ address })

export const capabilitiesIpc = {
  /** What the module asks for, has, and used how often and when. */
  view: call(moduleRef, moduleCapabilitiesSchema),
  /** Takes effect with the module's next call, without a restart. */
  grant: call(moduleRef.extend({ grant: grantSchema }), nothing),
  revoke: call(moduleRef.extend({ grant: grantSchema }), nothing),
  /** Who agrees to each signature of the module. */
  setApproval: call(moduleRef.extend({ approval: z.enum(['auto', 'ask', 'deny']) }), nothing),
} as const

export const identityIpc = {
  list: call(nothing, identityViewSchema),
  /** Makes a new key in the keystore; it stays locked. */
  create: call(z.object({ passphrase }), made, { timeoutMs: 120_000 }),
  /** Takes a private key or the text of a version 3 key file, which the passphrase must open. */
  import: call(z.object({ secret: z.string().max(65_536), passphrase }), made, { timeoutMs: 120_000 }),
  /** Until it is locked or Paddock ends. */
  unlock: call(z.object({ address, passphrase }), nothing, { timeoutMs: 120_000 }),
  /** Null: all accounts. */
  lock: call(z.object({ address: address.nullable() }), nothing),
  /** Takes the key file out of the keystore; it is kept in the folder "removed" there. */
  remove: call(z.object({ address }), nothing),
  /** Signatures that wait for the operator, oldest first. */
  approvals: call(nothing, z.array(approvalSchema)),
  /** Everything that waits, at once and whenever it changes. */
  watchApprovals: stream(nothing, z.array(approvalSchema)),
  answer: call(z.object({ id: z.string().max(64), approve: z.boolean() }), nothing),
} as const

export const auditIpc = {
  /** A page of the trail, newest first. `before` is exclusive. */
  query: call(
    z.object({
      filter: auditFilterSchema,
      before: z.number().int().nonnegative().nullable(),
      limit: z.number().int().min(1).max(500),
    }),
    auditPageSchema,
  ),
  /** Entries that fit the filter, as they are made. */
  watch: stream(auditFilterSchema, auditEntrySchema),
  /** Asks where to, and writes what fits the filter as NDJSON, newest first; null when the operator cancels. */
  export: call(
    z.object({ filter: auditFilterSchema }),
    z.object({ path: z.string(), entries: z.number().int().nonnegative() }).nullable(),
    { timeoutMs: 86_400_000 },
  ),
} as const
