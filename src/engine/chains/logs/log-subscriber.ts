import { bytesToHex } from 'viem'
import type { Hex } from 'viem'
import type { Clock } from '../../clock.ts'
import { chainLimits } from '../limits.ts'
import type { NoticeListener, SourceNotice } from '../source-notice.ts'
import { logKey, toLogEvent } from './log-entry.ts'
import type { LogEntry, LogEvent } from './log-entry.ts'

/** The last log a subscriber has handled. */
export interface HandledLog {
  readonly number: bigint
  /** 32 bytes. */
  readonly blockHash: Uint8Array
  readonly index: number
}

export interface LogSubscription {
  /** It gets what followed this log, then what comes; without it, what comes. */
  readonly from?: HandledLog | null
  /** Blocks below the head that are looked back at most; null for the bound of the source. */
  readonly maxLookback?: number | null
  /** All logs of a block at once instead of one by one (spec nexum-host 8.1). */
  readonly batch?: boolean
  readonly onNotice?: NoticeListener
}

export type LogListener = (logs: readonly LogEvent[]) => void

/** After so many milliseconds without another log of its block a batch is complete. */
const batchQuietMs = 100

/** One listener of a filter's logs. It is live, or catches up while what comes waits for it. */
export class LogSubscriber {
  readonly #chainId: string
  readonly #clock: Clock
  readonly #listener: LogListener
  readonly #options: LogSubscription
  readonly #onFault: (error: unknown) => void
  #waiting: LogEntry[] | null
  #batch: LogEntry[] = []
  #cancelFlush: (() => void) | null = null
  /** Keys of what its own catch-up delivered of the newest blocks. */
  readonly #caughtUp = new Set<string>()
  /** The last log it has handled. */
  readonly handled: { readonly number: bigint; readonly blockHash: Hex; readonly index: number } | null
  /** The next block of its own catch-up. */
  next: bigint
  isCatchingUp = false
  isClosed = false

  constructor(
    chainId: string,
    clock: Clock,
    listener: LogListener,
    options: LogSubscription,
    onFault: (error: unknown) => void,
  ) {
    this.#chainId = chainId
    this.#clock = clock
    this.#listener = listener
    this.#options = options
    this.#onFault = onFault
    const from = options.from ?? null
    this.handled = from === null ? null : { ...from, blockHash: bytesToHex(from.blockHash) }
    this.next = from?.number ?? 0n
    this.#waiting = from === null ? null : []
  }

  get isLive(): boolean {
    return this.#waiting === null
  }

  /** Blocks that it wants fetched at most, the newest. */
  get lookback(): bigint {
    const most = chainLimits.logBackfillBlocks
    return BigInt(Math.min(most, this.#options.maxLookback ?? most))
  }

  /** A log of the stream. */
  take(entry: LogEntry): void {
    if (this.#waiting === null) this.#deliver(entry)
    else this.#waiting.push(entry)
  }

  /** A log that its own catch-up found; answers whether it was delivered: what it has handled is left out, unless the block became another. */
  takeMissed(entry: LogEntry): boolean {
    const { handled } = this
    const isHandled =
      handled !== null &&
      entry.number === handled.number &&
      entry.blockHash === handled.blockHash &&
      entry.index <= handled.index
    if (isHandled) return false
    this.#caughtUp.add(logKey(entry))
    this.#deliver(entry)
    return true
  }

  /** What came meanwhile follows what was caught up, nothing twice. */
  goLive(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    for (const entry of waiting) if (!this.#caughtUp.has(logKey(entry))) this.#deliver(entry)
    this.#caughtUp.clear()
  }

  tell(notice: SourceNotice): void {
    this.#guard(() => this.#options.onNotice?.(notice))
  }

  close(): void {
    this.isClosed = true
    this.#cancelFlush?.()
    this.#cancelFlush = null
    this.#batch = []
    this.#waiting = []
  }

  #deliver(entry: LogEntry): void {
    if (this.isClosed) return
    if (this.#options.batch !== true) {
      this.#guard(() => this.#listener([toLogEvent(this.#chainId, entry)]))
      return
    }
    if (this.#batch[0] !== undefined && this.#batch[0].blockHash !== entry.blockHash) this.#flush()
    this.#batch.push(entry)
    this.#cancelFlush?.()
    this.#cancelFlush = this.#clock.after(batchQuietMs, () => this.#flush())
  }

  #flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = null
    const batch = this.#batch
    this.#batch = []
    if (batch.length > 0)
      this.#guard(() => this.#listener(batch.map((log) => toLogEvent(this.#chainId, log))))
  }

  #guard(action: () => void): void {
    try {
      if (!this.isClosed) action()
    } catch (error) {
      this.#onFault(error)
    }
  }
}
