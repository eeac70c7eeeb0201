/**
 * Where the control side is with one actor, and how long it may stay there (spec actors-sql 16.2–16.4): pure.
 * The threshold goes with the state; whoever misses it is lost and comes again on a higher generation.
 */

export const controlStates = [
  'allocating',
  'starting',
  'running',
  'sleep-intent',
  'stop-intent',
  'going-away',
  'sleeping',
  'reallocating',
  'destroying',
] as const
export type ControlState = (typeof controlStates)[number]

/** In milliseconds. */
export interface Thresholds {
  readonly allocatingMs: number
  readonly startingMs: number
  readonly leavingMs: number
}

/** How long the state may last; null for those that may last for ever. */
export function thresholdOf(state: ControlState, thresholds: Thresholds): number | null {
  switch (state) {
    case 'allocating':
      return thresholds.allocatingMs
    case 'starting':
      return thresholds.startingMs
    case 'sleep-intent':
    case 'stop-intent':
    case 'going-away':
    case 'destroying':
      return thresholds.leavingMs
    case 'running':
    case 'sleeping':
    case 'reallocating':
      return null
  }
}

/** How a start begins, the first as every later one: what counts is whether a host process is there for it. */
export function beginningOf(hasHost: boolean): 'allocating' | 'starting' {
  return hasHost ? 'starting' : 'allocating'
}

const firstRetryMs = 2_000
const maxDoublings = 8
/** After so long in good health failures before no longer count. */
export const healthyMs = 600_000

export interface Losses {
  /** Since the last long time in good health. */
  readonly count: number
  /** When it began to run, monotonic; null while it does not. */
  readonly runningSinceMs: number | null
}

export const noLosses: Losses = { count: 0, runningSinceMs: null }

/** The instance runs. */
export function running(losses: Losses, nowMs: number): Losses {
  return { ...losses, runningSinceMs: nowMs }
}

/** The instance was lost: what is known now, and after how many milliseconds it is tried again. */
export function lost(losses: Losses, nowMs: number): { readonly losses: Losses; readonly retryMs: number } {
  const { count, runningSinceMs } = losses
  const before = runningSinceMs !== null && nowMs - runningSinceMs >= healthyMs ? 0 : count
  return {
    losses: { count: before + 1, runningSinceMs: null },
    retryMs: firstRetryMs * 2 ** Math.min(before, maxDoublings),
  }
}
