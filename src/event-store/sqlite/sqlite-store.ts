/** An event store in SQLite, opened for writing by one sandbox on its guest thread (spec decider 12). */
import { PaddockError } from '../../shared/errors.ts'
import { storeError } from '../../shared/store/errors.ts'
import type {
  AppendOutcome,
  AppendRequest,
  EventStore,
  RecordedCommand,
  RecordedDecision,
  SnapshotKey,
  SnapshotOutcome,
} from '../event-store.ts'
import { checkGuard } from '../guard.ts'
import { uuidBytes } from '../identities.ts'
import { openEventFile, type Durability } from './open.ts'
import { headersText } from './rows.ts'
import { eventStatements } from './schema.ts'
import { SqliteEventReader, type StreamRow } from './sqlite-reader.ts'

export interface SqliteEventStoreOptions {
  readonly path: string
  readonly module: string
  /** Most bytes the file's pages in use may take; null for no bound. */
  readonly quotaBytes: number | null
  /** `full` (the default): a power loss takes no acknowledged command. `normal`: it may take the last ones. */
  readonly durability?: Durability
  /** How long another writer is waited for, in milliseconds; 5,000 unless said. */
  readonly busyTimeoutMs?: number
  readonly now?: () => number
}

/** What one decision leaves in the tables. */
interface Written {
  readonly stream: number
  readonly firstRevision: number
  readonly lastRevision: number
  readonly lastPosition: number
}

export class SqliteEventStore extends SqliteEventReader implements EventStore {
  readonly warning: PaddockError | undefined
  /** The last writer did not close the file, or another has it open. */
  readonly unclean: boolean
  private readonly quotaPages: number
  private readonly now: () => number

  /** Throws `store.*` as `openEventFile` does. */
  constructor(options: SqliteEventStoreOptions) {
    const { path, module, durability = 'full', busyTimeoutMs = 5_000 } = options
    const opened = openEventFile(path, module, durability, busyTimeoutMs)
    super(opened.database, module)
    this.warning = opened.warning
    this.unclean = opened.unclean
    this.quotaPages =
      options.quotaBytes === null ? Infinity : Math.floor(options.quotaBytes / this.pageSize())
    this.now = options.now ?? Date.now
  }

  append(request: AppendRequest): AppendOutcome {
    const [outcome] = this.appendAll([request])
    if (outcome === undefined) throw new PaddockError('internal.bug', 'An append had no outcome.')
    return outcome
  }

  appendAll(requests: readonly AppendRequest[]): readonly AppendOutcome[] {
    if (requests.length === 0) return []
    return this.inTransaction(() => requests.map((request) => this.appendOne(request)))
  }

  restore(decisions: readonly RecordedDecision[]): void {
    this.inTransaction(() => {
      for (const decision of decisions) this.restoreOne(decision)
      this.checkQuota()
    })
  }

  deleteSnapshot({ streamId, moduleVersion }: Omit<SnapshotKey, 'artifact'>): boolean {
    return this.inTransaction(() => {
      const row = this.stream(streamId)
      if (row === undefined) return false
      return this.prepared(eventStatements.deleteSnapshot).run(row.id, moduleVersion).changes > 0
    })
  }

  setProjection(name: string, position: number, error: string | null): void {
    this.guarded(() => this.prepared(eventStatements.upsertProjection).run(name, position, this.now(), error))
  }

  deleteProjection(name: string): void {
    this.guarded(() => this.prepared(eventStatements.deleteProjection).run(name))
  }

  /** Moves the write-ahead log into the file and closes it. Throws `store.*`. */
  override close(): void {
    if (!this.database.open) return
    try {
      if (this.database.inTransaction) this.prepared('ROLLBACK').run()
      // PASSIVE where another writer has the file open too: the last one to close empties the log.
      this.database.pragma('wal_checkpoint(TRUNCATE)')
    } catch (error) {
      throw storeError(error)
    } finally {
      this.database.close()
    }
  }

  /** In a savepoint: a decision that fails takes no other of its group with it, a broken transaction all. */
  private appendOne(request: AppendRequest): AppendOutcome {
    this.prepared('SAVEPOINT decision').run()
    try {
      const outcome = this.decide(request)
      if (outcome.kind === 'appended') this.checkQuota()
      this.prepared('RELEASE decision').run()
      return outcome
    } catch (error) {
      const typed = isUniqueEventId(error) ? duplicateEvent(error) : storeError(error)
      // SQLite ended the whole transaction by itself, for a full disk for instance: nothing of the group is left.
      if (!this.database.inTransaction || !ownFailures.has(typed.code)) throw typed
      this.prepared('ROLLBACK TO decision').run()
      this.prepared('RELEASE decision').run()
      return { kind: 'failed', error: typed.toReport() }
    }
  }

  private decide(request: AppendRequest): AppendOutcome {
    const known = request.command === null ? null : this.findCommand(request.command.id)
    if (known !== null) {
      const same = known.fingerprint === request.command?.fingerprint
      return { kind: same ? 'duplicate' : 'command-id-reused', command: known }
    }
    const row = this.stream(request.streamId)
    const head = row?.revision ?? 0
    const reason = checkGuard(request.guard, head)
    if (reason !== null) return { kind: 'conflict', reason, head }
    const now = this.now()
    const written = this.insertDecision(request, row, now)
    if (request.command !== null) {
      this.insertCommand(
        { ...request.command, moduleVersion: request.moduleVersion, recordedAt: now },
        written,
      )
    }
    if (request.discardSnapshot === true) {
      this.prepared(eventStatements.deleteSnapshot).run(written.stream, request.moduleVersion)
    }
    const { firstRevision, lastRevision, lastPosition } = written
    const snapshot = this.storeSnapshot(request, written, head, now)
    return { kind: 'appended', firstRevision, lastRevision, lastPosition, snapshot }
  }

  private insertDecision(
    { streamId, events, headers }: Pick<AppendRequest, 'streamId' | 'events' | 'headers'>,
    row: StreamRow | undefined,
    recordedAt: number,
  ): Written {
    if (events.length === 0) throw new PaddockError('internal.bug', 'A decision without events was appended.')
    const head = row?.revision ?? 0
    const lastRevision = head + events.length
    const stream =
      row?.id ??
      Number(
        this.prepared(eventStatements.insertStream).run(
          this.module,
          streamId,
          lastRevision,
          recordedAt,
          recordedAt,
        ).lastInsertRowid,
      )
    const insert = this.prepared(eventStatements.insertEvent)
    const text = headersText(headers)
    let lastPosition = 0
    for (const [index, { id, type, payload }] of events.entries()) {
      const { lastInsertRowid } = insert.run(
        stream,
        head + 1 + index,
        uuidBytes(id),
        type,
        payload,
        text,
        index,
        events.length,
        recordedAt,
      )
      lastPosition = Number(lastInsertRowid)
    }
    this.prepared(eventStatements.updateStream).run(lastRevision, lastPosition, recordedAt, stream)
    return { stream, firstRevision: head + 1, lastRevision, lastPosition }
  }

  private insertCommand(
    command: Pick<RecordedCommand, 'id' | 'fingerprint' | 'type' | 'moduleVersion' | 'recordedAt'>,
    written: Written,
  ): void {
    this.prepared(eventStatements.insertCommand).run(
      uuidBytes(command.id),
      Buffer.from(command.fingerprint, 'hex'),
      command.type,
      written.stream,
      written.firstRevision,
      written.lastRevision,
      written.lastPosition,
      command.moduleVersion,
      command.recordedAt,
    )
  }

  private storeSnapshot(
    { snapshot, observed, moduleVersion }: AppendRequest,
    { stream, lastRevision }: Written,
    head: number,
    now: number,
  ): SnapshotOutcome {
    if (snapshot === null) return 'none'
    // The session never saw what lies between: filed under the new revision it would be lost for good.
    if (head !== observed) return 'interleaved'
    const { changes } = this.prepared(eventStatements.upsertSnapshot).run(
      stream,
      moduleVersion,
      Buffer.from(snapshot.artifact, 'hex'),
      lastRevision,
      snapshot.payload,
      now,
    )
    return changes > 0 ? 'stored' : 'older'
  }

  private restoreOne(decision: RecordedDecision): void {
    const { streamId, firstRevision, command, recordedAt } = decision
    const row = this.stream(streamId)
    if (firstRevision !== (row?.revision ?? 0) + 1) {
      throw new PaddockError(
        'store.import_mismatch',
        `Revision ${firstRevision} of stream ${streamId} cannot follow revision ${row?.revision ?? 0}.`,
      )
    }
    const written = this.insertDecision(decision, row, recordedAt)
    if (command !== null) this.insertCommand(command, written)
  }

  private checkQuota(): void {
    const used = this.usedPages()
    if (used <= this.quotaPages) return
    throw new PaddockError('store.quota_exceeded', 'The event store would grow beyond its limit.', {
      details: { usedBytes: used * this.pageSize(), quotaBytes: this.quotaPages * this.pageSize() },
    })
  }

  /** The write lock is taken first, so positions are given in the order of commits (spec decider 12). */
  private inTransaction<T>(action: () => T): T {
    try {
      this.prepared('BEGIN IMMEDIATE').run()
      const result = action()
      this.prepared('COMMIT').run()
      return result
    } catch (error) {
      this.rollback()
      throw isUniqueEventId(error) ? duplicateEvent(error) : storeError(error)
    }
  }

  private rollback(): void {
    try {
      if (this.database.inTransaction) this.prepared('ROLLBACK').run()
    } catch {
      // The transaction stays open and is never committed: the next one fails to begin, and closing rolls back.
    }
  }
}

/** Failures of one decision that leave its transaction whole. */
const ownFailures: ReadonlySet<string> = new Set([
  'store.quota_exceeded',
  'store.duplicate_event',
  'store.import_mismatch',
])

function isUniqueEventId(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_UNIQUE'
}

function duplicateEvent(cause: unknown): PaddockError {
  return new PaddockError('store.duplicate_event', 'An event of this id is in the store already.', { cause })
}
