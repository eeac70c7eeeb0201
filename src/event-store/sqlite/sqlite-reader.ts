/** Reads an event store in SQLite. Every answer is of one moment. Guest and worker threads only: it blocks. */
import type { Database, Statement } from 'better-sqlite3'
import { storeError } from '../../shared/store/errors.ts'
import { prefixEnd } from '../../shared/store/schema.ts'
import type {
  EventStoreReader,
  FeedFilter,
  FeedPage,
  History,
  IntegrityReport,
  Projection,
  ReadBounds,
  RecordedCommand,
  RecordedEvent,
  SnapshotAnswer,
  SnapshotInfo,
  SnapshotKey,
  StoreTotals,
  StreamHead,
  StreamQuery,
  StreamSlice,
} from '../event-store.ts'
import { uuidBytes } from '../identities.ts'
import { checkIntegrity } from './integrity.ts'
import { openEventFileReadOnly } from './open.ts'
import { commandOf, eventOf, type EventRow } from './rows.ts'
import { eventStatements } from './schema.ts'

export interface StreamRow extends StreamHead {
  readonly id: number
}

/** Payload bytes of a feed page after which it ends. */
const maxFeedBytes = 8 * 1024 * 1024

export class SqliteEventReader implements EventStoreReader {
  readonly module: string
  protected readonly database: Database
  private readonly statements = new Map<string, Statement>()

  constructor(database: Database, module: string) {
    this.database = database
    this.module = module
  }

  /** Opens a store read-only; the module is the one its streams belong to, '' while there are none. Throws `store.*`. */
  static open(path: string): SqliteEventReader {
    const database = openEventFileReadOnly(path)
    try {
      const owner = database.prepare<[], string>(eventStatements.owner).pluck().get()
      return new SqliteEventReader(database, owner ?? '')
    } catch (error) {
      database.close()
      throw storeError(error)
    }
  }

  /** Changes whenever another connection has committed. */
  get dataVersion(): number {
    return this.guarded(() => Number(this.database.pragma('data_version', { simple: true })))
  }

  get usedBytes(): number {
    return this.guarded(() => this.usedPages() * this.pageSize())
  }

  head(streamId: string): StreamHead | null {
    const row = this.guarded(() => this.stream(streamId))
    return row === undefined ? null : headOf(row)
  }

  read(streamId: string, from: number, bounds: ReadBounds): StreamSlice {
    return this.ofOneMoment(() => {
      const row = this.stream(streamId)
      if (row === undefined) return { head: 0, events: [] }
      return { head: row.revision, events: this.events(row, from, bounds) }
    })
  }

  history(streamId: string, snapshot: Omit<SnapshotKey, 'streamId'> | null, bounds: ReadBounds): History {
    return this.ofOneMoment(() => {
      const row = this.stream(streamId)
      if (row === undefined) return { head: 0, events: [], snapshot: { kind: 'miss' } }
      const found = snapshot === null ? ({ kind: 'miss' } as const) : this.snapshotOf(row, snapshot)
      const from = found.kind === 'hit' && found.revision <= row.revision ? found.revision + 1 : 1
      return { head: row.revision, events: this.events(row, from, bounds), snapshot: found }
    })
  }

  findCommand(id: string): RecordedCommand | null {
    return this.command(eventStatements.command, uuidBytes(id))
  }

  commandOf(streamId: string, revision: number): RecordedCommand | null {
    const row = this.guarded(() => this.stream(streamId))
    return row === undefined ? null : this.command(eventStatements.commandOfEvent, row.id, revision, revision)
  }

  getSnapshot(key: SnapshotKey): SnapshotAnswer {
    return this.ofOneMoment(() => {
      const row = this.stream(key.streamId)
      return row === undefined ? { kind: 'miss' } : this.snapshotOf(row, key)
    })
  }

  snapshotsOf(streamId: string): readonly SnapshotInfo[] {
    return this.ofOneMoment(() => {
      const row = this.stream(streamId)
      if (row === undefined) return []
      const rows = this.prepared(eventStatements.snapshotsOf).all(row.id) as Omit<SnapshotInfo, 'streamId'>[]
      return rows.map((info) => ({ streamId, ...info }))
    })
  }

  feed(after: number, filter: FeedFilter, limit: number): FeedPage {
    return this.ofOneMoment(() => {
      const last = this.lastPosition()
      const { events, more } = this.page(after, filter, limit)
      return { events, more, next: more ? (events.at(-1)?.position ?? after) : Math.max(after, last) }
    })
  }

  streams(query: StreamQuery): readonly StreamHead[] {
    const prefix = query.prefix ?? ''
    const after = query.after ?? ''
    const end = prefixEnd(Buffer.from(prefix, 'utf8'))
    return this.guarded(
      () =>
        (end === undefined
          ? this.prepared(eventStatements.streamsAfter).all(this.module, after, prefix, query.limit)
          : this.prepared(eventStatements.streamsBetween).all(
              this.module,
              after,
              prefix,
              end,
              query.limit,
            )) as StreamHead[],
    )
  }

  projection(name: string): Projection | null {
    const row = this.guarded(() => this.prepared(eventStatements.projection).get(name))
    return (row as Projection | undefined) ?? null
  }

  projections(): readonly Projection[] {
    return this.guarded(() => this.prepared(eventStatements.projections).all() as Projection[])
  }

  totals(): StoreTotals {
    return this.ofOneMoment(() => ({
      ...(this.prepared(eventStatements.totals).get() as Omit<StoreTotals, 'usedBytes'>),
      usedBytes: this.usedPages() * this.pageSize(),
    }))
  }

  integrityCheck(): IntegrityReport {
    return this.ofOneMoment(() => ({ ...checkIntegrity(this.database), ...this.totals() }))
  }

  /** All recorded commands, in the order of their positions. */
  *commands(): IterableIterator<RecordedCommand> {
    for (const row of this.database.prepare(eventStatements.commandsAll).iterate()) {
      yield commandOf(row as RecordedCommand)
    }
  }

  /** Copies the store as it is at one moment to `path`, while it may be written to. Throws `store.*`. */
  async backup(path: string): Promise<void> {
    try {
      await this.database.backup(path)
    } catch (error) {
      throw storeError(error)
    }
  }

  close(): void {
    this.database.close()
  }

  /** Runs `action` in a read transaction, unless one is open, and types what it throws. */
  protected ofOneMoment<T>(action: () => T): T {
    return this.guarded(() => {
      if (this.database.inTransaction) return action()
      this.prepared('BEGIN').run()
      try {
        return action()
      } finally {
        this.prepared('COMMIT').run()
      }
    })
  }

  protected guarded<T>(action: () => T): T {
    try {
      return action()
    } catch (error) {
      throw storeError(error)
    }
  }

  protected prepared(sql: string): Statement {
    let statement = this.statements.get(sql)
    if (statement === undefined) {
      statement = this.database.prepare(sql)
      this.statements.set(sql, statement)
    }
    return statement
  }

  protected stream(streamId: string): StreamRow | undefined {
    return this.prepared(eventStatements.stream).get(this.module, streamId) as StreamRow | undefined
  }

  protected usedPages(): number {
    return (this.prepared(eventStatements.usedPages).raw().get() as [number])[0]
  }

  protected pageSize(): number {
    return Number(this.database.pragma('page_size', { simple: true }))
  }

  private lastPosition(): number {
    return (this.prepared(eventStatements.lastPosition).raw().get() as [number])[0]
  }

  private command(sql: string, ...parameters: unknown[]): RecordedCommand | null {
    const row = this.guarded(() => this.prepared(sql).get(...parameters)) as RecordedCommand | undefined
    return row === undefined ? null : commandOf(row)
  }

  private snapshotOf(row: StreamRow, key: Omit<SnapshotKey, 'streamId'>): SnapshotAnswer {
    const found = this.prepared(eventStatements.snapshot).get(row.id, key.moduleVersion) as
      { artifact: string; revision: number; payload: Buffer; takenAt: number } | undefined
    if (found === undefined) return { kind: 'miss' }
    const { artifact, ...snapshot } = found
    return artifact === key.artifact ? { kind: 'hit', ...snapshot } : { kind: 'other-artifact', artifact }
  }

  private events(row: StreamRow, from: number, bounds: ReadBounds): RecordedEvent[] {
    const last = bounds.upTo ?? Number.MAX_SAFE_INTEGER
    const statement = this.prepared(eventStatements.events).raw()
    const rows = statement.iterate(row.streamId, row.id, from, last, bounds.maxEvents)
    return taken(rows as IterableIterator<EventRow>, bounds.maxEvents, bounds.maxBytes ?? Infinity).events
  }

  private page(after: number, filter: FeedFilter, limit: number): Page {
    const wanted = filter.types === undefined ? null : new Set(filter.types)
    if (filter.streamId !== undefined) {
      const row = this.stream(filter.streamId)
      if (row === undefined) return { events: [], more: false }
      const rows = this.prepared(eventStatements.feedOfStream).raw().iterate(row.id, row.id, after)
      return taken(rows as IterableIterator<EventRow>, limit, maxFeedBytes, wanted)
    }
    if (wanted === null) {
      const rows = this.prepared(eventStatements.feed)
        .raw()
        .iterate(after, limit + 1)
      return taken(rows as IterableIterator<EventRow>, limit, maxFeedBytes)
    }
    // Each type by its index, so that rare types in a long store are found at once; then merged by position.
    const pages = [...wanted].map((type) => {
      const rows = this.prepared(eventStatements.feedOfType)
        .raw()
        .iterate(type, after, limit + 1)
      return taken(rows as IterableIterator<EventRow>, limit, maxFeedBytes)
    })
    return merged(pages, limit)
  }
}

interface Page {
  readonly events: RecordedEvent[]
  readonly more: boolean
}

/** Takes rows up to both bounds, the first in any case. Leaves the cursor closed. */
function taken(
  rows: IterableIterator<EventRow>,
  limit: number,
  maxBytes: number,
  types: ReadonlySet<string> | null = null,
): Page {
  const events: RecordedEvent[] = []
  let bytes = 0
  for (const row of rows) {
    if (types !== null && !types.has(row[4])) continue
    bytes += row[5].length
    if (events.length >= limit || (bytes > maxBytes && events.length > 0)) return { events, more: true }
    events.push(eventOf(row))
  }
  return { events, more: false }
}

/** Pages of single types as one: complete up to the end of the shortest that has more. */
function merged(pages: readonly Page[], limit: number): Page {
  const bounds = pages.filter(({ more }) => more).map(({ events }) => events.at(-1)?.position ?? 0)
  const end = Math.min(...bounds, Number.MAX_SAFE_INTEGER)
  const events = pages
    .flatMap((page) => page.events)
    .filter(({ position }) => position <= end)
    .sort((a, b) => a.position - b.position)
  const isCut = events.length > limit
  return { events: isCut ? events.slice(0, limit) : events, more: isCut || bounds.length > 0 }
}

function headOf({ streamId, revision, lastPosition, createdAt, updatedAt }: StreamRow): StreamHead {
  return { streamId, revision, lastPosition, createdAt, updatedAt }
}
