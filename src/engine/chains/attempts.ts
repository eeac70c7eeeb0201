import type { Clock } from '../clock.ts'
import type { Endpoint } from './endpoint.ts'
import type { RequestPolicy } from './policy.ts'
import { ChainRequestError, asChainRequestError } from './request-error.ts'
import { sleep } from './sleep.ts'
import type { WireOptions } from './wires/wire.ts'

/** One request as the resilience sees it. */
export interface Work<T> {
  /** Requests it makes; entries of a batch. */
  readonly count: number
  readonly signal: AbortSignal | undefined
  /** Sent at most once: after it may have left there is neither a retry nor another endpoint. */
  readonly isOnce: boolean
  send(endpoint: Endpoint, options: WireOptions): Promise<T>
}

export interface AttemptOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly policy: RequestPolicy
  readonly maxRetries: number
  /** Monotonic ms at which this endpoint's share of the request's time ends. */
  readonly endsAt: number
}

const never = new AbortController().signal

/** A failure after which nothing may be sent again. */
export class SentFailure extends Error {
  readonly failure: ChainRequestError

  constructor(failure: ChainRequestError) {
    super(failure.message, { cause: failure })
    this.failure = failure
  }
}

/**
 * Tries work on one endpoint within its pace: at once, then after each backoff (spec nexum-host 8.6). Rejects
 * with the ChainRequestError of the last attempt, or with SentFailure.
 */
export async function attempt<T>(endpoint: Endpoint, work: Work<T>, options: AttemptOptions): Promise<T> {
  const { clock, random, policy, maxRetries, endsAt } = options
  for (let retry = 0; ; retry++) {
    const sent = { hasLeft: false }
    const timeoutMs = policy.attemptTimeoutMs(endsAt - clock.monotonicMs(), maxRetries - retry)
    try {
      return await work.send(endpoint, {
        timeoutMs: Math.max(1, timeoutMs),
        signal: work.signal,
        paceUntil: endsAt,
        ...(work.isOnce ? { onLeave: () => (sent.hasLeft = true) } : {}),
      })
    } catch (thrown) {
      const error = asChainRequestError(thrown)
      if (sent.hasLeft) throw new SentFailure(error)
      if (retry >= maxRetries || !policy.mayRetry(error)) throw error
      const delayMs = Math.max(policy.backoffMs(retry, random), error.retryAfterMs ?? 0)
      // Without time to try again after the wait, another endpoint is asked now.
      if (delayMs >= endsAt - clock.monotonicMs()) throw error
      await sleep(clock, delayMs, work.signal ?? never)
      if (work.signal !== undefined && isAborted(work.signal)) throw cancelled()
      endpoint.noteRetry()
    }
  }
}

/** Asked again after waiting. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}

function cancelled(): ChainRequestError {
  return new ChainRequestError('cancelled', 'The request was cancelled.')
}
