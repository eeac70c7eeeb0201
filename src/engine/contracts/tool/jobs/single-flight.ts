/**
 * One piece of work per key, however many ask for it (spec tools 9). Each who asks can leave without disturbing it,
 * the first included; with nobody left it finishes all the same. What failed is not tried again for a while.
 */
import { PaddockError, toErrorReport } from '../../../../shared/errors.ts'
import type { Clock } from '../../../clock.ts'

/** How long an identical failure is answered without trying again, in milliseconds (spec tools 9). */
export const rememberFailureMs = 5_000

export class SingleFlight<T> {
  private readonly clock: Clock
  private readonly isLasting: (error: PaddockError) => boolean
  private readonly flights = new Map<string, Promise<T>>()
  private readonly failures = new Map<string, { readonly error: PaddockError; readonly until: number }>()

  /** `isLasting` tells whether trying a failure again at once would only fail again. */
  constructor(clock: Clock, isLasting: (error: PaddockError) => boolean) {
    this.clock = clock
    this.isLasting = isLasting
  }

  /** Pieces of work under way. */
  get size(): number {
    return this.flights.size
  }

  /** Forgets a failure: what the key stands for was made anew. */
  forget(key: string): void {
    this.failures.delete(key)
  }

  /** Joins or begins the work. Throws what it throws, and `sandbox.cancelled` for a caller whose signal is aborted. */
  async join(key: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw left()
    const failed = this.failures.get(key)
    if (failed !== undefined && this.clock.monotonicMs() < failed.until) throw failed.error
    const flight = this.flights.get(key) ?? this.begin(key, work)
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => reject(left())
      signal.addEventListener('abort', leave, { once: true })
      const stay = (): void => signal.removeEventListener('abort', leave)
      flight.then(
        (value) => {
          stay()
          resolve(value)
        },
        (error: unknown) => {
          stay()
          reject(error instanceof Error ? error : new PaddockError('internal.bug', String(error)))
        },
      )
    })
  }

  private begin(key: string, work: () => Promise<T>): Promise<T> {
    const flight = Promise.resolve().then(work)
    this.flights.set(key, flight)
    const done = (): void => {
      if (this.flights.get(key) === flight) this.flights.delete(key)
    }
    flight.then(done, (thrown: unknown) => {
      done()
      this.remember(key, thrown)
    })
    return flight
  }

  private remember(key: string, thrown: unknown): void {
    const now = this.clock.monotonicMs()
    for (const [other, { until }] of this.failures) if (until <= now) this.failures.delete(other)
    const error = thrown instanceof PaddockError ? thrown : PaddockError.fromReport(toErrorReport(thrown))
    if (this.isLasting(error)) this.failures.set(key, { error, until: now + rememberFailureMs })
  }
}

function left(): PaddockError {
  return new PaddockError('sandbox.cancelled', 'The caller left before it was prepared.')
}
