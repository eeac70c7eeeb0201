import type { Clock } from '../../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import { chainLimits, reconnectDelayMs } from '../limits.ts'
import { asChainRequestError, isEndpointFailure } from '../request-error.ts'
import type { ChainRequestError } from '../request-error.ts'
import { sleep } from '../sleep.ts'
import type { LogEntry } from './log-entry.ts'
import type { LogFilter } from './log-filter.ts'
import { queryLogs } from './log-query.ts'

export interface RangeReaderOptions {
  readonly filter: LogFilter
  readonly clock: Clock
  readonly random: () => number
  readonly maxRangeBlocks: () => number
}

/** Read so far, or given up at a chunk that failed too often. */
export type RangeEnd = { readonly gaveUp: null } | { readonly gaveUp: ChainRequestError; readonly at: bigint }

/**
 * Reads long spans of logs in chunks. A failing chunk is retried five times on the backoff, then the rest is given
 * up (spec nexum-host 10.4). It remembers its failures over a change of endpoint.
 */
export class RangeReader {
  readonly #options: RangeReaderOptions
  #failedAt: bigint | null = null
  #failures = 0

  constructor(options: RangeReaderOptions) {
    this.#options = options
  }

  /**
   * Calls `take` with the logs of one chunk after the other and the last block of the chunk. Rejects with
   * ChainRequestError when the endpoint fails, so that the caller may go on with another from where it got to.
   */
  async read(
    endpoint: Endpoint,
    first: bigint,
    last: bigint,
    signal: AbortSignal,
    take: (entries: readonly LogEntry[], upTo: bigint) => void,
  ): Promise<RangeEnd> {
    const { filter, clock, random, maxRangeBlocks } = this.#options
    let from = first
    while (from <= last) {
      const chunkEnd = from + BigInt(maxRangeBlocks()) - 1n
      const to = chunkEnd < last ? chunkEnd : last
      try {
        const entries = await queryLogs(endpoint, filter, { first: from, last: to }, signal)
        take(entries, to)
        from = to + 1n
        this.#failures = 0
      } catch (thrown) {
        const error = asChainRequestError(thrown)
        if (isAborted(signal)) throw error
        const isSame = this.#failedAt === from
        this.#failedAt = from
        this.#failures = isSame ? this.#failures + 1 : 1
        if (this.#failures > chainLimits.chunkRetries) {
          this.#failures = 0
          return { gaveUp: error, at: from }
        }
        if (isEndpointFailure(error)) throw error
        await sleep(clock, reconnectDelayMs(this.#failures - 1, random), signal)
        if (isAborted(signal)) throw error
      }
    }
    return { gaveUp: null }
  }
}

/** Asked again after waiting. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}
