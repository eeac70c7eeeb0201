/** Single flight: those who want the same thing at the same time wait for one piece of work. */
import { PaddockError } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'

type Work<T, P> = (signal: AbortSignal, report: (progress: P) => void) => Promise<T>

interface Flight<T, P> {
  readonly result: Promise<T>
  readonly controller: AbortController
  readonly listeners: Set<(progress: P) => void>
  last: { readonly progress: P } | undefined
}

/** How long the same work that failed is not tried again, in milliseconds (spec tools 9). */
export const rememberFailureMs = 5_000

export interface SharedWorkOptions {
  readonly clock: Clock
  /** Whether trying again at once would only fail again. */
  readonly remembers: (error: PaddockError) => boolean
}

export class SharedWork<T, P> {
  private readonly options: SharedWorkOptions
  private readonly flights = new Map<string, Flight<T, P>>()
  private readonly failures = new Map<string, { readonly error: PaddockError; readonly until: number }>()

  constructor(options: SharedWorkOptions) {
    this.options = options
  }

  /**
   * Joins the work under way for `key`, or starts it. Progress made so far is reported at once. Throws what the work
   * throws, for some seconds also without doing it again, and `compiler.cancelled` for a caller whose `signal` is aborted; the work itself is aborted with the last.
   */
  async join(
    key: string,
    work: Work<T, P>,
    onProgress: (progress: P) => void,
    signal?: AbortSignal,
  ): Promise<T> {
    if (signal?.aborted === true) throw cancelled()
    const failed = this.failures.get(key)
    if (failed !== undefined && this.options.clock.monotonicMs() < failed.until) throw failed.error
    const flight = this.flights.get(key) ?? this.start(key, work)
    const listener = (progress: P): void => onProgress(progress)
    flight.listeners.add(listener)
    if (flight.last !== undefined) listener(flight.last.progress)
    let stopListening = (): void => undefined
    const aborted = new Promise<never>((_resolve, reject) => {
      const abort = (): void => reject(cancelled())
      signal?.addEventListener('abort', abort, { once: true })
      stopListening = () => signal?.removeEventListener('abort', abort)
    })
    try {
      return await Promise.race([flight.result, aborted])
    } finally {
      stopListening()
      flight.listeners.delete(listener)
      if (flight.listeners.size === 0 && this.flights.get(key) === flight) {
        // The last one to go takes the work along; where it is done already, this does nothing.
        this.flights.delete(key)
        flight.controller.abort()
      }
    }
  }

  private start(key: string, work: Work<T, P>): Flight<T, P> {
    const controller = new AbortController()
    const listeners = new Set<(progress: P) => void>()
    const report = (progress: P): void => {
      flight.last = { progress }
      for (const listener of [...listeners]) listener(progress)
    }
    const flight: Flight<T, P> = {
      controller,
      listeners,
      last: undefined,
      result: Promise.resolve().then(() => work(controller.signal, report)),
    }
    // A caller that has gone hears nothing of it; the others do.
    flight.result.catch(() => undefined)
    this.flights.set(key, flight)
    const forget = (): void => {
      if (this.flights.get(key) === flight) this.flights.delete(key)
    }
    void flight.result.then(forget, (error: unknown) => {
      forget()
      this.remember(key, error)
    })
    return flight
  }

  private remember(key: string, error: unknown): void {
    if (!(error instanceof PaddockError) || !this.options.remembers(error)) return
    const now = this.options.clock.monotonicMs()
    for (const [other, { until }] of this.failures) if (until <= now) this.failures.delete(other)
    this.failures.set(key, { error, until: now + rememberFailureMs })
  }
}

function cancelled(): PaddockError {
  return new PaddockError('compiler.cancelled', 'The compilation was called off.')
}
