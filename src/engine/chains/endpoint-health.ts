import type { EndpointView } from '../../shared/domain/chain.ts'
import type { ErrorReport } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import { chainLimits, reconnectDelayMs } from './limits.ts'
import type { ChainRequestError } from './request-error.ts'
import { Timeline } from './timeline.ts'

export type EndpointState = 'unknown' | 'connecting' | 'healthy' | 'failing'

export interface EndpointHealthOptions {
  readonly clock: Clock
  readonly random: () => number
  /** It failed a while ago: see whether it answers again. */
  readonly probe: () => void
  readonly onDidChange: () => void
}

/** How an endpoint stands, and when it is tried again while it fails. */
export class EndpointHealth {
  readonly #options: EndpointHealthOptions
  readonly #timeline: Timeline
  #state: EndpointState = 'unknown'
  #error: ChainRequestError | null = null
  #last: { readonly time: number; readonly error: ErrorReport } | null = null
  #rateLimited = 0
  #retries = 0
  #healthySince = 0
  #failures = 0
  #cancelProbe: (() => void) | null = null
  #isClosed = false

  constructor(options: EndpointHealthOptions) {
    this.#options = options
    this.#timeline = new Timeline(options.clock)
  }

  get state(): EndpointState {
    return this.#state
  }

  /** Why it fails, or null. */
  get error(): ChainRequestError | null {
    return this.#error
  }

  connecting(): void {
    if (this.#state === 'unknown') this.#become('connecting', null)
  }

  healthy(): void {
    if (this.#isClosed) return
    this.#endProbe()
    const wasHealthy = this.#state === 'healthy'
    this.#error = null
    if (wasHealthy) return
    this.#healthySince = this.#options.clock.monotonicMs()
    this.#become('healthy', null)
  }

  /** Takes note of a failure that may be over by itself. */
  stumble(error: ChainRequestError): void {
    if (error.code === 'chain.rate_limited') this.#rateLimited += 1
    this.#last = { time: this.#options.clock.now(), error: error.toReport() }
    this.#options.onDidChange()
  }

  /** Takes note that a request is tried on it again. */
  retried(): void {
    this.#retries += 1
  }

  failing(error: ChainRequestError): void {
    if (this.#isClosed) return
    const { clock, random } = this.#options
    const wasHealthy = this.#state === 'healthy'
    if (wasHealthy && clock.monotonicMs() - this.#healthySince >= chainLimits.healthyMs) this.#failures = 0
    this.#error = error
    this.#become('failing', error)
    if (this.#cancelProbe !== null) return
    const askedMs = Math.min(error.retryAfterMs ?? 0, chainLimits.retryAfterMaxMs)
    this.#cancelProbe = clock.after(Math.max(reconnectDelayMs(this.#failures++, random), askedMs), () => {
      this.#cancelProbe = null
      if (!this.#isClosed && this.#state === 'failing') this.#options.probe()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#endProbe()
  }

  view(
    isServing: boolean,
  ): Pick<EndpointView, 'health' | 'error' | 'lastError' | 'changes' | 'rateLimited' | 'retries'> {
    return {
      health: this.#state === 'healthy' ? (isServing ? 'serving' : 'standby') : this.#state,
      error: this.#state === 'failing' ? (this.#error?.toReport() ?? null) : null,
      lastError: this.#last,
      rateLimited: this.#rateLimited,
      retries: this.#retries,
      changes: this.#timeline.entries,
    }
  }

  #become(state: EndpointState, reason: ChainRequestError | null): void {
    if (state !== this.#state) this.#timeline.add(this.#state, state, reason)
    this.#state = state
    this.#options.onDidChange()
  }

  #endProbe(): void {
    this.#cancelProbe?.()
    this.#cancelProbe = null
  }
}
