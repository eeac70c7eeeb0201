import type { ChainRequestError } from '../request-error.ts'
import type { SourceNotice } from '../source-notice.ts'

/** Missed logs of these blocks were fetched; both included. */
export function gapBackfilled(count: number, first: bigint, last: bigint): SourceNotice {
  const message = `${count} missed logs of blocks ${first} to ${last} were fetched.`
  return { event: 'gap_backfilled', level: 'info', message }
}

/** Blocks whose logs are too old to fetch; both included. */
export function gapDropped(first: bigint, last: bigint): SourceNotice {
  const message = `Logs of blocks ${first} to ${last} were missed: they are too far back to fetch.`
  return { event: 'gap_dropped', level: 'warn', message }
}

/** Blocks whose logs could not be fetched; both included. */
export function gapFailed(first: bigint, last: bigint, error: ChainRequestError): SourceNotice {
  const message = `Logs of blocks ${first} to ${last} were given up: ${error.message}`
  return { event: 'gap_failed', level: 'error', message }
}
