import { isEndpointFailure } from './request-error.ts'
import type { ChainRequestError } from './request-error.ts'

/** How hard a guest's request is tried (spec nexum-host 8.6). */
export interface RequestPolicy {
  /** Bound of one attempt in ms, of the ms an endpoint has left for the request and the retries it has left. */
  attemptTimeoutMs(shareMs: number, retriesLeft: number): number
  /** Whether the same endpoint is asked once more. */
  mayRetry(error: ChainRequestError): boolean
  /** Milliseconds before retry number `retry`, from 0. `random` answers 0 inclusive to 1 exclusive. */
  backoffMs(retry: number, random: () => number): number
  /** Whether the next endpoint may do better. */
  mayFailOver(error: ChainRequestError): boolean
}

const backoffFirstMs = 300

/** Half of what is left for each attempt while there are retries, and all of it for the last. */
export const defaultRequestPolicy: RequestPolicy = {
  attemptTimeoutMs: (shareMs, retriesLeft) => (retriesLeft > 0 ? shareMs / 2 : shareMs),
  mayRetry: isTransient,
  backoffMs: (retry, random) => backoffFirstMs * 2 ** Math.min(retry, 16) * (0.5 + random()),
  mayFailOver: (error) => error.kind === 'rate-limited' || isEndpointFailure(error),
}

/** Transport failures, 429 and 5xx. What a node answered is final, and so is a wrong address. */
function isTransient(error: ChainRequestError): boolean {
  switch (error.kind) {
    case 'unreachable':
    case 'closed':
    case 'timeout':
      return true
    case 'http-status':
    case 'rpc': {
      const status = error.httpStatus ?? 0
      return status === 429 || (error.kind === 'http-status' && status >= 500)
    }
    default:
      return false
  }
}
