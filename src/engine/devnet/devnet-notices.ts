import type { Activity } from '../../shared/domain/engine.ts'
import type { DevnetView } from '../../shared/domain/chain.ts'
import type { StateHub } from '../state-hub.ts'

/** States worth a line of activity, with how they look there. */
const told: Partial<Record<DevnetView['state'], Activity['severity']>> = {
  running: 'ok',
  stopped: 'idle',
  failed: 'crit',
}

/** Tells the operator what became of the local devnet. */
export function tellDevnet({ state, error }: DevnetView, hub: StateHub): void {
  if (error === null) hub.clear('devnet')
  else hub.raise('devnet', 'warn', { kind: 'devnet' }, error)
  const severity = told[state]
  if (severity !== undefined)
    hub.note(severity, 'Local devnet', `devnet_${state}`, `Local devnet is ${state}`)
  hub.touch()
}
