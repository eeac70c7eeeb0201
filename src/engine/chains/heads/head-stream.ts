import type { Clock } from '../../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import { HeadMemory } from './head-memory.ts'
import { HeadSubscriber, backfilled, dropped } from './head-subscriber.ts'
import type { HandledBlock, Missed } from './head-subscriber.ts'
import type { BlockEvent, Header } from './header.ts'
import { HeaderSource } from './header-source.ts'
import { HeadSilence, runHeadSession } from './head-session.ts'
import { chainLimits, reconnectDelayMs } from '../limits.ts'
import { asChainRequestError } from '../request-error.ts'
import type { ChainRequestError } from '../request-error.ts'
import { sleep } from '../sleep.ts'
import type { NoticeListener, SourceNotice } from '../source-notice.ts'

export interface HeadStreamOptions {
  readonly chainId: string
  readonly clock: Clock
  readonly random: () => number
  /** The endpoints as they are now, most preferred first. */
  readonly endpoints: () => readonly Endpoint[]
  readonly pollIntervalMs: () => number
  readonly onDidChange: () => void
  /** The stream was opened again, or is about to be. */
  readonly onReconnect: () => void
  /** Blocks that are known and not delivered yet. */
  readonly onBehind: (blocks: number) => void
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
  /** Whether it has told a head: what its first one brings was missed. */
  hasHead: boolean
  /** Why a subscriber's catch-up ended the session. */
  failure: ChainRequestError | null
}

/** How far back a branch is followed that the node changed to without telling its blocks. */
const branchBlocks = 64

/**
 * The one stream of new heads of a chain, shared by all subscribers and open only while there are any
 * (spec nexum-host 10.2, 10.4). It survives its connections: after each of them it fetches what was missed.
 */
export class HeadStream {
  readonly #options: HeadStreamOptions
  readonly #subscribers = new Set<HeadSubscriber>()
  readonly #memory = new HeadMemory()
  readonly #missed: Missed
  #running: AbortController | null = null
  #session: Session | null = null
  #interruptWait: (() => void) | null = null
  #last: Header | null = null
  /** Missed blocks below this number are counted as skipped already. */
  #skippedTo = 0n
  #usualIntervalMs: number | null = null
  #isDown = false
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

  subscribe(
    listener: (block: BlockEvent) => void,
    from: HandledBlock | null,
    onNotice: NoticeListener = () => undefined,
    backfill = true,
  ): () => void {
    const { chainId, onFault } = this.#options
    const subscriber = new HeadSubscriber({ chainId, listener, from, onFault, onNotice, backfill })
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
    this.#memory.clear()
    this.#isDown = false
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
      if (endpoint !== undefined) {
        this.reconnects++
        this.#options.onReconnect()
      }
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
    const source = new HeaderSource(endpoint, this.#memory.recent, abort.signal)
    const session: Session = { source, abort, isOpen: false, hasHead: false, failure: null }
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
          this.#up(endpoint)
          this.#options.onDidChange()
          for (const subscriber of this.#subscribers) this.#catchUp(subscriber)
        },
      })
    } catch (error) {
      const failure = asChainRequestError(error)
      if (!abort.signal.aborted) endpoint.fail(failure)
      // Whoever is silent may be gone without having said so.
      if (failure instanceof HeadSilence) endpoint.reset(failure)
      if (session.isOpen || !this.#isDown) this.#down(endpoint, failure)
    }
    session.isOpen = false
    if (this.#session === session) this.#session = null
    const isMove = abort.signal.aborted && session.failure === null
    abort.abort()
    return isMove
  }

  /** Takes a head in the order of the connection, first fetching those missed before it. */
  async #accept(header: Header, session: Session): Promise<void> {
    if (this.#session !== session || this.#memory.has(header)) return
    const last = this.#last
    const isMissed = !session.hasHead
    session.hasHead = true
    // The stream begins at the head: what it finds there happened before anyone asked.
    if (last === null) {
      this.#deliver(header, false)
      return
    }
    if (header.number > last.number + 1n) {
      const first = this.#firstMissed(last, header)
      this.#options.onBehind(Number(header.number - last.number) - 1)
      this.#tell(backfilled(first, header.number - 1n))
      for await (const each of session.source.range(first, header.number - 1n)) {
        await this.#acceptBranch(each, session, isMissed)
        if (this.#session !== session) return
        this.#missed.backfilled(1)
        this.#deliver(each, true, isMissed)
      }
      this.#options.onBehind(0)
    }
    await this.#acceptBranch(header, session, isMissed)
    if (this.#session === session) this.#deliver(header, true, isMissed)
  }

  /** The blocks of a branch that the node went over to without telling them, so that none is missed. */
  async #acceptBranch(header: Header, session: Session, isMissed: boolean): Promise<void> {
    const branch: Header[] = []
    let child = header
    while (this.#memory.isDetached(child) && branch.length < branchBlocks) {
      const parent = await session.source.fresh(child.number - 1n)
      if (this.#memory.has(parent) || parent.hash !== child.parentHash) break
      branch.unshift(parent)
      child = parent
    }
    for (const each of branch) if (this.#session === session) this.#deliver(each, true, isMissed)
  }

  #firstMissed(last: Header, head: Header): bigint {
    const missed = last.number + 1n
    const first = missed > this.#skippedTo ? missed : this.#skippedTo
    const oldest = head.number - BigInt(chainLimits.backfillBlocks) + 1n
    if (first >= oldest) return first
    this.#missed.skipped(oldest - first)
    this.#tell(dropped(first, oldest - 1n))
    // Remembered, so that a failure half-way does not count them again.
    this.#skippedTo = oldest
    return oldest
  }

  #deliver(header: Header, isNew: boolean, isMissed = false): void {
    const now = this.#options.clock.now()
    if (isNew && this.#last !== null) this.#learnInterval(header, this.#last)
    this.#last = header
    this.#skippedTo = 0n
    this.head = { ...header, receivedAt: now }
    this.#memory.add(header)
    if (isNew) for (const subscriber of [...this.#subscribers]) subscriber.take(header, isMissed)
    this.#options.onDidChange()
  }

  #down(endpoint: Endpoint, failure: ChainRequestError): void {
    this.#isDown = true
    const message = `Blocks of chain ${this.#options.chainId} stopped coming from ${endpoint.label}: ${failure.message}`
    this.#tell({ event: 'source_down', level: 'warn', message })
  }

  #up(endpoint: Endpoint): void {
    if (!this.#isDown) return
    this.#isDown = false
    const message = `Blocks of chain ${this.#options.chainId} come from ${endpoint.label}.`
    this.#tell({ event: 'source_up', level: 'info', message })
  }

  #tell(notice: SourceNotice): void {
    for (const subscriber of [...this.#subscribers]) if (subscriber.isLive) subscriber.tell(notice)
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
