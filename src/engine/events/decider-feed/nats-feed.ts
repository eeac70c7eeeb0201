/** The feed of an event store on NATS: an ordered consumer catches up and goes on. */
import type { FeedFilter, RecordedEvent } from '../../../event-store/event-store.ts'
import { decodeDecision, eventsOf } from '../../capabilities/event-store/decision-message.ts'
import type { NatsEventStore } from '../../capabilities/event-store/nats-event-store.ts'
import { sequenceOf } from '../../capabilities/event-store/subjects.ts'
import type { EventFeed } from './event-feed.ts'

export class NatsFeed implements EventFeed {
  private readonly store: NatsEventStore

  constructor(store: NatsEventStore) {
    this.store = store
  }

  async *subscribe(
    after: number,
    filter: FeedFilter,
    signal: AbortSignal,
  ): AsyncIterableIterator<RecordedEvent> {
    const types = filter.types === undefined ? null : new Set(filter.types)
    // The message of the position may hold further events.
    const from = Math.max(0, sequenceOf(after) - 1)
    for await (const message of this.store.live(from, signal)) {
      for (const event of eventsOf(decodeDecision(message.data, message.seq))) {
        if (event.position <= after || (types !== null && !types.has(event.type))) continue
        if (filter.streamId !== undefined && event.streamId !== filter.streamId) continue
        if (signal.aborted) return
        yield event
      }
    }
  }

  async last(): Promise<number> {
    return (await this.store.totals()).lastPosition
  }
}
