/**
 * A decider's events as they come: everything behind a position, then what is appended, without a gap or a double at
 * the seam (spec decider 11, `subscribe`). One interface over both kinds of event store.
 */
import type { FeedFilter, RecordedEvent } from '../../../event-store/event-store.ts'

export interface EventFeed {
  /** Events after a position, in global order, until the signal. Throws `store.*` when the store fails. */
  subscribe(after: number, filter: FeedFilter, signal: AbortSignal): AsyncIterableIterator<RecordedEvent>
  /** Position of the last event there is, 0 for none. Throws `store.*`. */
  last(): Promise<number>
}
