/** Pages of a decider's store for the console, read beside its commands (spec decider 13). */
import type { EventStoreReader } from '../../../event-store/event-store.ts'
import type { StoreAnswer, StoreQuery } from '../../../shared/contracts/decider-views.ts'

/** Payload bytes of one page of events. */
const pageBytes = 4 * 1024 * 1024

export function readStore(store: EventStoreReader, query: StoreQuery): StoreAnswer {
  switch (query.kind) {
    case 'streams': {
      const { prefix, after, limit } = query
      const streams = store.streams({
        limit,
        ...(prefix === undefined ? {} : { prefix }),
        ...(after === undefined ? {} : { after }),
      })
      return { kind: 'streams', streams: [...streams], totals: store.totals() }
    }
    case 'events': {
      const { head, events } = store.read(query.streamId, query.from, {
        maxEvents: query.limit,
        maxBytes: pageBytes,
      })
      return {
        kind: 'events',
        head,
        events: events.map((event) => ({
          ...event,
          payload: new Uint8Array(event.payload),
          headers: { ...event.headers },
        })),
      }
    }
    case 'snapshots':
      return { kind: 'snapshots', snapshots: [...store.snapshotsOf(query.streamId)] }
  }
}
