import { bytesToHex } from 'viem'
import type { Hex } from 'viem'
import { toBlockEvent } from './header.ts'
import type { BlockEvent, Header } from './header.ts'
import type { HeaderSource } from './header-source.ts'
import { chainLimits } from '../limits.ts'
import type { NoticeListener, SourceNotice } from '../source-notice.ts'

/** The last block a subscriber has handled. */
export interface HandledBlock {
  readonly number: bigint
  /** 32 bytes. */
  readonly hash: Uint8Array
}

export interface Missed {
  /** Missed blocks that were fetched, and missed ones that were too old to fetch. */
  backfilled(count: number): void
  skipped(count: bigint): void
}

export interface HeadSubscriberOptions {
  readonly chainId: string
  readonly listener: (block: BlockEvent) => void
  readonly from: HandledBlock | null
  readonly onFault: (error: unknown) => void
  readonly onNotice: NoticeListener
  readonly backfill: boolean
}

/** One listener of a chain's heads. It is live, or catches up from the last block it has handled. */
export class HeadSubscriber {
  readonly #chainId: string
  readonly #listener: (block: BlockEvent) => void
  readonly #onFault: (error: unknown) => void
  #handled: { readonly number: bigint; readonly hash: Hex } | null
  /** Heads below the last handled block, kept until it is known whether the node lags or the chain is another. */
  #held: Header[] = []
  #isCatchingUp = false
  readonly #onNotice: NoticeListener
  /** Whether it is told what was missed while the endpoint was away (spec nexum-host 10.4). */
  readonly #backfill: boolean
  isClosed = false

  constructor(options: HeadSubscriberOptions) {
    const { from } = options
    this.#onNotice = options.onNotice
    this.#chainId = options.chainId
    this.#listener = options.listener
    this.#onFault = options.onFault
    this.#backfill = options.backfill
    this.#handled = from === null ? null : { number: from.number, hash: bytesToHex(from.hash) }
  }

  get isLive(): boolean {
    return this.#handled === null
  }

  /** Takes a head of the stream; ignored while it catches up, which will reach that head by itself. */
  take(header: Header, isMissed: boolean): void {
    if (this.isLive) {
      if (!isMissed || this.#backfill) this.#deliver(header)
    } else if (this.#held.length > 0) this.#hold(header)
  }

  /**
   * Delivers what was missed up to the stream's newest head, however that moves meanwhile, then goes live: no
   * gap, nothing twice. At most 256 blocks; older ones are skipped and counted (spec nexum-host 10.4).
   * Rejects when the source fails; a later call goes on from there.
   */
  async catchUp(source: HeaderSource, newest: () => Header, missed: Missed): Promise<void> {
    if (this.isLive || this.#isCatchingUp || this.#held.length > 0) return
    this.#isCatchingUp = true
    try {
      await this.#catchUp(source, newest, missed)
    } finally {
      this.#isCatchingUp = false
    }
  }

  async #catchUp(source: HeaderSource, newest: () => Header, missed: Missed): Promise<void> {
    let isFirst = true
    for (;;) {
      const handled = this.#handled
      const head = newest()
      if (handled === null || this.isClosed) return
      if (head.hash === handled.hash) {
        this.#goLive()
        return
      }
      if (head.number < handled.number) {
        // Delivered already by this catch-up: a reorganisation, told as it comes.
        if (!isFirst || handled.number - head.number > chainLimits.lagBlocks) {
          this.#goLive(head)
          return
        }
        this.#held = [head]
        return
      }
      // Another block at the height of the last handled one: that height is handled again (spec 10.4).
      const isSame = (await source.at(handled.number)).hash === handled.hash
      let first = isSame ? handled.number + 1n : handled.number
      const oldest = head.number - BigInt(chainLimits.backfillBlocks) + 1n
      if (isFirst && first < oldest) {
        missed.skipped(oldest - first)
        this.tell(dropped(first, oldest - 1n))
        first = oldest
      }
      isFirst = false
      if (first > head.number) {
        this.#goLive(head)
        return
      }
      this.tell(backfilled(first, head.number))
      for await (const header of source.range(first, head.number)) {
        if (this.#wasClosed()) return
        this.#handled = header
        this.#deliver(header)
        missed.backfilled(1)
      }
    }
  }

  /** Asked again after waiting. */
  #wasClosed(): boolean {
    return this.isClosed
  }

  #hold(header: Header): void {
    const handled = this.#handled
    if (handled === null) return
    if (header.hash === handled.hash) {
      this.#goLive()
      return
    }
    this.#held.push(header)
    if (header.number < handled.number && this.#held.length <= Number(chainLimits.lagBlocks)) return
    const held = this.#held
    this.#goLive()
    for (const each of held) this.#deliver(each)
  }

  tell(notice: SourceNotice): void {
    try {
      if (!this.isClosed) this.#onNotice(notice)
    } catch (error) {
      this.#onFault(error)
    }
  }

  #goLive(header?: Header): void {
    this.#handled = null
    this.#held = []
    if (header !== undefined) this.#deliver(header)
  }

  #deliver(header: Header): void {
    if (this.isClosed) return
    try {
      this.#listener(toBlockEvent(this.#chainId, header))
    } catch (error) {
      this.#onFault(error)
    }
  }
}

/** Blocks that were missed and are fetched now; both included. */
export function backfilled(first: bigint, last: bigint): SourceNotice {
  const message = `Missed blocks ${first} to ${last} are fetched.`
  return { event: 'gap_backfilled', level: 'info', message }
}

/** Blocks that were missed and are too old to fetch; both included. */
export function dropped(first: bigint, last: bigint): SourceNotice {
  const message = `Missed blocks ${first} to ${last} are too old to fetch and are skipped.`
  return { event: 'gap_dropped', level: 'warn', message }
}
