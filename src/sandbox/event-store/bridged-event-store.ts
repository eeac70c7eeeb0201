/** An event store behind the engine, as guest threads see it: every call waits for the engine's answer. */
import { PaddockError } from '../../shared/errors.ts'
import type {
  AppendOutcome,
  AppendRequest,
  EventStore,
  FeedFilter,
  FeedPage,
  History,
  IntegrityReport,
  Projection,
  ReadBounds,
  RecordedCommand,
  RecordedDecision,
  SnapshotAnswer,
  SnapshotInfo,
  SnapshotKey,
  StoreTotals,
  StreamHead,
  StreamQuery,
  StreamSlice,
} from '../../event-store/event-store.ts'
import { eventStoreCapability, remoteReply, type RemoteMethod } from '../../event-store/remote.ts'
import type { CallHost } from '../programs/guest-program.ts'

export class BridgedEventStore implements EventStore {
  readonly module: string
  readonly warning = undefined
  /** The event server's, not this machine's. */
  readonly usedBytes = 0
  private readonly callHost: CallHost

  constructor(module: string, callHost: CallHost) {
    this.module = module
    this.callHost = callHost
  }

  head(streamId: string): StreamHead | null {
    return this.ask('head', [streamId])
  }

  read(streamId: string, from: number, bounds: ReadBounds): StreamSlice {
    return this.ask('read', [streamId, from, bounds])
  }

  history(streamId: string, snapshot: Omit<SnapshotKey, 'streamId'> | null, bounds: ReadBounds): History {
    return this.ask('history', [streamId, snapshot, bounds])
  }

  findCommand(id: string): RecordedCommand | null {
    return this.ask('findCommand', [id])
  }

  commandOf(streamId: string, revision: number): RecordedCommand | null {
    return this.ask('commandOf', [streamId, revision])
  }

  getSnapshot(key: SnapshotKey): SnapshotAnswer {
    return this.ask('getSnapshot', [key])
  }

  snapshotsOf(streamId: string): readonly SnapshotInfo[] {
    return this.ask('snapshotsOf', [streamId])
  }

  feed(after: number, filter: FeedFilter, limit: number): FeedPage {
    return this.ask('feed', [after, filter, limit])
  }

  streams(query: StreamQuery): readonly StreamHead[] {
    return this.ask('streams', [query])
  }

  projection(name: string): Projection | null {
    return this.ask('projection', [name])
  }

  projections(): readonly Projection[] {
    return this.ask('projections', [])
  }

  totals(): StoreTotals {
    return this.ask('totals', [])
  }

  integrityCheck(): IntegrityReport {
    return this.ask('integrityCheck', [])
  }

  append(request: AppendRequest): AppendOutcome {
    const [outcome] = this.appendAll([request])
    if (outcome === undefined) throw malformed()
    // Alone, a failure of the server is a failure of the store.
    if (outcome.kind === 'failed' && outcome.error.code === 'store.unavailable') {
      throw PaddockError.fromReport(outcome.error)
    }
    return outcome
  }

  appendAll(requests: readonly AppendRequest[]): readonly AppendOutcome[] {
    return this.ask('appendAll', [requests])
  }

  restore(decisions: readonly RecordedDecision[]): void {
    this.ask('restore', [decisions])
  }

  deleteSnapshot(key: Omit<SnapshotKey, 'artifact'>): boolean {
    return this.ask('deleteSnapshot', [key])
  }

  setProjection(name: string, position: number, error: string | null): void {
    this.ask('setProjection', [name, position, error])
  }

  deleteProjection(name: string): void {
    this.ask('deleteProjection', [name])
  }

  close(): void {
    // The connection is the engine's.
  }

  private ask<M extends RemoteMethod>(method: M, args: unknown[]): ReturnType<EventStore[M]> {
    let answer: unknown
    try {
      answer = this.callHost(eventStoreCapability, method, [this.module, ...args])
    } catch (cause) {
      throw new PaddockError('store.unavailable', 'The event store cannot be reached.', { cause })
    }
    const reply = remoteReply(answer)
    if (reply === null) throw malformed()
    if (!reply.ok) throw PaddockError.fromReport(reply.error)
    // The engine is trusted: its answer is of the method's own type.
    return reply.value as ReturnType<EventStore[M]>
  }
}

function malformed(): PaddockError {
  return new PaddockError('store.unavailable', 'The engine gave a malformed answer for the event store.')
}
