/** Writes the audit trail, or a part of it, to a file of the operator's choice. */
import { open } from 'node:fs/promises'
import type { AuditEntry, AuditFilter } from '../../shared/domain/audit.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { AuditTrail } from './audit-trail.ts'

const pageSize = 500

/**
 * Writes every entry that fits the filter as one JSON object a line, newest first, and answers how many there were.
 * Throws `store.io`.
 */
export async function exportAudit(
  trail: Pick<AuditTrail, 'query'>,
  filter: AuditFilter,
  file: string,
): Promise<number> {
  try {
    const handle = await open(file, 'w', 0o600)
    try {
      let before: number | null = null
      let written = 0
      for (;;) {
        const page: { entries: AuditEntry[]; more: boolean } = await trail.query(filter, before, pageSize)
        const lines = page.entries.map((entry) => `${JSON.stringify(entry)}\n`)
        await handle.appendFile(lines.join(''))
        written += page.entries.length
        before = page.entries.at(-1)?.id ?? null
        if (!page.more || before === null) return written
      }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof PaddockError) throw error
    throw new PaddockError('store.io', 'The audit trail could not be written to this file.', { cause: error })
  }
}
