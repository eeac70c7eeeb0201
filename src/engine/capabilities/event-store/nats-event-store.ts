/**
 * An event store on NATS JetStream (spec decider 11), for operators who outgrow one machine.
 *
 * One decision is one message, so it is atomic with its command record. A stream of the store is one subject; the
 * server appends only behind the message that was the subject's last when the decision was checked, so revisions are
 * contiguous and guards hold against every other writer. What it gives less than SQLite: a snapshot is written after
 * its decision (a crash between loses it, which costs a replay), positions have gaps, and an answer that never came
 * is looked for before anything is said.
 */
import { randomUUID } from 'node:crypto'
import type {
  AppendOutcome,
  AppendRequest,
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
  SnapshotOutcome,
  StoreTotals,
  StreamHead,
  StreamQuery,
  StreamSlice,
} from '../../../event-store/event-store.ts'
import { checkGuard } from '../../../event-store/guard.ts'
import type { AsyncEventStore } from '../../../event-store/remote.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { CommandIndex } from './command-index.ts'
import {
  commandOf,
  decodeDecision,
  encodeDecision,
  eventsOf,
  lastRevisionOf,
  type Decision,
  type StoredDecision,
} from './decision-message.ts'
import { isUnanswered, natsFailure } from './failures.ts'
import { checkNatsIntegrity } from './nats-integrity.ts'
import { NatsKeys } from './nats-keys.ts'
import { NatsReading } from './nats-reading.ts'
import type { Message, Server } from './server.ts'
import { sequenceOf, type Subjects } from './subjects.ts'

export interface NatsEventStoreOptions {
  readonly server: Server
  readonly subjects: Subjects
  /** How long one publish may stay without an answer, in milliseconds. */
  readonly publishTimeoutMs?: number
  readonly now?: () => number
}

/** Rounds of a decision that other writers keep overtaking, though its guard holds. */
const maxRounds = 100
/** Publishes of one decision whose answers never came. */
const maxSilentRounds = 2
/** Failures of one decision; others are failures of the store. */
const ownFailures: ReadonlySet<string> = new Set(['store.quota_exceeded', 'store.too_large'])

export class NatsEventStore implements AsyncEventStore {
  readonly module: string
  private readonly server: Server
  private readonly subjects: Subjects
  private readonly index: CommandIndex
  private readonly reading: NatsReading
  private readonly keyed: NatsKeys
  private readonly publishTimeoutMs: number
  private readonly now: () => number

  constructor(options: NatsEventStoreOptions) {
    const { server, subjects } = options
    this.module = subjects.module
    this.server = server
    this.subjects = subjects
    this.index = new CommandIndex(server, subjects)
    this.reading = new NatsReading(server, subjects)
    this.keyed = new NatsKeys(server, subjects)
    this.publishTimeoutMs = options.publishTimeoutMs ?? 5_000
    this.now = options.now ?? Date.now
  }

  head(streamId: string): Promise<StreamHead | null> {
    return this.reading.head(streamId)
  }

  read(streamId: string, from: number, bounds: ReadBounds): Promise<StreamSlice> {
    return this.reading.slice(streamId, from, bounds, null)
  }

  async history(
    streamId: string,
    key: Omit<SnapshotKey, 'streamId'> | null,
    bounds: ReadBounds,
  ): Promise<History> {
    // The snapshot first: whatever is read after it is at least as new.
    const { answer, sequence } =
      key === null
        ? { answer: { kind: 'miss' } as const, sequence: null }
        : await this.keyed.snapshot({ streamId, ...key })
    if (answer.kind !== 'hit') {
      return { ...(await this.reading.slice(streamId, 1, bounds, null)), snapshot: answer }
    }
    const place = { revision: answer.revision, sequence: sequence ?? 1 }
    const slice = await this.reading.slice(streamId, answer.revision + 1, bounds, place)
    if (answer.revision <= slice.head) return { ...slice, snapshot: answer }
    return { ...(await this.reading.slice(streamId, 1, bounds, null)), snapshot: answer }
  }

  findCommand(id: string): Promise<RecordedCommand | null> {
    return this.index.find(id)
  }

  async commandOf(streamId: string, revision: number): Promise<RecordedCommand | null> {
    const { events } = await this.reading.slice(streamId, revision, { maxEvents: 1 }, null)
    const [event] = events
    if (event === undefined) return null
    const message = await this.server.at(sequenceOf(event.position))
    return message === null ? null : commandOf(decoded(message))
  }

  async getSnapshot(key: SnapshotKey): Promise<SnapshotAnswer> {
    return (await this.keyed.snapshot(key)).answer
  }

  snapshotsOf(streamId: string): Promise<readonly SnapshotInfo[]> {
    return this.keyed.snapshotsOf(streamId)
  }

  feed(after: number, filter: FeedFilter, limit: number): Promise<FeedPage> {
    return this.reading.feed(after, filter, limit)
  }

  streams(query: StreamQuery): Promise<readonly StreamHead[]> {
    return this.reading.streams(query)
  }

  projection(name: string): Promise<Projection | null> {
    return this.keyed.projection(name)
  }

  projections(): Promise<readonly Projection[]> {
    return this.keyed.projections()
  }

  totals(): Promise<StoreTotals> {
    return this.reading.totals()
  }

  async integrityCheck(): Promise<IntegrityReport> {
    const [snapshots, projections] = await Promise.all([
      this.keyed.snapshotsOf(null),
      this.keyed.projections(),
    ])
    const findings = await checkNatsIntegrity(this.server, this.subjects, snapshots, projections)
    return { ...findings, ...(await this.reading.totals()) }
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    try {
      return await this.decide(request)
    } catch (error) {
      const typed = natsFailure(error)
      if (!ownFailures.has(typed.code)) throw typed
      return { kind: 'failed', error: typed.toReport() }
    }
  }

  async appendAll(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    // In order within a stream; different streams need not wait for each other.
    const byStream = new Map<string, Promise<unknown>>()
    const outcomes = requests.map((request) => {
      const before = byStream.get(request.streamId) ?? Promise.resolve()
      const outcome = before.then(() => this.append(request))
      byStream.set(
        request.streamId,
        outcome.catch(() => undefined),
      )
      return outcome
    })
    // What was appended is there for good: a failure of the server after it must not hide it.
    const settled = await Promise.allSettled(outcomes)
    return settled.map((result) =>
      result.status === 'fulfilled'
        ? result.value
        : { kind: 'failed', error: natsFailure(result.reason).toReport() },
    )
  }

  async restore(decisions: readonly RecordedDecision[]): Promise<void> {
    for (const decision of decisions) {
      const { streamId, firstRevision, events, headers, command, recordedAt } = decision
      const last = await this.reading.last(streamId)
      const head = last === null ? 0 : lastRevisionOf(last)
      if (firstRevision !== head + 1) throw mismatch(streamId, firstRevision, head)
      const stored = await this.publish(last, {
        decision: randomUUID(),
        streamId,
        firstRevision,
        createdAt: last?.createdAt ?? recordedAt,
        recordedAt,
        moduleVersion: command?.moduleVersion ?? '',
        headers,
        command,
        events,
      })
      if (stored === null) throw mismatch(streamId, firstRevision, head)
    }
  }

  deleteSnapshot({ streamId, moduleVersion }: Omit<SnapshotKey, 'artifact'>): Promise<boolean> {
    return this.keyed.deleteSnapshot(streamId, moduleVersion)
  }

  setProjection(name: string, position: number, error: string | null): Promise<void> {
    return this.keyed.setProjection({ name, position, updatedAt: this.now(), error })
  }

  deleteProjection(name: string): Promise<void> {
    return this.keyed.deleteProjection(name)
  }

  /** Decisions behind a sequence as they come, for subscriptions. Ends with the signal. */
  live(after: number, signal: AbortSignal): AsyncIterableIterator<Message> {
    return this.server.live(after, signal)
  }

  /** Writes what the index holds in memory; the connection is its owner's. */
  async close(): Promise<void> {
    await this.index.flush().catch(() => undefined)
  }

  private async decide(request: AppendRequest): Promise<AppendOutcome> {
    const { streamId, guard, events, headers, command, moduleVersion } = request
    for (let round = 0; round < maxRounds; round += 1) {
      // The head before the look-up: what another writer appends after it makes the publish fail.
      const last = await this.reading.last(streamId)
      const known = command === null ? null : await this.index.find(command.id)
      if (known !== null) {
        const same = known.fingerprint === command?.fingerprint
        return { kind: same ? 'duplicate' : 'command-id-reused', command: known }
      }
      const head = last === null ? 0 : lastRevisionOf(last)
      const reason = checkGuard(guard, head)
      if (reason !== null) return { kind: 'conflict', reason, head }
      const recordedAt = this.now()
      const stored = await this.publish(last, {
        decision: randomUUID(),
        streamId,
        firstRevision: head + 1,
        createdAt: last?.createdAt ?? recordedAt,
        recordedAt,
        moduleVersion,
        headers,
        command: command === null ? null : { ...command, recordedAt },
        events,
      })
      if (stored === null) continue
      this.index.note(stored.sequence, commandOf(stored))
      return {
        kind: 'appended',
        firstRevision: stored.firstRevision,
        lastRevision: lastRevisionOf(stored),
        lastPosition: eventsOf(stored).at(-1)?.position ?? 0,
        snapshot: await this.storeSnapshot(request, stored, head),
      }
    }
    throw new PaddockError('store.busy', `Other writers kept overtaking a decision on stream ${streamId}.`)
  }

  /**
   * Publishes behind `last`; null when another decision took its place. An answer that never came is looked for: the
   * same message is offered again, which the server takes only if the first did not arrive.
   */
  private async publish(last: StoredDecision | null, decision: Decision): Promise<StoredDecision | null> {
    const subject = this.subjects.stream(decision.streamId)
    const data = encodeDecision(decision)
    for (let silent = 0; ;) {
      try {
        const expected = last?.sequence ?? 0
        const published = await this.server.publish(subject, data, {
          expected,
          events: decision.events.length,
          timeoutMs: this.publishTimeoutMs,
          // Two engines may offer one command for different streams at the same moment: the server takes one.
          id: decision.command?.id ?? null,
        })
        if (published === null) return silent > 0 ? await this.ownAmong(decision, expected) : null
        const { sequence, isKnown } = published
        if (!isKnown) return { ...decision, sequence }
        const first = await this.server.at(sequence)
        return first === null ? null : ownOf(decision, first)
      } catch (error) {
        if (!isUnanswered(error)) throw error
        silent += 1
        if (silent > maxSilentRounds) {
          throw new PaddockError('store.unavailable', 'The event server does not answer.', {
            cause: error,
            details: { unknown: true },
          })
        }
      }
    }
  }

  /** After an unanswered publish: our own decision, if it was the one that took the place. */
  private async ownAmong(decision: Decision, after: number): Promise<StoredDecision | null> {
    const message = await this.server.firstFrom(this.subjects.stream(decision.streamId), after + 1)
    return message === null ? null : ownOf(decision, message)
  }

  private async storeSnapshot(
    { snapshot, observed, moduleVersion, discardSnapshot }: AppendRequest,
    { streamId, sequence, ...decision }: StoredDecision,
    head: number,
  ): Promise<SnapshotOutcome> {
    try {
      if (discardSnapshot === true) await this.keyed.deleteSnapshot(streamId, moduleVersion)
      if (snapshot === null) return 'none'
      if (head !== observed) return 'interleaved'
      const revision = decision.firstRevision + decision.events.length - 1
      return await this.keyed.storeSnapshot(
        { ...snapshot, streamId, moduleVersion, revision },
        sequence,
        this.now(),
      )
    } catch {
      // The decision stands whatever becomes of its snapshot: the next command replays a little more.
      return 'failed'
    }
  }
}

/** The message as the decision that was to be stored, null when it holds another. */
function ownOf({ decision }: Decision, message: Message): StoredDecision | null {
  const found = decoded(message)
  return found.decision === decision ? found : null
}

function decoded(message: Message): StoredDecision {
  return decodeDecision(message.data, message.seq)
}

function mismatch(streamId: string, firstRevision: number, head: number): PaddockError {
  return new PaddockError(
    'store.import_mismatch',
    `Revision ${firstRevision} of stream ${streamId} cannot follow revision ${head}.`,
  )
}
