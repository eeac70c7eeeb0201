import { numberToHex } from 'viem'
import type { Hex } from 'viem'
import type { Endpoint } from '../endpoint.ts'
import { chainLimits } from '../limits.ts'
import { asChainRequestError } from '../request-error.ts'
import { notJsonRpc } from '../wires/rpc-codec.ts'
import { compareLogs, readLog } from './log-entry.ts'
import type { LogEntry } from './log-entry.ts'
import { filterMembers } from './log-filter.ts'
import type { LogFilter } from './log-filter.ts'

/** Whose logs are asked for: blocks from `first` to `last`, both included, or one block of a branch. */
export type LogSpan = { readonly first: bigint; readonly last: bigint } | { readonly blockHash: Hex }

/** Codes by which nodes say that an answer would be too large (EIP-1474). */
const limitExceeded = -32005

/**
 * Asks one endpoint for the logs of a span, in order, those taken back left out. A span that is too much for one
 * answer is asked for in halves. Rejects with ChainRequestError.
 */
export async function queryLogs(
  endpoint: Endpoint,
  filter: LogFilter,
  span: LogSpan,
  signal: AbortSignal,
): Promise<LogEntry[]> {
  try {
    return await queryOnce(endpoint, filter, span, signal)
  } catch (thrown) {
    const error = asChainRequestError(thrown)
    const isTooMuch = error.kind === 'too-large' || error.rpcCode === limitExceeded
    if (!isTooMuch || 'blockHash' in span || span.first >= span.last) throw error
    const middle = (span.first + span.last) / 2n
    const lower = await queryLogs(endpoint, filter, { first: span.first, last: middle }, signal)
    return [...lower, ...(await queryLogs(endpoint, filter, { first: middle + 1n, last: span.last }, signal))]
  }
}

async function queryOnce(
  endpoint: Endpoint,
  filter: LogFilter,
  span: LogSpan,
  signal: AbortSignal,
): Promise<LogEntry[]> {
  const where =
    'blockHash' in span
      ? { blockHash: span.blockHash }
      : { fromBlock: numberToHex(span.first), toBlock: numberToHex(span.last) }
  const params = JSON.stringify([{ ...where, ...filterMembers(filter) }])
  const answer = await endpoint.call(
    { method: 'eth_getLogs', params },
    { timeoutMs: chainLimits.ownRequestMs, maxBytes: chainLimits.ownResponseBytes, signal },
  )
  if (!answer.ok) throw answer.error
  const list: unknown = JSON.parse(answer.result)
  if (!Array.isArray(list)) throw notJsonRpc('The node sent no list of logs.')
  return list
    .map(readLog)
    .filter((entry) => !entry.removed)
    .sort(compareLogs)
}
