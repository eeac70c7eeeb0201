/** The time of one request of a guest, its redirects included, and the one signal that ends it (spec tools 4 step 12). */
import type { Clock } from '../../clock.ts'
import { EgressError } from '../../egress/egress-error.ts'

const defaultMs = 30_000

interface RequestTimes {
  /** What the guest asks for. */
  readonly timeoutMs: number | undefined
  /** What the tool declares at most. */
  readonly maxMs: number
  /** What is left of the call. */
  readonly leftMs: number
}

/** min(asked or 30 s, declared, left of the call), at least 1 ms. */
export function timeoutOf({ timeoutMs, maxMs, leftMs }: RequestTimes): number {
  return Math.max(1, Math.floor(Math.min(timeoutMs ?? defaultMs, maxMs, leftMs)))
}

/** What a request fails with when its time is over: the call's own deadline is told apart from a shorter limit. */
type TimeoutCode = 'timeout' | 'deadline_exceeded'

export class RequestTimer {
  private readonly controller = new AbortController()
  private readonly clock: Clock
  private readonly endsAtMs: number
  private readonly stopClock: () => void
  private readonly call: AbortSignal
  private readonly onCallEnd = (): void => this.stop('cancelled')
  private why: TimeoutCode | 'cancelled' = 'cancelled'

  /** Begins now. `call` is aborted when the call is cancelled. */
  constructor(clock: Clock, times: RequestTimes, call: AbortSignal) {
    const totalMs = timeoutOf(times)
    const code = totalMs >= Math.floor(times.leftMs) ? 'deadline_exceeded' : 'timeout'
    this.clock = clock
    this.call = call
    this.endsAtMs = clock.monotonicMs() + totalMs
    this.stopClock = clock.after(totalMs, () => this.stop(code))
    if (call.aborted) this.stop('cancelled')
    else call.addEventListener('abort', this.onCallEnd, { once: true })
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** Why the signal was aborted. */
  get cause(): TimeoutCode | 'cancelled' {
    return this.why
  }

  /** At least 1. */
  leftMs(): number {
    return Math.max(1, Math.ceil(this.endsAtMs - this.clock.monotonicMs()))
  }

  /** What `work` answers, or `EgressError` (`cancelled`) as soon as the time is over. */
  within<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const off = (): void => reject(new EgressError('cancelled', 'The request was called off.'))
      if (this.signal.aborted) off()
      this.signal.addEventListener('abort', off, { once: true })
      work.then(resolve, reject).finally(() => this.signal.removeEventListener('abort', off))
    })
  }

  end(): void {
    this.stopClock()
    this.call.removeEventListener('abort', this.onCallEnd)
  }

  private stop(why: TimeoutCode | 'cancelled'): void {
    if (this.signal.aborted) return
    this.why = why
    this.controller.abort()
  }
}
