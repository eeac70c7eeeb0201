import type { EndpointView } from '../../shared/domain/chain.ts'
import { redactUrl } from '../../shared/url-redaction.ts'
import type { Clock } from '../clock.ts'
import { TokenBucket } from '../token-bucket.ts'
import { EndpointHealth } from './endpoint-health.ts'
import { chainLimits } from './limits.ts'
import { ChainRequestError, asChainRequestError, isEndpointFailure } from './request-error.ts'
import { sleep } from './sleep.ts'
import { LatencyRing } from './statistics.ts'
import { HttpWire, StaleConnectionError } from './wires/http-wire.ts'
import { notJsonRpc } from './wires/rpc-codec.ts'
import type { RpcAnswer, RpcRequest } from './wires/rpc-codec.ts'
import { scrubbedWire } from './wires/scrubbed-wire.ts'
import type { Subscriber, Wire, WireOptions } from './wires/wire.ts'
import { WsWire } from './wires/ws-wire.ts'

export interface EndpointOptions {
  readonly chainId: string
  readonly url: string
  readonly clock: Clock
  readonly random: () => number
  /** Requests per second and burst that it is asked (spec nexum-host 8.6). */
  readonly ratePerSecond: number
  /** Largest answer that a guest gets, in bytes; looked up for each request. */
  readonly responseBytes: () => number
  /** Its health or its numbers changed. */
  readonly onDidChange: () => void
}

/** One address of a chain: checked on first contact, watched, and tried again by itself while it fails. */
export class Endpoint {
  readonly url: string
  readonly label: string
  readonly transport: 'http' | 'ws'
  /** What guests' requests wait for; our own take from it without waiting. */
  readonly bucket: TokenBucket
  readonly #options: EndpointOptions
  readonly #wire: Wire
  readonly #health: EndpointHealth
  readonly #latencies = new LatencyRing()
  #noted: ChainRequestError | null = null
  #contacted: Promise<void> | null = null
  #checkedAt = 0
  #takesBatches = true
  #requests = 0
  #errors = 0
  #isClosed = false

  constructor(options: EndpointOptions) {
    const { clock, random, onDidChange, ratePerSecond } = options
    this.#options = options
    this.url = options.url
    this.label = redactUrl(options.url)
    this.bucket = new TokenBucket(clock, ratePerSecond, ratePerSecond)
    // Whoever answers after a reconnect must be checked again.
    this.#wire = openWire(new URL(options.url), () => (this.#contacted = null))
    this.transport = this.#wire.transport
    this.#health = new EndpointHealth({ clock, random, onDidChange, probe: () => void this.#probe() })
  }

  get isFailing(): boolean {
    return this.#health.state === 'failing'
  }

  get isHealthy(): boolean {
    return this.#health.state === 'healthy'
  }

  get isConnecting(): boolean {
    return this.#health.state === 'connecting'
  }

  get error(): ChainRequestError | null {
    return this.#health.error
  }

  get canPush(): boolean {
    return this.#wire.subscribe !== undefined
  }

  /** One request. Rejects with ChainRequestError when the endpoint fails; a node's own error is an answer. */
  async call(request: RpcRequest, options: WireOptions): Promise<RpcAnswer> {
    return this.#guarded(options, 1, async (remaining) => {
      const answer = await this.#wire.call(request, remaining)
      if (!answer.ok && isEndpointFailure(answer.error)) throw answer.error
      return answer
    })
  }

  /** Several requests in as few round trips as the endpoint allows; answers in their order. */
  async callBatch(requests: readonly RpcRequest[], options: WireOptions): Promise<readonly RpcAnswer[]> {
    const answers: RpcAnswer[] = []
    const startedAt = this.#options.clock.monotonicMs()
    for (let from = 0; from < requests.length; from += chainLimits.batchEntries) {
      const part = requests.slice(from, from + chainLimits.batchEntries)
      answers.push(...(await this.#callPart(part, this.#remaining(options, startedAt))))
    }
    return answers
  }

  async #callPart(part: readonly RpcRequest[], options: WireOptions): Promise<readonly RpcAnswer[]> {
    const startedAt = this.#options.clock.monotonicMs()
    if (this.#takesBatches && part.length > 1) {
      try {
        return await this.#guarded(options, part.length, (remaining) => this.#wire.callBatch(part, remaining))
      } catch (thrown) {
        const error = asChainRequestError(thrown)
        if (error.kind === 'batch-refused') this.#takesBatches = false
        // One by one, each answer is measured against the cap by itself.
        else if (error.kind !== 'too-large') throw error
      }
    }
    const answers: RpcAnswer[] = []
    for (const request of part) {
      answers.push(await this.#callAlone(request, this.#remaining(options, startedAt)))
    }
    return answers
  }

  async #callAlone(request: RpcRequest, options: WireOptions): Promise<RpcAnswer> {
    try {
      return await this.call(request, options)
    } catch (thrown) {
      const error = asChainRequestError(thrown)
      if (error.kind === 'too-large') return { ok: false, error }
      throw error
    }
  }

  /** Opens a subscription; rejects when the endpoint fails or the node refuses. */
  async subscribe(params: string, listener: Subscriber, options: WireOptions): Promise<() => void> {
    return this.#guarded(options, 1, async (remaining) => {
      if (this.#wire.subscribe === undefined) throw notJsonRpc('This endpoint does not push.')
      return this.#wire.subscribe(params, listener, remaining)
    })
  }

  /** Gives the endpoint up until it answers again: a request failed for good, or there was silence. */
  fail(error: ChainRequestError): void {
    if (this.#isClosed || error.kind === 'cancelled') return
    this.#note(error)
    if (!isEndpointFailure(error)) return
    this.#contacted = null
    this.#health.failing(error)
  }

  /** Gives up its connection, which may be dead without having said so. */
  reset(error: ChainRequestError): void {
    this.#wire.reset?.(error)
  }

  /** A request is tried on it again after a failure. */
  noteRetry(): void {
    this.#health.retried()
  }

  view(isServing: boolean): EndpointView {
    return {
      label: this.label,
      transport: this.transport,
      ...this.#health.view(isServing),
      latencyMsP50: this.#latencies.quantile(0.5),
      latencyMsP95: this.#latencies.quantile(0.95),
      latencyMsP99: this.#latencies.quantile(0.99),
      requests: this.#requests,
      errors: this.#errors,
    }
  }

  close(): void {
    this.#isClosed = true
    this.#health.close()
    this.#wire.close()
  }

  async #guarded<T>(
    options: WireOptions,
    count: number,
    work: (remaining: WireOptions) => Promise<T>,
  ): Promise<T> {
    const { clock, responseBytes } = this.#options
    await this.#pace(options)
    const startedAt = clock.monotonicMs()
    try {
      await this.#contact(options)
      this.#requests += count
      const sentAt = clock.monotonicMs()
      const bounds = (): WireOptions => ({
        maxBytes: responseBytes(),
        ...this.#remaining(options, startedAt),
      })
      const value = await work(bounds()).catch(async (error: unknown) => {
        if (!(error instanceof StaleConnectionError)) throw error
        // Only what may be sent twice goes over kept connections. Who answers now may be another.
        this.#contacted = null
        await this.#contact(this.#remaining(options, startedAt))
        return work({ ...bounds(), isFresh: true })
      })
      this.#latencies.add(clock.monotonicMs() - sentAt)
      // Whoever answers is well, whatever it was taken for.
      if (this.isFailing) this.#healthy()
      this.#options.onDidChange()
      return value
    } catch (thrown) {
      const error = asChainRequestError(thrown)
      this.#note(error)
      // Who answers next may be another node.
      if (error.kind === 'closed' || error.kind === 'unreachable') this.#contacted = null
      throw error
    }
  }

  /** Waits for a token of the bucket: one for each message sent, a list being one. */
  async #pace({ paceUntil, signal }: WireOptions): Promise<void> {
    if (paceUntil === undefined) {
      this.bucket.spend(1)
      return
    }
    const { clock } = this.#options
    const waitMs = this.bucket.reserve(1, paceUntil - clock.monotonicMs())
    if (waitMs === null) throw new ChainRequestError('rate-limited', 'Too many requests wait for this chain.')
    if (waitMs === 0) return
    await sleep(clock, waitMs, signal ?? new AbortController().signal)
    if (signal?.aborted === true) throw new ChainRequestError('cancelled', 'The request was cancelled.')
  }

  #note(error: ChainRequestError): void {
    if (this.#isClosed || error.kind === 'cancelled' || error === this.#noted) return
    this.#noted = error
    this.#errors++
    this.#health.stumble(error)
  }

  #remaining(options: WireOptions, startedAt: number): WireOptions {
    const now = this.#options.clock.monotonicMs()
    const leftMs = Math.min(
      options.timeoutMs - (now - startedAt),
      (options.paceUntil ?? Number.POSITIVE_INFINITY) - now,
    )
    return { ...options, timeoutMs: Math.max(1, leftMs) }
  }

  /**
   * Compares the node's chain id with the configured one before anything is asked of it, after each reconnect,
   * and from time to time: an address may lead elsewhere without a sign (spec nexum-host 8.6).
   */
  async #contact(options: WireOptions): Promise<void> {
    if (this.#isClosed) throw new ChainRequestError('closed', 'The endpoint was removed.')
    const { clock } = this.#options
    const isOld = clock.monotonicMs() - this.#checkedAt >= chainLimits.chainIdRecheckMs
    if (this.#contacted === null || isOld) {
      this.#checkedAt = clock.monotonicMs()
      const contacted = this.#checkChainId(options.timeoutMs)
      this.#contacted = contacted
      contacted.catch(() => {
        if (this.#contacted === contacted) this.#contacted = null
      })
    }
    await orAborted(this.#contacted, options.signal)
  }

  async #checkChainId(timeoutMs: number): Promise<void> {
    this.#health.connecting()
    const request = { method: 'eth_chainId', params: '[]' }
    const answer = await this.#wire.call(request, { timeoutMs }).catch((error: unknown) => {
      if (!(error instanceof StaleConnectionError)) throw error
      return this.#wire.call(request, { timeoutMs, isFresh: true })
    })
    if (!answer.ok) throw isEndpointFailure(answer.error) ? answer.error : noChainId()
    const chainId = readChainId(answer.result)
    if (chainId !== this.#options.chainId) {
      throw new ChainRequestError(
        'wrong-chain',
        `The endpoint serves chain ${chainId} instead of ${this.#options.chainId}.`,
      )
    }
    this.#healthy()
  }

  #healthy(): void {
    if (!this.isHealthy) this.#takesBatches = true
    this.#health.healthy()
  }

  async #probe(): Promise<void> {
    try {
      await this.#contact({ timeoutMs: chainLimits.ownRequestMs })
    } catch (error) {
      this.fail(asChainRequestError(error))
    }
  }
}

/** The wire for an address of the schemes http, https, ws, wss. */
export function openWire(url: URL, onDidClose?: () => void): Wire {
  const isWs = url.protocol === 'ws:' || url.protocol === 'wss:'
  return scrubbedWire(isWs ? new WsWire(url, onDidClose) : new HttpWire(url, onDidClose), url.href)
}

/** Decimal chain id from the JSON text of an `eth_chainId` result. */
export function readChainId(result: string): string {
  const quantity: unknown = JSON.parse(result)
  if (typeof quantity !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(quantity)) throw noChainId()
  return BigInt(quantity).toString()
}

function noChainId(): ChainRequestError {
  return notJsonRpc('The node does not say which chain it serves.')
}

/** Waits for shared work without owning it: an abort lets only this caller go. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(new ChainRequestError('cancelled', 'The request was cancelled.'))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
