import type { Clock } from '../../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import type { BlockEvent } from '../heads/header.ts'
import { chainLimits, reconnectDelayMs } from '../limits.ts'
import { asChainRequestError } from '../request-error.ts'
import type { ChainRequestError } from '../request-error.ts'
import { sleep } from '../sleep.ts'
import type { SourceNotice } from '../source-notice.ts'
import type { LogEntry } from './log-entry.ts'
import type { LogFilter } from './log-filter.ts'
import { gapBackfilled, gapDropped, gapFailed } from './log-notices.ts'
import { LogProgress } from './log-progress.ts'
import { runLogSession } from './log-session.ts'
import { LogSubscriber } from './log-subscriber.ts'
import type { LogListener, LogSubscription } from './log-subscriber.ts'
import { RangeReader } from './range-reader.ts'

export interface LogStreamOptions {
  readonly chainId: string
  readonly filter: LogFilter
  readonly clock: Clock
  readonly random: () => number
  /** The endpoints as they are now, most preferred first. */
  readonly endpoints: () => readonly Endpoint[]
  readonly maxRangeBlocks: () => number
  /** The chain's heads, in order, with those missed. */
  readonly subscribeHeads: (
    listener: (block: BlockEvent) => void,
    onNotice: (notice: SourceNotice) => void,
  ) => () => void
  readonly onDidChange: () => void
  readonly onReconnect: () => void
  readonly onFault: (error: unknown) => void
}

interface Session {
  readonly endpoint: Endpoint
  readonly abort: AbortController
  takeHead: (block: BlockEvent) => void
  isOpen: boolean
}

/**
 * The one upstream filter of the logs that its subscribers want (spec nexum-host 10.3). It survives its connections:
 * after each it fetches what was missed, and delivers nothing twice.
 */
export class LogStream {
  readonly #options: LogStreamOptions
  readonly #subscribers = new Set<LogSubscriber>()
  readonly #reader: RangeReader
  #progress = new LogProgress()
  #running: AbortController | null = null
  #session: Session | null = null
  #unsubscribeHeads: (() => void) | null = null
  #interruptWait: (() => void) | null = null
  #isDown = false
  backfilled = 0
  removed = 0

  constructor(options: LogStreamOptions) {
    this.#options = options
    this.#reader = new RangeReader(options)
  }

  get isWanted(): boolean {
    return this.#subscribers.size > 0
  }

  subscribe(listener: LogListener, options: LogSubscription): () => void {
    const { chainId, clock, onFault } = this.#options
    const subscriber = new LogSubscriber(chainId, clock, listener, options, onFault)
    this.#subscribers.add(subscriber)
    this.#start()
    this.#catchUp(subscriber)
    return () => {
      subscriber.close()
      if (this.#subscribers.delete(subscriber) && !this.isWanted) this.stop()
    }
  }

  /** The endpoints or their health changed: try at once, or move to a better one. */
  reconsider(isNewConfiguration: boolean): void {
    if (isNewConfiguration) this.#interruptWait?.()
    const current = this.#session?.endpoint
    if (current === undefined) return
    const endpoints = this.#options.endpoints()
    const best = endpoints.find((endpoint) => endpoint.isHealthy)
    const isOutranked = best !== undefined && endpoints.indexOf(best) < endpoints.indexOf(current)
    if (!endpoints.includes(current) || isOutranked || current.isFailing) this.#session?.abort.abort()
  }

  /** Closes the upstream filter and forgets the position; subscribers stay registered. */
  stop(): void {
    this.#running?.abort()
    this.#running = null
    this.#session?.abort.abort()
    this.#session = null
    this.#unsubscribeHeads?.()
    this.#unsubscribeHeads = null
    this.#interruptWait?.()
    this.#progress = new LogProgress()
    this.#isDown = false
  }

  #start(): void {
    if (this.#running !== null) return
    this.#running = new AbortController()
    this.#unsubscribeHeads = this.#options.subscribeHeads(
      (block) => this.#session?.takeHead(block),
      (notice) => this.#takeNotice(notice),
    )
    void this.#run(this.#running.signal)
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    let attempt = 0
    while (!signal.aborted) {
      const endpoints = this.#options.endpoints()
      const endpoint =
        endpoints.find((each) => !each.isFailing) ?? endpoints[attempt % Math.max(1, endpoints.length)]
      const startedAt = clock.monotonicMs()
      const isMove = endpoint !== undefined && (await this.#runSession(endpoint))
      if (this.#running?.signal !== signal) return
      if (endpoint !== undefined) this.#options.onReconnect()
      if (clock.monotonicMs() - startedAt >= chainLimits.healthyMs) attempt = 0
      if (isMove && attempt < endpoints.length) {
        attempt++
        continue
      }
      await this.#wait(reconnectDelayMs(attempt++, random), signal)
    }
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const interrupt = new AbortController()
    this.#interruptWait = () => interrupt.abort()
    if (!signal.aborted) await sleep(this.#options.clock, ms, interrupt.signal)
    this.#interruptWait = null
  }

  /** Answers whether the session ended because another endpoint is to be used. */
  async #runSession(endpoint: Endpoint): Promise<boolean> {
    const abort = new AbortController()
    const session: Session = { endpoint, abort, takeHead: () => undefined, isOpen: false }
    this.#session = session
    try {
      await runLogSession({
        endpoint,
        filter: this.#options.filter,
        signal: abort.signal,
        progress: this.#progress,
        backfill: (from, head) => this.#backfill(session, from, head),
        deliver: (entries) => this.#deliver(entries),
        onRemoved: (entry) => this.#noteRemoved(entry),
        onHeads: (takeHead) => (session.takeHead = takeHead),
        onDidOpen: () => {
          session.isOpen = true
          this.#noteUp(endpoint)
          for (const subscriber of this.#subscribers) this.#catchUp(subscriber)
        },
      })
    } catch (thrown) {
      const failure = asChainRequestError(thrown)
      if (!abort.signal.aborted) endpoint.fail(failure)
      this.#noteDown(endpoint, failure)
    }
    if (this.#session === session) this.#session = null
    const isMove = abort.signal.aborted
    abort.abort()
    return isMove
  }

  /** Fetches and delivers what was missed up to the head, the newest 10,000 blocks of it (spec nexum-host 10.4). */
  async #backfill(session: Session, from: bigint, head: bigint): Promise<void> {
    const lookbacks = [...this.#subscribers].map((subscriber) => subscriber.lookback)
    const most = lookbacks.reduce((greatest, each) => (each > greatest ? each : greatest), 1n)
    const first = this.#firstOf(from, head, most, (notice) => this.#tell(notice))
    if (first > head) return
    const before = this.backfilled
    const end = await this.#reader.read(
      session.endpoint,
      first,
      head,
      session.abort.signal,
      (entries, upTo) => {
        if (this.#session !== session) return
        this.backfilled += this.#deliver(entries, head)
        this.#progress.reached(upTo, null)
      },
    )
    if (end.gaveUp !== null) this.#tell(gapFailed(end.at, head, end.gaveUp))
    const count = this.backfilled - before
    if (count > 0) this.#tell(gapBackfilled(count, first, head))
  }

  #firstOf(from: bigint, head: bigint, most: bigint, tell: (notice: SourceNotice) => void): bigint {
    const oldest = head - most + 1n
    if (from >= oldest) return from
    tell(gapDropped(from, oldest - 1n))
    return oldest
  }

  /** Answers how many were new. In a backfill, each subscriber looks back as far as it wants. */
  #deliver(entries: readonly LogEntry[], head: bigint | null = null): number {
    let count = 0
    for (const entry of entries) {
      if (!this.#progress.isNew(entry)) continue
      count++
      for (const subscriber of [...this.#subscribers]) {
        if (head === null || entry.number > head - subscriber.lookback) subscriber.take(entry)
      }
    }
    if (count > 0) this.#options.onDidChange()
    return count
  }

  /** Brings one subscriber from the last log it has handled to where the stream is. */
  #catchUp(subscriber: LogSubscriber): void {
    const session = this.#session
    if (session === null || !session.isOpen || subscriber.isLive || subscriber.isCatchingUp) return
    subscriber.isCatchingUp = true
    this.#catchUpTo(subscriber, session, this.#progress.next - 1n)
      .catch((thrown: unknown) => {
        // The next session goes on from where this one got to.
        if (!session.abort.signal.aborted) session.endpoint.fail(asChainRequestError(thrown))
        session.abort.abort()
      })
      .finally(() => (subscriber.isCatchingUp = false))
  }

  async #catchUpTo(subscriber: LogSubscriber, session: Session, head: bigint): Promise<void> {
    const first = this.#firstOf(subscriber.next, head, subscriber.lookback, (notice) =>
      subscriber.tell(notice),
    )
    const reader = new RangeReader(this.#options)
    let count = 0
    const end = await reader.read(session.endpoint, first, head, session.abort.signal, (entries, upTo) => {
      for (const entry of entries) if (subscriber.takeMissed(entry)) count++
      subscriber.next = upTo + 1n
    })
    this.backfilled += count
    if (end.gaveUp !== null) subscriber.tell(gapFailed(end.at, head, end.gaveUp))
    if (count > 0) subscriber.tell(gapBackfilled(count, first, head))
    subscriber.goLive()
  }

  /** Taken back by the node; 0.2 cannot say so to a module (spec nexum-host 10.3). */
  #noteRemoved(entry: LogEntry): void {
    this.removed++
    const message = `The node took back log ${entry.index} of block ${entry.number}; modules are not told.`
    this.#tell({ event: 'logs_removed', level: 'warn', message })
    this.#options.onDidChange()
  }

  #noteDown(endpoint: Endpoint, failure: ChainRequestError): void {
    if (this.#isDown || failure.kind === 'cancelled') return
    this.#isDown = true
    const message = `Logs of chain ${this.#options.chainId} stopped coming from ${endpoint.label}: ${failure.message}`
    this.#tell({ event: 'source_down', level: 'warn', message })
  }

  #noteUp(endpoint: Endpoint): void {
    if (!this.#isDown) return
    this.#isDown = false
    const message = `Logs of chain ${this.#options.chainId} come from ${endpoint.label}.`
    this.#tell({ event: 'source_up', level: 'info', message })
  }

  /** Where logs are asked for head by head, they come and go with the heads. */
  #takeNotice(notice: SourceNotice): void {
    const isTurn = notice.event === 'source_down' || notice.event === 'source_up'
    if (isTurn && this.#session?.endpoint.canPush === false) this.#tell(notice)
  }

  #tell(notice: SourceNotice): void {
    for (const subscriber of [...this.#subscribers]) subscriber.tell(notice)
  }
}
