/**
 * The event store as the engine and the sandboxes see it (spec decider 11). One store holds the streams of one
 * module *name*; versions of a module share it. Everything is synchronous: it is used on guest threads and worker
 * threads only, never on the engine's main thread.
 *
 * Identities are texts: command and event ids as canonical lower-case UUIDs, artifacts and fingerprints as 64
 * lower-case hexadecimal digits. Revisions count 1, 2, 3 … per stream without gaps; 0 stands for "no stream".
 * Positions grow strictly over the whole store; nothing may be computed with them.
 */
import type { ErrorReport, PaddockError } from '../shared/errors.ts'
import type { ConflictReason, Guard } from './guard.ts'

export interface NewEvent {
  readonly id: string
  readonly type: string
  readonly payload: Uint8Array
}

export interface RecordedEvent extends NewEvent {
  readonly streamId: string
  readonly revision: number
  readonly position: number
  readonly headers: Readonly<Record<string, string>>
  /** Place in its decision, from 0, and how many events the decision has. */
  readonly batchIndex: number
  readonly batchSize: number
  /** Unix time in milliseconds. */
  readonly recordedAt: number
}

export interface StreamHead {
  readonly streamId: string
  readonly revision: number
  readonly lastPosition: number
  readonly createdAt: number
  readonly updatedAt: number
}

export interface ReadBounds {
  /** At least 1. */
  readonly maxEvents: number
  /** Payload bytes after which no further event is taken; the first event is always taken. */
  readonly maxBytes?: number
  /** The last revision that may be read: what was `observed`. */
  readonly upTo?: number
}

export interface StreamSlice {
  /** Revision of the last event of the stream, 0 when there is no stream. */
  readonly head: number
  /** In stream order. */
  readonly events: readonly RecordedEvent[]
}

/** Whose snapshot: another version is another key; another artifact of the same version is a miss (spec decider 6). */
export interface SnapshotKey {
  readonly streamId: string
  readonly moduleVersion: string
  readonly artifact: string
}

export interface NewSnapshot extends SnapshotKey {
  /** Revision of the last event the state holds. */
  readonly revision: number
  readonly payload: Uint8Array
}

export type SnapshotAnswer =
  | {
      readonly kind: 'hit'
      readonly revision: number
      readonly payload: Uint8Array
      readonly takenAt: number
    }
  | { readonly kind: 'miss' }
  | { readonly kind: 'other-artifact'; readonly artifact: string }
  /** The store could not make it out; the operator's policy decides (spec decider 6). */
  | { readonly kind: 'unreadable'; readonly reason: string }

/** What step 6 of a command reads, all in one read transaction. */
export interface History extends StreamSlice {
  readonly snapshot: SnapshotAnswer
}

/** A command to remember with its append (spec decider 7). */
export interface NewCommand {
  readonly id: string
  /** SHA-256 of type, NUL, payload. */
  readonly fingerprint: string
  readonly type: string
}

export interface RecordedCommand extends NewCommand {
  readonly streamId: string
  readonly firstRevision: number
  readonly lastRevision: number
  readonly lastPosition: number
  readonly moduleVersion: string
  readonly recordedAt: number
}

export interface AppendRequest {
  readonly streamId: string
  readonly moduleVersion: string
  readonly guard: Guard
  /** Head at the time of the read, 0 for no stream or when nothing was read. */
  readonly observed: number
  /** At least one, in order. */
  readonly events: readonly NewEvent[]
  /** The same for every event of the decision; stored sorted. */
  readonly headers: Readonly<Record<string, string>>
  readonly command: NewCommand | null
  /**
   * Stored only when the append began at `observed` + 1 and no newer one of the same artifact is there (spec
   * decider 6, "Position rule", "Never older"). Its revision is that of the last event appended.
   */
  readonly snapshot: Omit<NewSnapshot, 'streamId' | 'moduleVersion' | 'revision'> | null
  /** Deletes the stored snapshot of this module version first: it was found untrusted. */
  readonly discardSnapshot?: boolean
}

/** `failed`: a store that writes snapshots apart from decisions could not; the decision stands. */
export type SnapshotOutcome = 'none' | 'stored' | 'interleaved' | 'older' | 'failed'

export type AppendOutcome =
  | {
      readonly kind: 'appended'
      readonly firstRevision: number
      readonly lastRevision: number
      readonly lastPosition: number
      readonly snapshot: SnapshotOutcome
    }
  /** The store's own classification: the guard does not hold. Nothing was written. */
  | { readonly kind: 'conflict'; readonly reason: ConflictReason; readonly head: number }
  /** The command was carried out before; nothing was written. */
  | { readonly kind: 'duplicate'; readonly command: RecordedCommand }
  /** The id was used for another command; nothing was written. */
  | { readonly kind: 'command-id-reused'; readonly command: RecordedCommand }
  /** This append alone failed, for instance `store.quota_exceeded`; nothing of it was written. */
  | { readonly kind: 'failed'; readonly error: ErrorReport }

export interface FeedFilter {
  readonly types?: readonly string[]
  readonly streamId?: string
}

export interface FeedPage {
  readonly events: readonly RecordedEvent[]
  /** Where the next page begins after: nothing at or before it will ever appear any more. */
  readonly next: number
  /** Whether more was there when the page was read. */
  readonly more: boolean
}

export interface Projection {
  readonly name: string
  /** 0 = nothing applied yet. */
  readonly position: number
  readonly updatedAt: number
  /** Why it stopped, null while it goes on. */
  readonly error: string | null
}

export interface StreamQuery {
  /** Streams whose id begins so. */
  readonly prefix?: string
  /** Exclusive: the last stream of the page before. */
  readonly after?: string
  readonly limit: number
}

export interface SnapshotInfo extends Omit<NewSnapshot, 'payload'> {
  readonly sizeBytes: number
  readonly takenAt: number
}

export interface StoreTotals {
  readonly streams: number
  readonly events: number
  readonly lastPosition: number
  readonly usedBytes: number
}

export const invariants = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8'] as const
export type Invariant = (typeof invariants)[number]

export interface IntegrityProblem {
  readonly invariant: Invariant | 'file'
  readonly detail: string
}

export interface IntegrityReport extends StoreTotals {
  readonly ok: boolean
  /** At most 100; `more` says whether there were others. */
  readonly problems: readonly IntegrityProblem[]
  readonly more: boolean
}

/** A decision with everything the store keeps of it, as exports carry it and imports put it back. */
export interface RecordedDecision {
  readonly streamId: string
  readonly firstRevision: number
  readonly events: readonly NewEvent[]
  readonly headers: Readonly<Record<string, string>>
  readonly command: Omit<
    RecordedCommand,
    'streamId' | 'firstRevision' | 'lastRevision' | 'lastPosition'
  > | null
  readonly recordedAt: number
}

/** What a read-only opener offers too. Every method throws `store.*`. */
export interface EventStoreReader {
  /** Module name whose streams these are. */
  readonly module: string
  /** The stream's head, null when there is none. */
  head(streamId: string): StreamHead | null
  /** Events from revision `from` (inclusive, at least 1) on. */
  read(streamId: string, from: number, bounds: ReadBounds): StreamSlice
  /**
   * Snapshot (unless `snapshot` is null), head, and the first events after the snapshot, of one moment. Events begin
   * at revision 1 when the snapshot is no hit, or is ahead of the head. Later chunks come from `read` with `upTo`.
   */
  history(streamId: string, snapshot: Omit<SnapshotKey, 'streamId'> | null, bounds: ReadBounds): History
  /** What was recorded of a command, null when it is not known. */
  findCommand(id: string): RecordedCommand | null
  /** The command that decided an event, for display; null when it had no id. */
  commandOf(streamId: string, revision: number): RecordedCommand | null
  getSnapshot(key: SnapshotKey): SnapshotAnswer
  /** All snapshots of a stream, of every version. */
  snapshotsOf(streamId: string): readonly SnapshotInfo[]
  /** Events after `after` in global order, without gaps; 0 is the beginning. */
  feed(after: number, filter: FeedFilter, limit: number): FeedPage
  /** By stream id, ascending by UTF-8 bytes. */
  streams(query: StreamQuery): readonly StreamHead[]
  projection(name: string): Projection | null
  projections(): readonly Projection[]
  totals(): StoreTotals
  /** Checks I1 to I8 as far as the store alone can tell (spec decider 12). */
  integrityCheck(): IntegrityReport
  close(): void
}

export interface EventStore extends EventStoreReader {
  /** What the operator should know of how the store was opened: a damaged file was kept aside. */
  readonly warning: PaddockError | undefined
  /** Bytes in use, for the module's usage. */
  readonly usedBytes: number
  /** One decision, all or nothing. Throws `store.*` when the store itself fails: then nothing was acknowledged. */
  append(request: AppendRequest): AppendOutcome
  /**
   * Group commit: several decisions share one durable commit, each in a savepoint of its own, so that one that fails
   * takes no other with it. The answers are in order and may be acknowledged, for all have been committed. Throws
   * `store.*` when the commit fails: then none has happened.
   *
   * For the pipeline: take the commands that wait, decide each against committed state (the guest never runs inside a
   * transaction), at most one per stream, since a second would have to see the first; then append all at once.
   */
  appendAll(requests: readonly AppendRequest[]): readonly AppendOutcome[]
  /**
   * Puts decisions back as they were recorded, ids and times kept; positions are given anew in the same order. All or
   * none. Throws `store.import_mismatch` for one that does not follow its stream's head, and `store.*`.
   */
  restore(decisions: readonly RecordedDecision[]): void
  deleteSnapshot(key: Omit<SnapshotKey, 'artifact'>): boolean
  /** Notes how far a projection is. Throws `store.*`. */
  setProjection(name: string, position: number, error: string | null): void
  /** Forgets the projection: it begins anew at 0. */
  deleteProjection(name: string): void
}
