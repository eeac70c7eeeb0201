/** Reads the decisions of one module from the event server. */
import { Buffer } from 'node:buffer'
import type {
  FeedFilter,
  FeedPage,
  ReadBounds,
  RecordedEvent,
  StoreTotals,
  StreamHead,
  StreamQuery,
  StreamSlice,
} from '../../../event-store/event-store.ts'
import { decodeDecision, eventsOf, lastRevisionOf, type StoredDecision } from './decision-message.ts'
import { eventCountHeader, type Server } from './server.ts'
import { endOf, positionOf, sequenceOf, type Subjects } from './subjects.ts'

/** Payload bytes of a feed page after which it ends. */
const maxFeedBytes = 8 * 1024 * 1024
const parallelReads = 16
/** Streams whose place of reading is remembered. */
const maxPlaces = 1_000

/** Where a revision lies: the message at `sequence` holds it, or a later one does. */
export interface Place {
  readonly revision: number
  readonly sequence: number
}

export class NatsReading {
  private readonly server: Server
  private readonly subjects: Subjects
  /** Where the next chunk of a stream begins, so that it need not be looked for from the start. */
  private readonly places = new Map<string, Place>()
  private counted = { sequence: 0, events: 0, lastPosition: 0 }

  constructor(server: Server, subjects: Subjects) {
    this.server = server
    this.subjects = subjects
  }

  /** The last decision of a stream. */
  async last(streamId: string): Promise<StoredDecision | null> {
    const message = await this.server.lastOf(this.subjects.stream(streamId))
    return message === null ? null : decodeDecision(message.data, message.seq)
  }

  async head(streamId: string): Promise<StreamHead | null> {
    const last = await this.last(streamId)
    if (last === null) return null
    return {
      streamId,
      revision: lastRevisionOf(last),
      lastPosition: positionOf(last.sequence, last.events.length - 1),
      createdAt: last.createdAt,
      updatedAt: last.recordedAt,
    }
  }

  /** Events from a revision on; `known` is a place at or before it. */
  async slice(streamId: string, from: number, bounds: ReadBounds, known: Place | null): Promise<StreamSlice> {
    const last = await this.last(streamId)
    if (last === null) return { head: 0, events: [] }
    const head = lastRevisionOf(last)
    const upTo = Math.min(bounds.upTo ?? head, head)
    const events: RecordedEvent[] = []
    if (from > upTo) return { head, events }
    if (from >= last.firstRevision) {
      take(eventsOf(last), from, upTo, bounds, events)
      return { head, events }
    }
    const place = this.nearest(streamId, from, known)
    const subject = this.subjects.stream(streamId)
    const expected = Math.min(head - place.revision + 1, bounds.maxEvents)
    for await (const message of this.server.messages(subject, place.sequence, last.sequence, expected)) {
      const decision = decodeDecision(message.data, message.seq)
      const isFull = take(eventsOf(decision), from, upTo, bounds, events)
      this.remember(streamId, { revision: decision.firstRevision, sequence: decision.sequence })
      if (isFull || lastRevisionOf(decision) >= upTo) break
    }
    return { head, events }
  }

  async feed(after: number, filter: FeedFilter, limit: number): Promise<FeedPage> {
    const { last_seq: last } = await this.server.state()
    const types = filter.types === undefined ? null : new Set(filter.types)
    const subject =
      filter.streamId === undefined ? this.subjects.allEvents : this.subjects.stream(filter.streamId)
    const from = Math.max(1, sequenceOf(after))
    let end = last
    if (filter.streamId !== undefined) end = (await this.server.lastOf(subject))?.seq ?? 0
    const events: RecordedEvent[] = []
    let bytes = 0
    for await (const message of this.server.messages(subject, from, end, Math.min(end - from + 1, limit))) {
      for (const event of eventsOf(decodeDecision(message.data, message.seq))) {
        if (event.position <= after || (types !== null && !types.has(event.type))) continue
        bytes += event.payload.length
        if (events.length >= limit || (bytes > maxFeedBytes && events.length > 0)) {
          return { events, next: events.at(-1)?.position ?? after, more: true }
        }
        events.push(event)
      }
    }
    return { events, next: Math.max(after, endOf(last)), more: false }
  }

  async streams(query: StreamQuery): Promise<StreamHead[]> {
    const { subjects: found = {} } = await this.server.state(this.subjects.allEvents)
    const { prefix = '', after = '' } = query
    const ids = Object.keys(found)
      .map((subject) => this.subjects.streamIdOf(subject))
      .filter((id) => id.startsWith(prefix) && compare(id, after) > 0)
      .sort(compare)
      .slice(0, query.limit)
    const heads: (StreamHead | null)[] = []
    for (let from = 0; from < ids.length; from += parallelReads) {
      heads.push(...(await Promise.all(ids.slice(from, from + parallelReads).map((id) => this.head(id)))))
    }
    return heads.filter((head) => head !== null)
  }

  /** Counts by the headers of messages, and only those that came since it counted last. */
  async totals(): Promise<StoreTotals> {
    const state = await this.server.state(this.subjects.allEvents)
    const from = this.counted.sequence + 1
    const expected = state.last_seq - from + 1
    const all = this.subjects.allEvents
    let { events, lastPosition } = this.counted
    for await (const message of this.server.messages(all, from, state.last_seq, expected, true)) {
      const amount = Number(message.headers.get(eventCountHeader) ?? 0)
      events += amount
      lastPosition = positionOf(message.seq, amount - 1)
    }
    this.counted = { sequence: state.last_seq, events, lastPosition }
    return { streams: state.num_subjects ?? 0, events, lastPosition, usedBytes: state.bytes }
  }

  private nearest(streamId: string, from: number, known: Place | null): Place {
    const start: Place = { revision: 1, sequence: 1 }
    const remembered = this.places.get(streamId)
    return [known, remembered]
      .filter((place) => place !== null && place !== undefined)
      .filter(({ revision }) => revision <= from)
      .reduce((best, place) => (place.revision > best.revision ? place : best), start)
  }

  private remember(streamId: string, place: Place): void {
    this.places.delete(streamId)
    this.places.set(streamId, place)
    const [oldest] = this.places.keys()
    if (this.places.size > maxPlaces && oldest !== undefined) this.places.delete(oldest)
  }
}

/** Takes events within the bounds; true when nothing more fits. */
function take(
  found: readonly RecordedEvent[],
  from: number,
  upTo: number,
  { maxEvents, maxBytes = Infinity }: ReadBounds,
  into: RecordedEvent[],
): boolean {
  let bytes = into.reduce((sum, { payload }) => sum + payload.length, 0)
  for (const event of found) {
    if (event.revision < from) continue
    if (event.revision > upTo) return true
    bytes += event.payload.length
    if (into.length >= maxEvents || (bytes > maxBytes && into.length > 0)) return true
    into.push(event)
  }
  return into.length >= maxEvents
}

/** By UTF-8 bytes, as SQLite orders texts. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}
