import type { LogLevel } from '../../shared/domain/primitives.ts'
import type { ErrorReport } from '../../shared/errors.ts'
import type { LifecyclePhase } from './lifecycle.ts'

/** A supervisor event for log and console (spec nexum-host 12.6). */
export interface SupervisorEvent {
  readonly level: LogLevel
  readonly event: string
  readonly message: string
  readonly error?: ErrorReport
}

/** What there is to tell of a module that goes from one phase to the next; `run` is the one that begins or goes on. */
export function narrate(
  name: string,
  before: LifecyclePhase,
  phase: LifecyclePhase,
  run: number,
): SupervisorEvent[] {
  switch (phase.name) {
    case 'restarting': {
      const seconds = (phase.delayMs / 1_000).toFixed(1)
      const message = `${name} starts again in ${seconds} s: ${phase.error.message}`
      return [{ level: 'warn', event: 'restart_scheduled', message, error: phase.error }]
    }
    case 'dead': {
      const event = phase.poisoned ? 'poisoned' : 'init_failed'
      return [
        { level: 'error', event, message: `${name} is dead: ${phase.error.message}`, error: phase.error },
      ]
    }
    case 'stopped':
      return [{ level: 'info', event: 'stopped', message: `${name} stopped` }]
    case 'loading':
      return before.name === 'resolving'
        ? [{ level: 'debug', event: 'resolved', message: `${name} resolved` }]
        : []
    case 'initialising':
      return [{ level: 'debug', event: 'loaded', message: `${name} loaded` }]
    case 'running':
      return [
        { level: 'debug', event: 'init_ok', message: `${name} initialised` },
        { level: 'info', event: run > 1 ? 'restarted' : 'started', message: `${name} runs (run ${run})` },
      ]
    default:
      return []
  }
}
