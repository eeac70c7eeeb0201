import type { Clock } from '../../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import { HeadSubscriber } from './head-subscriber.ts'
import type { HandledBlock, Missed } from './head-subscriber.ts'
import type { BlockEvent, Header } from './header.ts'
import { HeaderSource } from './header-source.ts'
import { runHeadSession } from './head-session.ts'
import { chainLimits, reconnectDelayMs } from '../limits.ts'
import { asChainRequestError } from '../request-error.ts'
import type { ChainRequestError } from '../request-error.ts'
import { sleep } from '../sleep.ts'

export interface HeadStreamOptions {
  readonly chainId: string
  readonly clock: Clock
  readonly random: () => number
  /** The endpoints as they are now, most preferred first. */
  readonly endpoints: () => readonly Endpoint[]
  readonly pollIntervalMs: () => number
  readonly onDidChange: () => void
  /** A listener threw. */
  readonly onFault: (error: unknown) => void
}

export interface SeenHead extends Header {
  /** Unix time in milliseconds. */
  readonly receivedAt: number
}

interface Session {
  readonly source: HeaderSource
  readonly abort: AbortController
  isOpen: boolean
  /** Why a subscriber's catch-up ended the session. */
  failure: ChainRequestError | null
}

/** Hashes remembered so that a head is delivered once, also after a change to a node that lags. */
const rememberedHeads = 1_024

/**
 * The one stream of new heads of a chain, shared by all subscribers and open only while there are any
 * (spec nexum-host 10.2, 10.4). It survives its connections: after each of them it fetches what was missed.
 */
export class HeadStream {
  readonly #options: HeadStreamOptions
  readonly #subscribers = new Set<HeadSubscriber>()
  readonly #recent = new Map<bigint, Header>()
  readonly #seen = new Set<string>()
  readonly #missed: Missed
  #running: AbortController | null = null
  #session: Session | null = null
  #interruptWait: (() => void) | null = null
  #last: Header | null = null
  /** Missed blocks below this number are counted as skipped already. */
  #skippedTo = 0n
  #usualIntervalMs: number | null = null
  head: SeenHead | null = null
  reconnects = 0
  backfilled = 0
  skipped = 0

  constructor(options: HeadStreamOptions) {
    this.#options = options
    this.#missed = {
      backfilled: (count) => (this.backfilled += count),
      skipped: (count) => (this.skipped += Number(count)),
    }
  }

  get isWanted(): boolean {
    return this.#subscribers.size > 0
  }

  /** Whether heads flow just now. */
  get isOpen(): boolean {
    return this.#session?.isOpen ?? false
  }

  /** The endpoint the heads come from. */
  get endpoint(): Endpoint | null {
    return this.#session?.source.endpoint ?? null
  }

  /** Silence in milliseconds after which the stream is taken for dead (spec nexum-host 10.4). */
  get patienceMs(): number {
    return Math.max(chainLimits.silenceMs, chainLimits.silenceIntervals * (this.#usualIntervalMs ?? 0))
  }

  subscribe(listener: (block: BlockEvent) => void, from: HandledBlock | null): () => void {
    const { chainId, onFault } = this.#options
    const subscriber = new HeadSubscriber(chainId, listener, from, onFault)
    this.#subscribers.add(subscriber)
    this.#start()
    this.#catchUp(subscriber)
    return () => {
      subscriber.isClosed = true
      if (this.#subscribers.delete(subscriber) && !this.isWanted) this.stop()
    }
  }

  /** The endpoints or their health changed: try at once, or move to a better one. */
  reconsider(isNewConfiguration: boolean): void {
    if (isNewConfiguration) this.#interruptWait?.()
    const current = this.endpoint
    if (current === null) return
    const endpoints = this.#options.endpoints()
    const best = endpoints.find((endpoint) => endpoint.isHealthy)
    const isGone = !endpoints.includes(current)
    const isOutranked = best !== undefined && endpoints.indexOf(best) < endpoints.indexOf(current)
    if (isGone || isOutranked) this.#session?.abort.abort()
  }

  /** Closes the connection's subscription and forgets the position; subscribers stay registered. */
  stop(): void {
    this.#running?.abort()
    this.#running = null
    this.#session?.abort.abort()
    this.#session = null
    this.#interruptWait?.()
    this.#last = null
    this.#skippedTo = 0n
    this.#recent.clear()
    this.#seen.clear()
    this.#options.onDidChange()
  }

  #start(): void {
    if (this.#running !== null) return
    this.#running = new AbortController()
    void this.#run(this.#running.signal)
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    let attempt = 0
    while (!signal.aborted) {
      const endpoint = this.#choose(attempt)
      const startedAt = clock.monotonicMs()
      const isMove = endpoint !== undefined && (await this.#runSession(endpoint))
      if (this.#running?.signal !== signal) return
      this.#options.onDidChange()
      if (endpoint !== undefined) this.reconnects++
      if (clock.monotonicMs() - startedAt >= chainLimits.healthyMs) attempt = 0
      const hasAnother = this.#options.endpoints().some((each) => !each.isFailing && each !== endpoint)
      if (isMove || (hasAnother && attempt < this.#options.endpoints().length)) {
        attempt++
        continue
      }
      await this.#wait(reconnectDelayMs(attempt++, random), signal)
    }
  }

  /** The first endpoint that is not failing; when all fail, each in turn. */
  #choose(attempt: number): Endpoint | undefined {
    const endpoints = this.#options.endpoints()
    return endpoints.find((endpoint) => !endpoint.isFailing) ?? endpoints[attempt % endpoints.length]
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
    const source = new HeaderSource(endpoint, this.#recent, abort.signal)
    const session: Session = { source, abort, isOpen: false, failure: null }
    this.#session = session
    try {
      await runHeadSession({
        source,
        clock: this.#options.clock,
        signal: abort.signal,
        pollIntervalMs: this.#options.pollIntervalMs,
        patienceMs: () => this.patienceMs,
        onHead: (header) => this.#accept(header, session),
        onDidOpen: () => {
          session.isOpen = true
          this.#options.onDidChange()
          for (const subscriber of this.#subscribers) this.#catchUp(subscriber)
        },
      })
    } catch (error) {
      if (!abort.signal.aborted) endpoint.fail(asChainRequestError(error))
    }
    session.isOpen = false
    if (this.#session === session) this.#session = null
    const isMove = abort.signal.aborted && session.failure === null
    abort.abort()
    return isMove
  }

  /** Takes a head in the order of the connection, first fetching those missed before it. */
  async #accept(header: Header, session: Session): Promise<void> {
    if (this.#session !== session || this.#seen.has(header.hash)) return
    const last = this.#last
    // The stream begins at the head: what it finds there happened before anyone asked.
    if (last === null) {
      this.#deliver(header, false)
      return
    }
    if (header.number > last.number + 1n) {
      for await (const each of session.source.range(this.#firstMissed(last, header), header.number - 1n)) {
        if (this.#session !== session) return
        this.#missed.backfilled(1)
        this.#deliver(each, true)
      }
    }
    if (this.#session === session) this.#deliver(header, true)
  }

  #firstMissed(last: Header, head: Header): bigint {
    const missed = last.number + 1n
    const first = missed > this.#skippedTo ? missed : this.#skippedTo
    const oldest = head.number - BigInt(chainLimits.backfillBlocks) + 1n
    if (first >= oldest) return first
    this.#missed.skipped(oldest - first)
    // Remembered, so that a failure half-way does not count them again.
    this.#skippedTo = oldest
    return oldest
  }

  #deliver(header: Header, isNew: boolean): void {
    const now = this.#options.clock.now()
    if (isNew && this.#last !== null) this.#learnInterval(header, this.#last)
    this.#last = header
    this.#skippedTo = 0n
    this.head = { ...header, receivedAt: now }
    this.#remember(header)
    if (isNew) for (const subscriber of [...this.#subscribers]) subscriber.take(header)
    this.#options.onDidChange()
  }

  #remember(header: Header): void {
    // Whatever was above belongs to a branch that was left.
    for (const number of this.#recent.keys()) if (number > header.number) this.#recent.delete(number)
    this.#recent.set(header.number, header)
    for (const number of this.#recent.keys()) {
      if (this.#recent.size <= chainLimits.backfillBlocks) break
      this.#recent.delete(number)
    }
    this.#seen.add(header.hash)
    for (const hash of this.#seen) {
      if (this.#seen.size <= rememberedHeads) break
      this.#seen.delete(hash)
    }
  }

  /** The chain's own clock tells the usual interval, also across a gap. */
  #learnInterval(header: Header, last: Header): void {
    const ms = Number(header.timestampMs - last.timestampMs)
    if (header.number !== last.number + 1n || ms <= 0 || ms > 3_600_000) return
    this.#usualIntervalMs = this.#usualIntervalMs === null ? ms : this.#usualIntervalMs * 0.9 + ms * 0.1
  }

  #catchUp(subscriber: HeadSubscriber): void {
    const session = this.#session
    if (session === null || !session.isOpen || this.#last === null || subscriber.isLive) return
    const newest = (): Header => this.#last ?? unreachableHead()
    subscriber.catchUp(session.source, newest, this.#missed).catch((error: unknown) => {
      if (session.abort.signal.aborted) return
      // The session starts anew, and with it the catch-up from where it got to.
      session.failure = asChainRequestError(error)
      session.source.endpoint.fail(session.failure)
      session.abort.abort()
    })
  }
}

function unreachableHead(): never {
  throw new Error('The stream was stopped.')
}
