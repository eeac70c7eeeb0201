/** The numbers of the chain provider, with their source. */
export const chainLimits = {
  /** Largest answer of a node that a guest gets, in bytes (spec nexum-host 5.3, 8.6). */
  responseBytes: 1_048_576,
  /** Largest WebSocket message read at all; above it the connection is given up. */
  socketMessageBytes: 16 * 1_048_576,
  /** Entries of one JSON-RPC array (spec nexum-host 8.6). */
  batchEntries: 100,
  /** Missed headers that are fetched; older ones are skipped and counted (spec nexum-host 10.4). */
  backfillBlocks: 256,
  /** Blocks below the head whose missed logs are fetched (spec nexum-host 10.4). */
  logBackfillBlocks: 10_000,
  /** Retries of one chunk of a backfill (spec nexum-host 10.4). */
  chunkRetries: 5,
  /** Blocks looked at again after a reconnect, for logs that were lost with the connection. */
  logOverlapBlocks: 8n,
  /** Blocks looked at again when the node changed branches meanwhile. */
  logBranchBlocks: 64n,
  /** Reconnect backoff (spec nexum-host 10.4). */
  backoffFirstMs: 1_000,
  backoffMaxMs: 30_000,
  /** Healthy time after which the backoff starts anew (spec nexum-host 10.4). */
  healthyMs: 60_000,
  /** Least head silence that forces a reconnect, and the factor on the usual interval (spec nexum-host 10.4). */
  silenceMs: 60_000,
  silenceIntervals: 5,
  /** Bound of one request that Paddock makes for itself. */
  ownRequestMs: 10_000,
  /** Bound of a whole endpoint test, which an operator waits for. */
  testMs: 5_000,
  /**
   * A head this little below what a subscriber handled comes from a node that lags, not from a chain that
   * started anew.
   */
  lagBlocks: 8n,
  /** Age of a check of the chain id after which the next request checks it anew (spec nexum-host 8.6). */
  chainIdRecheckMs: 60_000,
  /** Longest pause that a node may ask for. */
  retryAfterMaxMs: 300_000,
  /** Changes kept per endpoint and per chain. */
  timelineEntries: 32,
  /** Largest answer to a request that Paddock makes for itself, in bytes. */
  ownResponseBytes: 8 * 1_048_576,
  /** Latencies kept per endpoint for the quantiles. */
  latencySamples: 256,
  /** Changes are told at most this often. */
  changeIntervalMs: 200,
  /** While requests are counted, views are told to change this often. */
  rateIntervalMs: 1_000,
} as const

/** Milliseconds before reconnect number `attempt` (from 0): 1, 2, 4 … 30 s, the upper half of it random. */
export function reconnectDelayMs(attempt: number, random: () => number): number {
  const full = Math.min(chainLimits.backoffMaxMs, chainLimits.backoffFirstMs * 2 ** Math.min(attempt, 16))
  return full / 2 + (full / 2) * random()
}
