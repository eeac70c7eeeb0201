import { filterKey } from './log-filter.ts'
import type { LogFilter } from './log-filter.ts'
import { LogStream } from './log-stream.ts'
import type { LogStreamOptions } from './log-stream.ts'
import type { LogListener, LogSubscription } from './log-subscriber.ts'

/** The log streams of one chain: one for each distinct filter, open while someone wants it. */
export class LogStreams {
  readonly #options: Omit<LogStreamOptions, 'filter'>
  readonly #streams = new Map<string, LogStream>()
  /** What streams counted that are closed by now. */
  #backfilled = 0
  #removed = 0

  constructor(options: Omit<LogStreamOptions, 'filter'>) {
    this.#options = options
  }

  get open(): number {
    return this.#streams.size
  }

  get backfilled(): number {
    return [...this.#streams.values()].reduce((sum, stream) => sum + stream.backfilled, this.#backfilled)
  }

  get removed(): number {
    return [...this.#streams.values()].reduce((sum, stream) => sum + stream.removed, this.#removed)
  }

  subscribe(filter: LogFilter, listener: LogListener, subscription: LogSubscription): () => void {
    const key = filterKey(filter)
    const stream = this.#streams.get(key) ?? new LogStream({ ...this.#options, filter })
    this.#streams.set(key, stream)
    const unsubscribe = stream.subscribe(listener, subscription)
    return () => {
      unsubscribe()
      if (stream.isWanted || this.#streams.get(key) !== stream) return
      this.#streams.delete(key)
      this.#backfilled += stream.backfilled
      this.#removed += stream.removed
    }
  }

  /** The endpoints or their health changed. */
  reconsider(isNewConfiguration: boolean): void {
    for (const stream of this.#streams.values()) stream.reconsider(isNewConfiguration)
  }

  stop(): void {
    for (const stream of this.#streams.values()) stream.stop()
  }
}
