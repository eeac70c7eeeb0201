/** Where events come from, as a contract session sees it: shared by all modules, opened on demand. */
import type { ChainId } from '../../shared/domain/primitives.ts'
import type { BlockEvent } from '../chains/heads/header.ts'
import type { HandledBlock } from '../chains/heads/head-subscriber.ts'

export interface EventSources {
  /**
   * New heads of a chain in order, shared upstream. With `from` the blocks missed since come first
   * (bounded, spec nexum-host 10.4). Answers the unsubscription.
   */
  blocks(chainId: ChainId, from: HandledBlock | null, listener: (block: BlockEvent) => void): () => void
  /**
   * Calls the listener when a five-field UTC schedule fires, with the wall clock in milliseconds. No
   * further tick comes while the answered promise is pending.
   */
  cron(schedule: string, listener: (firedAtMs: number) => Promise<void>): () => void
}
