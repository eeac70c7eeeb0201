import type { EndpointView } from '../../shared/domain/chain.ts'
import { redactUrl } from '../../shared/url-redaction.ts'
import type { Clock } from '../clock.ts'
import { HttpWire } from './wires/http-wire.ts'
import { chainLimits, reconnectDelayMs } from './limits.ts'
import { ChainRequestError, asChainRequestError, isEndpointFailure } from './request-error.ts'
import { notJsonRpc } from './wires/rpc-codec.ts'
import type { RpcAnswer, RpcRequest } from './wires/rpc-codec.ts'
import { LatencyRing } from './statistics.ts'
import type { Subscriber, Wire, WireOptions } from './wires/wire.ts'
import { WsWire } from './wires/ws-wire.ts'

export interface EndpointOptions {
  readonly chainId: string
  readonly url: string
  readonly clock: Clock
  readonly random: () => number
  /** Its health or its numbers changed. */
  readonly onDidChange: () => void
}

/** One address of a chain: checked on first contact, watched, and tried again by itself while it fails. */
export class Endpoint {
  readonly url: string
  readonly label: string
  readonly transport: 'http' | 'ws'
  readonly #options: EndpointOptions
  readonly #wire: Wire
  readonly #latencies = new LatencyRing()
  #state: 'unknown' | 'connecting' | 'healthy' | 'failing' = 'unknown'
  #error: ChainRequestError | null = null
  #noted: ChainRequestError | null = null
  #firstContact: Promise<void> | null = null
  #healthySince = 0
  #failures = 0
  #cancelProbe: (() => void) | null = null
  #takesBatches = true
  #requests = 0
  #errors = 0
  #isClosed = false

  constructor(options: EndpointOptions) {
    this.#options = options
    this.url = options.url
    this.label = redactUrl(options.url)
    // Whoever answers after a reconnect must be checked again.
    this.#wire = openWire(new URL(options.url), () => (this.#firstContact = null))
    this.transport = this.#wire.transport
  }

  get isFailing(): boolean {
    return this.#state === 'failing'
  }

  get isHealthy(): boolean {
    return this.#state === 'healthy'
  }

  get error(): ChainRequestError | null {
    return this.#error
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

  /** Takes note of a failure that showed outside of a request, such as silence. */
  fail(error: ChainRequestError): void {
    if (this.#isClosed || error.kind === 'cancelled' || error === this.#noted) return
    this.#noted = error
    this.#errors++
    if (isEndpointFailure(error)) this.#becomeFailing(error)
    this.#options.onDidChange()
  }

  view(isServing: boolean): EndpointView {
    const health = this.#state === 'healthy' ? (isServing ? 'serving' : 'standby') : this.#state
    return {
      label: this.label,
      transport: this.transport,
      health,
      error: this.#state === 'failing' ? (this.#error?.toReport() ?? null) : null,
      latencyMsP50: this.#latencies.quantile(0.5),
      latencyMsP99: this.#latencies.quantile(0.99),
      requests: this.#requests,
      errors: this.#errors,
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancelProbe?.()
    this.#cancelProbe = null
    this.#wire.close()
  }

  async #guarded<T>(
    options: WireOptions,
    count: number,
    work: (remaining: WireOptions) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#options
    const startedAt = clock.monotonicMs()
    try {
      await this.#contact(options)
      this.#requests += count
      const sentAt = clock.monotonicMs()
      const value = await work(this.#remaining(options, startedAt))
      this.#latencies.add(clock.monotonicMs() - sentAt)
      this.#options.onDidChange()
      return value
    } catch (thrown) {
      const error = asChainRequestError(thrown)
      this.fail(error)
      throw error
    }
  }

  #remaining(options: WireOptions, startedAt: number): WireOptions {
    const passedMs = this.#options.clock.monotonicMs() - startedAt
    return { ...options, timeoutMs: Math.max(1, options.timeoutMs - passedMs) }
  }

  /** Compares the node's chain id with the configured one before anything is asked of it (spec nexum-host 8.6). */
  async #contact(options: WireOptions): Promise<void> {
    if (this.#isClosed) throw new ChainRequestError('closed', 'The endpoint was removed.')
    this.#firstContact ??= this.#checkChainId(options.timeoutMs).catch((error: unknown) => {
      this.#firstContact = null
      throw error
    })
    await orAborted(this.#firstContact, options.signal)
  }

  async #checkChainId(timeoutMs: number): Promise<void> {
    if (this.#state === 'unknown') this.#state = 'connecting'
    this.#options.onDidChange()
    const answer = await this.#wire.call({ method: 'eth_chainId', params: '[]' }, { timeoutMs })
    if (!answer.ok) throw answer.error.httpStatus === 429 ? answer.error : noChainId()
    const chainId = readChainId(answer.result)
    if (chainId !== this.#options.chainId) {
      throw new ChainRequestError(
        'wrong-chain',
        `The endpoint serves chain ${chainId} instead of ${this.#options.chainId}.`,
      )
    }
    this.#becomeHealthy()
  }

  #becomeHealthy(): void {
    if (this.#isClosed) return
    this.#cancelProbe?.()
    this.#cancelProbe = null
    this.#state = 'healthy'
    this.#error = null
    this.#takesBatches = true
    this.#healthySince = this.#options.clock.monotonicMs()
    this.#options.onDidChange()
  }

  #becomeFailing(error: ChainRequestError): void {
    const { clock, random } = this.#options
    const wasHealthy = this.#state === 'healthy'
    if (wasHealthy && clock.monotonicMs() - this.#healthySince >= chainLimits.healthyMs) this.#failures = 0
    this.#state = 'failing'
    this.#error = error
    this.#firstContact = null
    if (this.#cancelProbe !== null) return
    this.#cancelProbe = clock.after(reconnectDelayMs(this.#failures++, random), () => void this.#probe())
  }

  async #probe(): Promise<void> {
    this.#cancelProbe = null
    if (this.#isClosed || this.#state !== 'failing') return
    try {
      await this.#contact({ timeoutMs: chainLimits.ownRequestMs })
    } catch (error) {
      this.fail(asChainRequestError(error))
    }
  }
}

/** The wire for an address of the schemes http, https, ws, wss. */
export function openWire(url: URL, onDidClose?: () => void): Wire {
  return url.protocol === 'ws:' || url.protocol === 'wss:' ? new WsWire(url, onDidClose) : new HttpWire(url)
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
