/**
 * The life of a module as one pure state machine (spec nexum-host 12; issue 2):
 * resolve → load → init → run ⇄ restart → dead, and stopped on the operator's word.
 *
 * `step` takes a state and something that happened, and answers the next state and what is to be
 * done. It holds no timer and does no I/O: the supervisor does, and reports back as events. Each
 * event that comes from work under way names the attempt it belongs to, so that a late report of
 * work since abandoned changes nothing.
 */
import type { ErrorReport } from '../../shared/errors.ts'
import { backoffDelayMs, type BackoffPolicy, restartBackoff } from './backoff.ts'

/**
 * When failures become too many (spec nexum-host 12.3, 12.4). Only a committed dispatch resets the
 * consecutive count: neither a successful `init` nor running quietly for a while proves that a module
 * handles events. Failures of the window end by age alone.
 */
export interface LifecyclePolicy {
  readonly backoff: BackoffPolicy
  /** Consecutive failures that make a module dead. */
  readonly maxConsecutiveFailures: number
  /** Failures within `windowMs` that make a module dead. */
  readonly maxFailuresInWindow: number
  readonly windowMs: number
}

export const defaultLifecyclePolicy: LifecyclePolicy = {
  backoff: restartBackoff,
  maxConsecutiveFailures: 10,
  maxFailuresInWindow: 5,
  windowMs: 600_000,
}

export type LifecyclePhase =
  | { readonly name: 'stopped' }
  | { readonly name: 'resolving' }
  | { readonly name: 'loading' }
  | { readonly name: 'initialising' }
  | { readonly name: 'running' }
  | { readonly name: 'restarting'; readonly delayMs: number; readonly error: ErrorReport }
  /** Winding down; `then` says what follows. */
  | { readonly name: 'stopping'; readonly then: 'stop' | 'resolve' }
  /** `poisoned`: by too many failures rather than by one that trying again cannot mend. */
  | { readonly name: 'dead'; readonly error: ErrorReport; readonly poisoned: boolean }

export interface LifecycleState {
  readonly phase: LifecyclePhase
  /** Rises with each piece of work begun; a report of an earlier attempt is late and ignored. */
  readonly attempt: number
  /** Runs begun so far. */
  readonly run: number
  readonly consecutiveFailures: number
  /** Times of recent failures, wall clock, oldest first. */
  readonly failureTimes: readonly number[]
  /** Whether bundle and artifact are known, so that a restart need not resolve again. */
  readonly resolved: boolean
}

export type LifecycleEvent =
  | { readonly type: 'start' }
  /** The engine starts: as `start`, but nothing is forgiven and the dead stay dead. */
  | { readonly type: 'resume' }
  | { readonly type: 'stop' }
  | { readonly type: 'restart' }
  | { readonly type: 'resolved'; readonly attempt: number }
  | { readonly type: 'loaded'; readonly attempt: number }
  | { readonly type: 'initialised'; readonly attempt: number }
  /** A fault that trying again cannot mend: bad bundle, rejected configuration. */
  | { readonly type: 'rejected'; readonly attempt: number; readonly error: ErrorReport }
  /** Trap, fuel, deadline, commit failure, crash, failed start. */
  | { readonly type: 'failed'; readonly attempt: number; readonly error: ErrorReport }
  /** A dispatch was committed: the module works. */
  | { readonly type: 'proved-healthy'; readonly attempt: number }
  | { readonly type: 'timer-due'; readonly attempt: number }
  | { readonly type: 'wound-down'; readonly attempt: number }

export type LifecycleEffect =
  | { readonly do: 'resolve' }
  | { readonly do: 'launch' }
  | { readonly do: 'initialise' }
  | { readonly do: 'open-sources' }
  /** Ask the sandbox to stop, kill it if it does not, then report `wound-down`. */
  | { readonly do: 'wind-down' }
  /** Kill the sandbox now; nothing is reported back. */
  | { readonly do: 'kill' }
  | { readonly do: 'schedule-restart'; readonly delayMs: number }
  | { readonly do: 'cancel-timer' }

export interface LifecycleStep {
  readonly state: LifecycleState
  readonly effects: readonly LifecycleEffect[]
}

export const initialLifecycle: LifecycleState = {
  phase: { name: 'stopped' },
  attempt: 0,
  run: 0,
  consecutiveFailures: 0,
  failureTimes: [],
  resolved: false,
}

/** Moves the machine by one event. `now` is the wall clock, `random` answers in [0, 1). */
export function step(
  state: LifecycleState,
  event: LifecycleEvent,
  now: number,
  random: () => number,
  policy: LifecyclePolicy = defaultLifecyclePolicy,
): LifecycleStep {
  if ('attempt' in event && event.attempt !== state.attempt) return { state, effects: [] }
  switch (event.type) {
    case 'start':
      return onStart(state)
    case 'resume':
      return state.phase.name === 'stopped' ? resolve(state) : unchanged(state)
    case 'stop':
      return onStop(state)
    case 'restart':
      return onRestart(state)
    case 'resolved':
      return state.phase.name === 'resolving' ? launch({ ...state, resolved: true }) : unchanged(state)
    case 'loaded':
      return state.phase.name === 'loading'
        ? { state: { ...state, phase: { name: 'initialising' } }, effects: [{ do: 'initialise' }] }
        : unchanged(state)
    case 'initialised':
      return state.phase.name === 'initialising'
        ? { state: { ...state, phase: { name: 'running' } }, effects: [{ do: 'open-sources' }] }
        : unchanged(state)
    case 'rejected':
      return isBusy(state)
        ? {
            state: next(state, { name: 'dead', error: event.error, poisoned: false }),
            effects: [{ do: 'kill' }],
          }
        : unchanged(state)
    case 'failed':
      return isBusy(state) ? fail(state, event.error, now, random, policy) : unchanged(state)
    case 'proved-healthy':
      return state.phase.name === 'running' && state.consecutiveFailures > 0
        ? { state: { ...state, consecutiveFailures: 0 }, effects: [] }
        : unchanged(state)
    case 'timer-due':
      return state.phase.name === 'restarting' ? launch(state) : unchanged(state)
    case 'wound-down':
      return onWoundDown(state)
  }
}

function onStart(state: LifecycleState): LifecycleStep {
  switch (state.phase.name) {
    case 'stopped':
    case 'dead':
      return resolve(forgiven(state))
    case 'stopping':
      return { state: { ...state, phase: { name: 'stopping', then: 'resolve' } }, effects: [] }
    case 'restarting': {
      const step = launch(forgiven(state))
      return { state: step.state, effects: [{ do: 'cancel-timer' }, ...step.effects] }
    }
    default:
      return unchanged(state)
  }
}

function onStop(state: LifecycleState): LifecycleStep {
  switch (state.phase.name) {
    case 'stopped':
    case 'dead':
      return { state: { ...state, phase: { name: 'stopped' } }, effects: [] }
    case 'stopping':
      return { state: { ...state, phase: { name: 'stopping', then: 'stop' } }, effects: [] }
    case 'restarting':
      return { state: next(state, { name: 'stopped' }), effects: [{ do: 'cancel-timer' }] }
    default:
      return { state: next(state, { name: 'stopping', then: 'stop' }), effects: [{ do: 'wind-down' }] }
  }
}

function onRestart(state: LifecycleState): LifecycleStep {
  switch (state.phase.name) {
    case 'resolving':
    case 'loading':
    case 'initialising':
    case 'running':
      return {
        state: next(forgiven(state), { name: 'stopping', then: 'resolve' }),
        effects: [{ do: 'wind-down' }],
      }
    default:
      return onStart(state)
  }
}

function onWoundDown(state: LifecycleState): LifecycleStep {
  if (state.phase.name !== 'stopping') return unchanged(state)
  return state.phase.then === 'stop'
    ? { state: { ...state, phase: { name: 'stopped' } }, effects: [] }
    : resolve(state)
}

function fail(
  state: LifecycleState,
  error: ErrorReport,
  now: number,
  random: () => number,
  policy: LifecyclePolicy,
): LifecycleStep {
  const consecutiveFailures = state.consecutiveFailures + 1
  const failureTimes = [...state.failureTimes.filter((time) => now - time < policy.windowMs), now]
  const failed = { ...state, consecutiveFailures, failureTimes }
  const isPoisoned =
    consecutiveFailures >= policy.maxConsecutiveFailures || failureTimes.length >= policy.maxFailuresInWindow
  if (isPoisoned)
    return { state: next(failed, { name: 'dead', error, poisoned: true }), effects: [{ do: 'kill' }] }
  const delayMs = backoffDelayMs(consecutiveFailures, random, policy.backoff)
  return {
    state: next(failed, { name: 'restarting', delayMs, error }),
    effects: [{ do: 'kill' }, { do: 'schedule-restart', delayMs }],
  }
}

function resolve(state: LifecycleState): LifecycleStep {
  return state.resolved
    ? launch(state)
    : { state: next(state, { name: 'resolving' }), effects: [{ do: 'resolve' }] }
}

function launch(state: LifecycleState): LifecycleStep {
  return {
    state: { ...next(state, { name: 'loading' }), run: state.run + 1 },
    effects: [{ do: 'launch' }],
  }
}

function isBusy(state: LifecycleState): boolean {
  const { name } = state.phase
  return name === 'resolving' || name === 'loading' || name === 'initialising' || name === 'running'
}

function forgiven(state: LifecycleState): LifecycleState {
  if (state.consecutiveFailures === 0 && state.failureTimes.length === 0) return state
  return { ...state, consecutiveFailures: 0, failureTimes: [] }
}

function next(state: LifecycleState, phase: LifecyclePhase): LifecycleState {
  return { ...state, phase, attempt: state.attempt + 1 }
}

function unchanged(state: LifecycleState): LifecycleStep {
  return { state, effects: [] }
}
