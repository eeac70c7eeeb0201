import type { ChainConfig, ChainView } from '../../shared/domain/chain.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import { SentFailure, attempt } from './attempts.ts'
import type { Work } from './attempts.ts'
import { Endpoint } from './endpoint.ts'
import { HeadStream } from './heads/head-stream.ts'
import type { HandledBlock } from './heads/head-subscriber.ts'
import type { BlockEvent } from './heads/header.ts'
import type { LogFilter } from './logs/log-filter.ts'
import { LogStreams } from './logs/log-streams.ts'
import type { LogListener, LogSubscription } from './logs/log-subscriber.ts'
import type { RequestPolicy } from './policy.ts'
import { ChainRequestError, asChainRequestError } from './request-error.ts'
import type { NoticeListener } from './source-notice.ts'
import type { MetricsPort } from '../telemetry/metrics/metrics-port.ts'
import { RateWindow } from './statistics.ts'
import { Timeline } from './timeline.ts'

export interface ChainOptions {
  readonly chainId: string
  readonly clock: Clock
  readonly random: () => number
  readonly policy: RequestPolicy
  /** Largest answer that a guest gets, in bytes. */
  readonly responseBytes: () => number
  readonly metrics: MetricsPort
  readonly onDidChange: () => void
  /** Whether an endpoint serves another chain than it should; null when none does any more. */
  readonly onMismatch: (error: ChainRequestError | null) => void
  readonly onFault: (error: unknown) => void
}

/** One chain: its endpoints in order of preference, and its heads. It outlives its configuration. */
export class Chain {
  readonly #options: ChainOptions
  readonly #stream: HeadStream
  readonly #logs: LogStreams
  readonly #rate = new RateWindow()
  #config: ChainConfig | null = null
  #endpoints: readonly Endpoint[] = []
  readonly #timeline: Timeline
  #server: Endpoint | null = null
  #failovers = 0
  #mismatch: ChainRequestError | null = null

  constructor(options: ChainOptions) {
    this.#options = options
    this.#timeline = new Timeline(options.clock)
    this.#stream = new HeadStream({
      chainId: options.chainId,
      clock: options.clock,
      random: options.random,
      endpoints: () => this.#endpoints,
      pollIntervalMs: () => this.#config?.pollIntervalMs ?? 4_000,
      onDidChange: options.onDidChange,
      onReconnect: () => options.metrics.reconnect(options.chainId, 'blocks'),
      onBehind: (blocks) => options.metrics.blocksBehind(options.chainId, blocks),
      onFault: options.onFault,
    })
    this.#logs = new LogStreams({
      chainId: options.chainId,
      clock: options.clock,
      random: options.random,
      endpoints: () => this.#endpoints,
      maxRangeBlocks: () => this.#config?.maxLogRangeBlocks ?? 1_000,
      subscribeHeads: (listener, onNotice) => this.#stream.subscribe(listener, null, onNotice),
      onDidChange: options.onDidChange,
      onReconnect: () => options.metrics.reconnect(options.chainId, 'logs'),
      onFault: options.onFault,
    })
  }

  get config(): ChainConfig | null {
    return this.#config
  }

  get isConfigured(): boolean {
    return this.#config !== null
  }

  get isWanted(): boolean {
    return this.#stream.isWanted
  }

  /** Whether its request rate still falls, so that the view changes by itself. */
  get isBusy(): boolean {
    return this.#rate.perSecond(this.#options.clock.now()) > 0
  }

  /** Takes a configuration, or null for none. Endpoints whose address stays keep their connection. */
  configure(config: ChainConfig | null): void {
    const kept = new Map(this.#endpoints.map((endpoint) => [endpoint.url, endpoint]))
    const urls = [...new Set(config?.endpoints.map((endpoint) => endpoint.url) ?? [])]
    const rate = config?.rpcPolicy.rateLimitPerSecond ?? 1
    this.#config = config
    this.#endpoints = urls.map((url) => {
      const existing = kept.get(url)
      kept.delete(url)
      existing?.bucket.configure(rate, rate)
      return existing ?? this.#endpoint(url, rate)
    })
    for (const endpoint of kept.values()) endpoint.close()
    this.#stream.reconsider(true)
    this.#logs.reconsider(true)
    this.#options.onDidChange()
  }

  subscribe(
    listener: (block: BlockEvent) => void,
    from: HandledBlock | null,
    onNotice?: NoticeListener,
    backfill = true,
  ): () => void {
    const unsubscribe = this.#stream.subscribe(listener, from, onNotice, backfill)
    this.#options.onDidChange()
    return unsubscribe
  }

  subscribeLogs(filter: LogFilter, listener: LogListener, subscription: LogSubscription): () => void {
    const unsubscribe = this.#logs.subscribe(filter, listener, subscription)
    this.#options.onDidChange()
    return unsubscribe
  }

  /**
   * Does work on the first endpoint that can do it, within the chain's request timeout: some attempts at each,
   * the most preferred first unless it fails just now (spec nexum-host 8.6). Rejects with ChainRequestError: the
   * first endpoint's failure when all fail.
   */
  async run<T>(work: Work<T>): Promise<T> {
    const { chainId, clock, random, policy } = this.#options
    const config = this.#config
    if (config === null || this.#endpoints.length === 0) throw unknownChain(chainId)
    this.#rate.add(clock.now(), work.count)
    const endsAt = clock.monotonicMs() + config.requestTimeoutMs
    const candidates = [
      ...this.#endpoints.filter((endpoint) => !endpoint.isFailing),
      ...this.#endpoints.filter((endpoint) => endpoint.isFailing),
    ]
    let failure: ChainRequestError | null = null
    for (const [index, endpoint] of candidates.entries()) {
      const now = clock.monotonicMs()
      if (failure !== null && endsAt <= now) break
      const share = (endsAt - now) / (candidates.length - index)
      const { maxRetries } = config.rpcPolicy
      try {
        const value = await attempt(endpoint, work, {
          clock,
          random,
          policy,
          maxRetries,
          endsAt: now + share,
        })
        this.#served(endpoint, failure)
        return value
      } catch (thrown) {
        if (thrown instanceof SentFailure) throw thrown.failure
        const error = asChainRequestError(thrown)
        endpoint.fail(error)
        if (!policy.mayFailOver(error)) throw error
        failure ??= error
      }
    }
    throw failure ?? unknownChain(chainId)
  }

  /** Null while it is not configured. */
  view(modules: readonly string[], devnetChainId: string | null): ChainView | null {
    const config = this.#config
    if (config === null) return null
    const stream = this.#stream
    const serving = this.#endpoints.find((endpoint) => endpoint.isHealthy) ?? null
    const devnet = config.chainId === devnetChainId
    const { status, error } = this.#status(serving, devnet)
    const head = stream.head
    return {
      config,
      devnet,
      status,
      error,
      head: head && {
        number: clamp(head.number),
        hash: head.hash,
        timestamp: clamp(head.timestampMs),
        receivedAt: head.receivedAt,
      },
      endpoints: this.#endpoints.map((endpoint) => endpoint.view(endpoint === serving)),
      modules: [...modules],
      requestsPerSecond: this.#rate.perSecond(this.#options.clock.now()),
      reconnects: stream.reconnects,
      blocksBackfilled: stream.backfilled,
      blocksSkipped: stream.skipped,
      failovers: this.#failovers,
      timeline: this.#timeline.entries,
      logFilters: this.#logs.open,
      logsBackfilled: this.#logs.backfilled,
      logsRemoved: this.#logs.removed,
    }
  }

  dispose(): void {
    this.#logs.stop()
    this.#stream.stop()
    for (const endpoint of this.#endpoints) endpoint.close()
    this.#endpoints = []
    this.#config = null
  }

  #status(
    serving: Endpoint | null,
    devnet: boolean,
  ): { status: ChainView['status']; error: ErrorReport | null } {
    const stream = this.#stream
    if (this.#endpoints.length === 0) {
      const error = devnet
        ? new PaddockError('chain.unknown', 'The local devnet does not run.', {
            remedy: 'Start the devnet on the Chains page.',
          })
        : new ChainRequestError('unknown-chain', 'The chain has no endpoint.')
      return { status: 'down', error: error.toReport() }
    }
    if (this.#endpoints.every((endpoint) => endpoint.isFailing)) {
      return { status: 'down', error: this.#endpoints[0]?.error?.toReport() ?? null }
    }
    if (!stream.isWanted)
      return { status: serving === null && this.#isConnecting ? 'connecting' : 'idle', error: null }
    if (!stream.isOpen) return { status: 'connecting', error: null }
    const silentMs = this.#options.clock.now() - (stream.head?.receivedAt ?? 0)
    return { status: silentMs > stream.patienceMs ? 'stale' : 'live', error: null }
  }

  get #isConnecting(): boolean {
    return this.#endpoints.some((endpoint) => endpoint.isConnecting)
  }

  #endpoint(url: string, ratePerSecond: number): Endpoint {
    const { chainId, clock, random, responseBytes } = this.#options
    return new Endpoint({
      chainId,
      url,
      clock,
      random,
      ratePerSecond,
      responseBytes,
      onDidChange: () => this.#endpointChanged(),
    })
  }

  /** Keeps who serves requests; a less preferred endpoint that takes over is a failover. */
  #served(endpoint: Endpoint, failure: ChainRequestError | null): void {
    const before = this.#server
    if (before === endpoint) return
    this.#server = endpoint
    const preferred = this.#endpoints[0]
    if (before === null && endpoint === preferred) return
    const from = before ?? preferred
    if (from === undefined) return
    const isWorse = this.#endpoints.indexOf(endpoint) > this.#endpoints.indexOf(from)
    if (isWorse) {
      this.#failovers++
      this.#options.metrics.rpcFallback(this.#options.chainId)
    }
    this.#timeline.add(from.label, endpoint.label, isWorse ? (failure ?? from.error) : null)
  }

  #endpointChanged(): void {
    const wrong = this.#endpoints.find((endpoint) => endpoint.error?.kind === 'wrong-chain')?.error ?? null
    if (wrong !== this.#mismatch) {
      this.#mismatch = wrong
      this.#options.onMismatch(wrong)
    }
    this.#stream.reconsider(false)
    this.#logs.reconsider(false)
    this.#options.onDidChange()
  }
}

/** The failure of a request to a chain that is not configured; the message contains the id (spec nexum-host 8.6). */
export function unknownChain(chainId: string): ChainRequestError {
  return new ChainRequestError('unknown-chain', `Chain ${chainId} is not configured.`)
}

function clamp(value: bigint): number {
  return Number(value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : value)
}
