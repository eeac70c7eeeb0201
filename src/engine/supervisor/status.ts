import type { ModuleStatus } from '../../shared/domain/module.ts'
import type { LifecyclePhase, LifecycleState } from './lifecycle.ts'

/** A lifecycle state as it is shown; `since` and `restartAt` are wall clock. */
export function statusOf(state: LifecycleState, since: number, restartAt: number): ModuleStatus {
  const { phase, consecutiveFailures } = state
  switch (phase.name) {
    case 'restarting':
      return {
        state: 'restarting',
        since,
        attempt: consecutiveFailures,
        nextAt: restartAt,
        error: phase.error,
      }
    case 'dead':
      return { state: 'dead', since, error: phase.error }
    default:
      return { state: phase.name, since }
  }
}

/** Whether a start or a stop has come to where it was going, or to where it waits. */
export function isSettled(phase: LifecyclePhase): boolean {
  return ['running', 'restarting', 'dead', 'stopped'].includes(phase.name)
}
