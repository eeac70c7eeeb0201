/** What of the governor's events the operator hears: what waits and why, what comes near, what could not be settled. */
import type { ErrorReport } from '../../shared/errors.ts'
import type { StateHub } from '../state-hub.ts'
import type { GovernorEvent } from './events.ts'
import { denialError } from './denials.ts'

type Log = (level: 'warn' | 'error', event: string, message: string, code?: string) => void

export interface GovernorNotices {
  onEvent(event: GovernorEvent): void
  onStanding(error: ErrorReport | null): void
}

/** Shows a module without budget until it has one again, and a ledger that cannot be kept until it can. */
export function governorNotices(state: () => StateHub, log: Log): GovernorNotices {
  const withoutBudget = new Set<string>()
  return {
    onEvent(event) {
      switch (event.kind) {
        case 'denied': {
          withoutBudget.add(event.scope)
          const name = moduleOf(event.scope)
          const subject = name === null ? ({ kind: 'engine' } as const) : ({ kind: 'module', name } as const)
          state().raise(`budget ${event.scope}`, 'warn', subject, denialError(event.denial).toReport())
          return
        }
        case 'granted':
          if (withoutBudget.delete(event.scope)) state().clear(`budget ${event.scope}`)
          return
        case 'warned': {
          const { account, dimension, used, limit } = event.warning
          state().note(
            'warn',
            moduleOf(event.scope) ?? 'Engine',
            'budget_warned',
            `${account} has used ${used} of ${limit} ${dimension}`,
          )
          return
        }
        case 'swept':
          log('warn', 'budget_swept', `Reservation ${event.id} was swept after ${event.ageMs} ms.`)
          return
        case 'deferred':
          log(
            'error',
            'settlement_deferred',
            `Reservation ${event.id}: ${event.phase} is not written yet.`,
            event.errorClass,
          )
          return
        case 'requested':
        case 'reconciled':
        case 'released':
          return
      }
    },
    onStanding(error) {
      if (error === null) state().clear('budget ledger')
      else state().raise('budget ledger', 'error', { kind: 'engine' }, error)
    },
  }
}

/** The module in `operator/module/<name>/contract/<id>`; null where there is none. */
function moduleOf(scope: string): string | null {
  const [, , name] = scope.split('/')
  return name === undefined || name === '_' ? null : name
}
