/** How long to wait before a failed module is started again (spec nexum-host 12.3). */
export interface BackoffPolicy {
  /** Ceiling of the first delay; doubles with each further failure. Milliseconds. */
  readonly baseMs: number
  /** No delay is longer. Milliseconds. */
  readonly maxMs: number
}

export const restartBackoff: BackoffPolicy = { baseMs: 1_000, maxMs: 300_000 }

/** The longest delay after the n-th consecutive failure, n from 1. */
export function backoffCeilingMs(failure: number, policy: BackoffPolicy = restartBackoff): number {
  const doublings = Math.min(Math.max(failure, 1) - 1, 52)
  return Math.min(policy.baseMs * 2 ** doublings, policy.maxMs)
}

/**
 * A delay in the upper half of the ceiling: modules felled by one cause do not come back in lockstep, and none
 * comes back at once. `random` answers in [0, 1).
 */
export function backoffDelayMs(
  failure: number,
  random: () => number,
  policy: BackoffPolicy = restartBackoff,
): number {
  return Math.round((backoffCeilingMs(failure, policy) * (1 + random())) / 2)
}
