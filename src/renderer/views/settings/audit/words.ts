import type { AuditEntry, AuditKind } from '../../../../shared/domain/audit.ts'
import type { MarkKind } from '../../../state/standing.ts'

export const auditKindNames: Readonly<Record<AuditKind, string>> = {
  granted: 'Granted',
  revoked: 'Taken back',
  signature: 'Signature',
  approval: 'Your answer',
  denied: 'Denied call',
  keystore: 'Keystore',
}

/** The mark of an entry, by how it ended. */
export function auditMark(entry: AuditEntry): MarkKind {
  switch (entry.verdict) {
    case 'done':
      return entry.kind === 'revoked' ? 'stopped' : 'running'
    case 'approved':
      return 'running'
    case 'refused':
    case 'denied':
      return 'dead'
    case 'expired':
      return 'unknown'
    case 'failed':
      return 'degraded'
  }
}

/** How far back the filter reaches, by what stands in the route. */
export const auditSpans = [
  { value: '', label: 'All', ms: null },
  { value: '1h', label: '1 h', ms: 3_600_000 },
  { value: '24h', label: '24 h', ms: 86_400_000 },
  { value: '7d', label: '7 d', ms: 604_800_000 },
] as const
