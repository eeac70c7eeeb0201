import { z } from 'zod'
import { timestampMsSchema } from './primitives.ts'

/** What the audit trail tells of. */
export const auditKinds = ['granted', 'revoked', 'signature', 'approval', 'denied', 'keystore'] as const

/** One entry: who did what with which account, and how it ended. */
export const auditEntrySchema = z.object({
  /** Ascending over all starts; the cursor of paging. */
  id: z.number().int().nonnegative(),
  time: timestampMsSchema,
  kind: z.enum(auditKinds),
  /** The module it concerns, or null for what the operator did by hand. */
  module: z.string().max(128).nullable(),
  capability: z.string().max(64).nullable(),
  /** 0x and 40 lower-case hexadecimal digits. */
  account: z.string().max(42).nullable(),
  /** The function called, the signing method, or the action on the keystore. */
  method: z.string().max(64).nullable(),
  /** What was signed: 0x and 64 hexadecimal digits. */
  digest: z.string().max(66).nullable(),
  verdict: z.enum(['done', 'approved', 'refused', 'expired', 'denied', 'failed']),
  /** In plain words. */
  text: z.string().max(512),
  /** How often it happened since the entry before of its kind, for denied calls that come often. */
  count: z.number().int().positive(),
})
export type AuditEntry = z.infer<typeof auditEntrySchema>
export type AuditKind = AuditEntry['kind']

export const auditFilterSchema = z.object({
  module: z.string().max(128).optional(),
  kinds: z.array(z.enum(auditKinds)).max(auditKinds.length).optional(),
  /** Nothing from before this time. */
  since: timestampMsSchema.optional(),
})
export type AuditFilter = z.infer<typeof auditFilterSchema>

/** Newest first. */
export const auditPageSchema = z.object({ entries: z.array(auditEntrySchema), more: z.boolean() })
export type AuditPage = z.infer<typeof auditPageSchema>

/** Whether an entry is among those that a filter asks for. */
export function fitsAudit(entry: AuditEntry, filter: AuditFilter): boolean {
  return (
    (filter.module === undefined || entry.module === filter.module) &&
    (filter.kinds === undefined || filter.kinds.includes(entry.kind)) &&
    (filter.since === undefined || entry.time >= filter.since)
  )
}
