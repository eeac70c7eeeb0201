/** Where events come from, as a contract session sees it: shared by all modules, opened on demand. */
import type { ChainId } from '../../shared/domain/primitives.ts'
import type { ChainPool } from '../chains/chain-pool.ts'
import type { BlockEvent } from '../chains/heads/header.ts'
import type { HandledBlock } from '../chains/heads/head-subscriber.ts'
import type { LogFilter } from '../chains/logs/log-filter.ts'
import type { LogListener, LogSubscription } from '../chains/logs/log-subscriber.ts'
import type { NoticeListener } from '../chains/source-notice.ts'
import type { CronSource } from './cron-source.ts'
import type { DeciderEventSource } from './decider-feed/decider-events.ts'
import type { MessageSource } from './message-source.ts'

export interface EventSources {
  /**
   * New heads of a chain in order, shared upstream. With `from` the blocks missed since come first
   * (bounded, spec nexum-host 10.4). Answers the unsubscription.
   */
  blocks(
    chainId: ChainId,
    from: HandledBlock | null,
    listener: (block: BlockEvent) => void,
    onNotice?: NoticeListener,
    backfill?: boolean,
  ): () => void
  /** New logs that a filter matches, in order, shared upstream with all who want the same (spec 10.3). */
  logs(chainId: ChainId, filter: LogFilter, subscription: LogSubscription, listener: LogListener): () => void
  /**
   * Calls the listener when a five-field UTC schedule fires, with the wall clock in milliseconds. No
   * further tick comes while the answered promise is pending.
   */
  cron(schedule: string, listener: (firedAtMs: number) => Promise<void>): () => void
  /** Messages on a topic from now on (spec nexum-host 10.6). */
  readonly messages: MessageSource
  /** What deciders decided, one event at a time (spec decider 11). */
  readonly deciders: DeciderEventSource
}

/** The sources of an engine. */
export function createEventSources(
  pool: ChainPool,
  cron: CronSource,
  messages: MessageSource,
  deciders: DeciderEventSource,
): EventSources {
  return {
    blocks: (chainId, from, listener, onNotice, backfill = true) =>
      pool.subscribeHeads(chainId, listener, {
        backfill,
        ...(from === null ? {} : { from }),
        ...(onNotice === undefined ? {} : { onNotice }),
      }),
    logs: (chainId, filter, subscription, listener) =>
      pool.subscribeLogs(chainId, filter, listener, subscription),
    cron: (schedule, listener) => cron.subscribe(schedule, listener),
    messages,
    deciders,
  }
}
