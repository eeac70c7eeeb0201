/** Steps 5 to 7 of a command: the guard, and what is read of the stream (spec decider 4, 5, 6). */
import type { History, RecordedEvent, SnapshotAnswer } from '../../../../event-store/event-store.ts'
import { resolveGuard, type Guard, type GuardPlan } from '../../../../event-store/guard.ts'
import type { CommandSpec } from '../../../../shared/contracts/decider.ts'
import { deciderLimits } from '../../../../shared/contracts/decider-limits.ts'
import type { DeciderEnvironment } from './environment.ts'
import { CommandFailure } from './failure.ts'
import type { StatsRecorder } from './stats.ts'

export const chunkBounds = { maxEvents: deciderLimits.chunkEvents, maxBytes: deciderLimits.chunkBytes }

export interface Usable {
  readonly revision: number
  readonly payload: Uint8Array
}

/** What a session starts from. */
export interface Background {
  readonly streamId: string
  /** The revision that the session stands for; 0 for no stream. Nothing after it is folded. */
  readonly observed: number
  readonly snapshot: Usable | null
  /** The stored snapshot was found untrusted and goes with the append. */
  readonly discard: boolean
  /** The first chunk, read in the same transaction as the head. */
  readonly first: readonly RecordedEvent[]
}

/** The guard before and after the read: one function resolves both, so they cannot disagree. */
export function resolvedGuard(
  spec: CommandSpec,
  expected: number | null,
  observed: number | null,
): Guard | null {
  return guardOrFailure(resolveGuard(spec.precondition, expected, observed), spec, expected)
}

function guardOrFailure(plan: GuardPlan, spec: CommandSpec, expected: number | null): Guard | null {
  switch (plan.kind) {
    case 'guard':
      return plan.guard
    case 'read':
      return null
    case 'unsatisfiable':
      throw new CommandFailure('decider.precondition_unsatisfiable', `It can never hold: ${plan.rule}.`, {
        details: { expectedRevision: expected, precondition: spec.precondition },
      })
    case 'conflict':
      throw conflict(plan.reason, plan.head, spec, expected)
  }
}

/** The stream is not as the guard wants it. */
export function conflict(
  reason: string,
  head: number,
  spec: CommandSpec,
  expected: number | null,
): CommandFailure {
  const words: Readonly<Record<string, string>> = {
    stream_moved: `the stream is at revision ${head}`,
    stream_exists: 'the stream exists already',
    stream_missing: 'there is no such stream',
  }
  return new CommandFailure(
    'decider.conflict',
    `The command lost against another: ${words[reason] ?? reason}.`,
    {
      retry: mayRetry(spec, expected) ? 'yes' : 'no',
      details: { reason, currentRevision: head },
    },
  )
}

/** Whether starting over can help (spec decider 5). */
export function mayRetry(spec: CommandSpec, expected: number | null): boolean {
  return spec.precondition === 'stream-unchanged' && expected === null
}

/** Of a command that creates its stream: nothing is read, no snapshot either. */
export function unread(streamId: string): Background {
  return { streamId, observed: 0, snapshot: null, discard: false, first: [] }
}

/**
 * Snapshot, head and the first events after it, of one moment; as of revision `at` where given. Throws
 * `decider.snapshot_untrusted` by policy, `decider.replay_limit`, `store.*`.
 */
export function readBackground(
  environment: DeciderEnvironment,
  streamId: string,
  at: number | null,
  stats: StatsRecorder,
): Background {
  const { store, policy, descriptor, artifact } = environment
  const key = policy.snapshots ? { moduleVersion: descriptor.version, artifact } : null
  const history = store.history(streamId, key, chunkBounds)
  const judged = judgeSnapshot(history, environment, stats)
  const observed = at === null ? history.head : Math.min(at, history.head)
  const usable = judged.snapshot !== null && judged.snapshot.revision <= observed ? judged.snapshot : null
  const background = { streamId, observed, snapshot: usable, discard: judged.discard }
  // What was read after a snapshot that is then not used does not begin at the beginning.
  const first =
    usable === judged.snapshot && at === null
      ? history.events
      : readChunk(environment, streamId, (usable?.revision ?? 0) + 1, observed)
  checkReplayLimit(environment, observed - (usable?.revision ?? 0), streamId)
  return { ...background, first }
}

/** The same without the snapshot, which the guest could not use. */
export function withoutSnapshot(environment: DeciderEnvironment, background: Background): Background {
  const { streamId, observed } = background
  checkReplayLimit(environment, observed, streamId)
  return {
    streamId,
    observed,
    snapshot: null,
    discard: true,
    first: readChunk(environment, streamId, 1, observed),
  }
}

/** At most a chunk of events from `from` up to `upTo`. */
export function readChunk(
  { store }: DeciderEnvironment,
  streamId: string,
  from: number,
  upTo: number,
): readonly RecordedEvent[] {
  return from > upTo ? [] : store.read(streamId, from, { ...chunkBounds, upTo }).events
}

interface Judged {
  readonly snapshot: Usable | null
  readonly discard: boolean
}

function judgeSnapshot(history: History, environment: DeciderEnvironment, stats: StatsRecorder): Judged {
  const { snapshot } = history
  if (!environment.policy.snapshots) {
    stats.snapshotRead = 'not_read'
    return { snapshot: null, discard: false }
  }
  switch (snapshot.kind) {
    case 'miss':
      stats.snapshotRead = 'miss'
      return { snapshot: null, discard: false }
    case 'other-artifact':
      stats.snapshotRead = 'other_artifact'
      return { snapshot: null, discard: false }
    case 'unreadable':
      distrust(environment, stats, 'discarded_read_failure', snapshot.reason)
      return { snapshot: null, discard: true }
    case 'hit':
      return judgeHit(snapshot, history.head, environment, stats)
  }
}

function judgeHit(
  snapshot: Extract<SnapshotAnswer, { kind: 'hit' }>,
  head: number,
  environment: DeciderEnvironment,
  stats: StatsRecorder,
): Judged {
  if (snapshot.revision > head) {
    const reason = `it is of revision ${snapshot.revision}, the stream is at ${head}`
    distrust(environment, stats, 'discarded_ahead_of_stream', reason)
    return { snapshot: null, discard: true }
  }
  stats.snapshotRead = 'hit'
  return { snapshot: { revision: snapshot.revision, payload: snapshot.payload }, discard: false }
}

/** Never silent: logged and counted, or by policy the end of the command. */
export function distrust(
  environment: DeciderEnvironment,
  stats: StatsRecorder,
  outcome: 'discarded_read_failure' | 'discarded_ahead_of_stream' | 'discarded_trap',
  reason: string,
): void {
  if (environment.policy.untrustedSnapshots === 'fail') {
    stats.snapshotRead = 'failed'
    throw new CommandFailure('decider.snapshot_untrusted', `The snapshot cannot be used: ${reason}.`, {
      details: { reason: outcome },
    })
  }
  stats.snapshotRead = outcome
  environment.log('warn', `A snapshot was discarded and the stream replayed in full: ${reason}.`)
}

function checkReplayLimit({ policy }: DeciderEnvironment, events: number, streamId: string): void {
  if (events <= policy.replayLimit) return
  throw new CommandFailure(
    'decider.replay_limit',
    `More than ${policy.replayLimit} events would have to be replayed; let the decider snapshot more often.`,
    { details: { streamId, limit: policy.replayLimit } },
  )
}
