/** What deciders and their answers are called on the screen. */
import type { CommandSpec, ExecutionOutcome, ExecutionStats } from '../../../shared/contracts/decider.ts'
import type { OutcomeRecord } from '../../../shared/contracts/decider-views.ts'
import type { MarkKind } from '../standing.ts'

export const preconditionWords: Readonly<Record<CommandSpec['precondition'], string>> = {
  'stream-unchanged': 'Appends only if the stream is unchanged',
  'no-stream': 'Appends only if there is no such stream yet',
  'stream-exists': 'Appends only if the stream exists',
  any: 'Appends whatever else was appended meanwhile',
}

/** A type without the decider's own name before it, which stands above all of them. */
export function shortType(type: string, decider: string): string {
  const prefix = `${decider}.`
  return type.startsWith(prefix) && type.length > prefix.length ? type.slice(prefix.length) : type
}

export function totalFuel(stats: ExecutionStats): number {
  return Object.values(stats.fuel).reduce((sum, units) => sum + units, 0)
}

export interface OutcomeLook {
  readonly mark: MarkKind
  readonly word: string
  readonly tone: string
}

/** How an outcome of the history looks; a rejection is an answer, so it is never critical. */
export function outcomeLook(record: Pick<OutcomeRecord, 'outcome' | 'code' | 'duplicate'>): OutcomeLook {
  if (record.outcome === 'decided') {
    return { mark: 'running', word: record.duplicate ? 'decided before' : 'decided', tone: '' }
  }
  if (record.outcome === 'rejected') return { mark: 'degraded', word: 'rejected', tone: 'tone-warn' }
  if (record.code === 'decider.conflict') return { mark: 'degraded', word: 'conflict', tone: 'tone-warn' }
  if (record.outcome === 'shed') return { mark: 'degraded', word: 'turned away', tone: 'tone-warn' }
  if (record.outcome === 'denied') return { mark: 'dead', word: 'denied', tone: 'tone-crit' }
  return { mark: 'dead', word: 'faulted', tone: 'tone-crit' }
}

/** The stream's revision that a conflict tells of, or null. */
export function conflictRevision(outcome: ExecutionOutcome): number | null {
  if (outcome.outcome === 'decided' || outcome.failure.error.code !== 'decider.conflict') return null
  const revision = outcome.failure.error.details?.['currentRevision']
  return typeof revision === 'number' ? revision : null
}

export const snapshotReadWords: Readonly<Record<ExecutionStats['snapshotRead'], string>> = {
  hit: 'resumed from a snapshot',
  miss: 'no snapshot yet',
  other_artifact: 'the snapshot is of another build; replayed in full',
  discarded_read_failure: 'the snapshot could not be read; replayed in full',
  discarded_ahead_of_stream: 'the snapshot is ahead of the stream; replayed in full',
  discarded_trap: 'the module did not take the snapshot; replayed in full',
  failed: 'the snapshot could not be used',
  not_read: 'no snapshot read',
}

export const snapshotWriteWords: Readonly<Record<ExecutionStats['snapshotWrite'], string>> = {
  none: 'none due',
  stored: 'one stored',
  interleaved: 'not stored: other events came between',
  older: 'not stored: a newer one is there',
  failed: 'not stored: the store failed',
  oversize: 'not stored: too large',
  declined: 'the module gave none',
  trapped: 'the module trapped on it',
}
