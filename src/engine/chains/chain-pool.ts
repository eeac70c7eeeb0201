import type { ChainConfig, ChainView } from '../../shared/domain/chain.ts'
import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { Chain, unknownChain } from './chain.ts'
import type { HandledBlock } from './heads/head-subscriber.ts'
import type { BlockEvent } from './heads/header.ts'
import type { Endpoint } from './endpoint.ts'
import { chainLimits } from './limits.ts'
import { defaultRequestPolicy } from './policy.ts'
import type { RequestPolicy } from './policy.ts'
import { ChainRequestError, asChainRequestError } from './request-error.ts'
import type { NoticeListener } from './source-notice.ts'
import type { LogFilter } from './logs/log-filter.ts'
import type { LogListener, LogSubscription } from './logs/log-subscriber.ts'
import { noMetrics } from '../telemetry/metrics/metrics-port.ts'
import type { MetricsPort } from '../telemetry/metrics/metrics-port.ts'
import type { RpcAnswer, RpcRequest } from './wires/rpc-codec.ts'
import type { WireOptions } from './wires/wire.ts'

export interface ChainPoolOptions {
  readonly clock?: Clock
  /** 0 inclusive to 1 exclusive; jitters the backoff. */
  readonly random?: () => number
  readonly policy?: RequestPolicy
  /** Largest answer that a guest gets, in bytes; looked up for each request. */
  readonly responseBytes?: () => number
  /** Names of the modules subscribed to a chain, for views. */
  readonly modulesOf?: (chainId: string) => readonly string[]
  /** The chain whose endpoint the built-in devnet sets, if any. */
  readonly devnetChainId?: string
  /** A listener threw; nothing else is affected. */
  readonly onFault?: (error: unknown) => void
  readonly metrics?: MetricsPort
  /** An endpoint of the chain serves another chain; null when none does any more. */
  readonly onMismatch?: (chainId: string, error: ChainRequestError | null) => void
}

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** A broadcast: never sent again once it may have left (spec nexum-host 8.6). */
  readonly isOnce?: boolean
}

export interface HeadSubscription {
  /** The last block the subscriber has handled: it gets what it missed since, then what comes. */
  readonly from?: HandledBlock
  /** Told of gaps and of the source's coming and going. */
  readonly onNotice?: NoticeListener
  /** False: it is not told what was missed while the endpoint was away. */
  readonly backfill?: boolean
}

/** All chains: their endpoints, requests with failover, and one shared stream of heads each. Caller disposes. */
export class ChainPool {
  readonly #options: ChainPoolOptions
  readonly #clock: Clock
  readonly #chains = new Map<string, Chain>()
  readonly #listeners = new Set<() => void>()
  readonly #metrics: MetricsPort
  #order: readonly string[] = []
  #cancelChange: (() => void) | null = null
  #isDisposed = false

  constructor(options: ChainPoolOptions = {}) {
    this.#options = options
    this.#metrics = options.metrics ?? noMetrics
    this.#clock = options.clock ?? systemClock
  }

  /** Replaces the configuration. Only what differs is touched; subscribers stay, whatever happens to their chain. */
  configure(configs: readonly ChainConfig[]): void {
    const wanted = new Map(configs.map((config) => [config.chainId, config]))
    this.#order = [...wanted.keys()]
    for (const [chainId, config] of wanted) this.#chain(chainId).configure(config)
    for (const [chainId, chain] of this.#chains) {
      if (wanted.has(chainId)) continue
      if (chain.isConfigured) chain.configure(null)
      this.#forgetUnused(chainId)
    }
    this.#changed()
  }

  has(chainId: string): boolean {
    return this.#chains.get(chainId)?.isConfigured ?? false
  }

  /** What the operator configured, or null. */
  config(chainId: string): ChainConfig | null {
    return this.#chains.get(chainId)?.config ?? null
  }

  /**
   * One JSON-RPC request; `paramsJson` is sent byte for byte. Resolves with the JSON text of `result`, unmodified.
   * Rejects with ChainRequestError only.
   */
  async request(
    chainId: string,
    method: string,
    paramsJson: string | undefined,
    options: RequestOptions = {},
  ): Promise<string> {
    const request = { method, params: paramsJson }
    const [answer] = await this.#run(chainId, [request], options, async (endpoint, bounds) => [
      await endpoint.call(request, bounds),
    ])
    if (answer === undefined) throw new ChainRequestError('no-answer', 'The node did not answer.')
    if (!answer.ok) throw answer.error
    return answer.result
  }

  /**
   * Several requests in one round trip where the endpoint allows it; answers in their order, each on its own.
   * Rejects with ChainRequestError when the chain is unknown or no endpoint answers at all.
   */
  async requestBatch(
    chainId: string,
    requests: readonly RpcRequest[],
    options: RequestOptions = {},
  ): Promise<readonly RpcAnswer[]> {
    if (requests.length === 0) return []
    return this.#run(chainId, requests, options, (endpoint, bounds) => endpoint.callBatch(requests, bounds))
  }

  /**
   * Calls the listener with every new block of the chain, also of one that is configured later. The result
   * ends it. The first subscriber of a chain opens its stream, the last one closes it.
   */
  subscribeHeads(
    chainId: string,
    listener: (block: BlockEvent) => void,
    options: HeadSubscription = {},
  ): () => void {
    if (this.#isDisposed) throw disposed()
    const chain = this.#chain(chainId)
    return this.#ending(
      chainId,
      chain.subscribe(listener, options.from ?? null, options.onNotice, options.backfill),
    )
  }

  /**
   * Calls the listener with every new log that the filter matches, one at a time unless batched by block, in order.
   * All subscribers of the same filter share one upstream filter. The result ends it.
   */
  subscribeLogs(
    chainId: string,
    filter: LogFilter,
    listener: LogListener,
    subscription: LogSubscription = {},
  ): () => void {
    if (this.#isDisposed) throw disposed()
    return this.#ending(chainId, this.#chain(chainId).subscribeLogs(filter, listener, subscription))
  }

  /** All configured chains in the order of the configuration. Endpoint labels are redacted. */
  views(): ChainView[] {
    return this.#order.flatMap((chainId) => {
      const modules = this.#options.modulesOf?.(chainId) ?? []
      const view = this.#chains.get(chainId)?.view(modules, this.#options.devnetChainId ?? null)
      return view ? [view] : []
    })
  }

  /** Tells that views changed, at most five times a second. */
  onDidChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Closes every connection and timer; requests under way fail with `closed`. */
  dispose(): void {
    this.#isDisposed = true
    this.#cancelChange?.()
    this.#listeners.clear()
    for (const chain of this.#chains.values()) chain.dispose()
    this.#chains.clear()
    this.#cancelChange = null
  }

  async #run(
    chainId: string,
    requests: readonly RpcRequest[],
    options: RequestOptions,
    send: (endpoint: Endpoint, bounds: WireOptions) => Promise<readonly RpcAnswer[]>,
  ): Promise<readonly RpcAnswer[]> {
    const chain = this.#configured(chainId)
    const startedAt = this.#clock.monotonicMs()
    let label: string | null = null
    const note = (method: string, error: ChainRequestError | null): void => {
      const outcome = error === null ? 'ok' : 'err'
      this.#metrics.rpcRequest(chainId, method, outcome, this.#clock.monotonicMs() - startedAt, label)
      if (error?.kind === 'too-large') this.#metrics.capped(chainId, method)
    }
    try {
      const answers = await chain.run({
        count: requests.length,
        signal: options.signal,
        isOnce: options.isOnce ?? false,
        send: (endpoint, bounds) => {
          label = endpoint.label
          return send(endpoint, bounds)
        },
      })
      for (const [index, { method }] of requests.entries()) {
        const answer = answers[index]
        note(method, answer?.ok === false ? answer.error : null)
      }
      return answers
    } catch (thrown) {
      const error = asChainRequestError(thrown)
      for (const { method } of requests) note(method, error)
      throw error
    }
  }

  #ending(chainId: string, unsubscribe: () => void): () => void {
    return () => {
      unsubscribe()
      this.#forgetUnused(chainId)
      this.#changed()
    }
  }

  #configured(chainId: string): Chain {
    if (this.#isDisposed) throw disposed()
    const chain = this.#chains.get(chainId)
    if (chain === undefined) throw unknownChain(chainId)
    return chain
  }

  #chain(chainId: string): Chain {
    const existing = this.#chains.get(chainId)
    if (existing !== undefined) return existing
    const chain = new Chain({
      chainId,
      clock: this.#clock,
      random: this.#options.random ?? Math.random,
      policy: this.#options.policy ?? defaultRequestPolicy,
      responseBytes: this.#options.responseBytes ?? (() => chainLimits.responseBytes),
      metrics: this.#metrics,
      onMismatch: (error) => this.#options.onMismatch?.(chainId, error),
      onDidChange: () => this.#changed(),
      onFault: this.#options.onFault ?? (() => undefined),
    })
    this.#chains.set(chainId, chain)
    return chain
  }

  #forgetUnused(chainId: string): void {
    const chain = this.#chains.get(chainId)
    if (chain === undefined || chain.isConfigured || chain.isWanted) return
    chain.dispose()
    this.#chains.delete(chainId)
  }

  get #isTelling(): boolean {
    return this.#cancelChange !== null
  }

  #changed(): void {
    if (this.#isDisposed || this.#isTelling || this.#listeners.size === 0) return
    this.#tellIn(chainLimits.changeIntervalMs)
  }

  #tellIn(ms: number): void {
    this.#cancelChange = this.#clock.after(ms, () => {
      this.#cancelChange = null
      for (const listener of [...this.#listeners]) listener()
      // Rates fall without anything happening.
      const isBusy = [...this.#chains.values()].some((chain) => chain.isBusy)
      if (isBusy && !this.#isTelling) this.#tellIn(chainLimits.rateIntervalMs)
    })
  }
}

function disposed(): ChainRequestError {
  return new ChainRequestError('closed', 'The engine is stopping.')
}
