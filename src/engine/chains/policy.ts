import { isEndpointFailure } from './request-error.ts'
import type { ChainRequestError } from './request-error.ts'

/** How hard a guest's request is tried. */
export interface RequestPolicy {
  /** Bound of one attempt in ms, with `remainingMs` left for the request and this many endpoints to try. */
  attemptTimeoutMs(remainingMs: number, endpointsLeft: number): number
  /** Whether the next endpoint may do better. */
  mayFailOver(error: ChainRequestError): boolean
}

/** Each endpoint once, in order; the time left is shared among those not yet tried. */
export const defaultRequestPolicy: RequestPolicy = {
  attemptTimeoutMs: (remainingMs, endpointsLeft) => remainingMs / Math.max(1, endpointsLeft),
  mayFailOver: isEndpointFailure,
}
