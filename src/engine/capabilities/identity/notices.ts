import type { Approval } from '../../../shared/domain/identity.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { StateHub } from '../../state-hub.ts'

/** Keeps a notice for each signature that waits for the operator's answer. */
export function approvalNotices(
  state: Pick<StateHub, 'raise' | 'clear' | 'touch'>,
): (approvals: readonly Approval[]) => void {
  let raised = new Set<string>()
  return (approvals) => {
    const waiting = new Set(approvals.map(({ id }) => `approval ${id}`))
    for (const id of raised) if (!waiting.has(id)) state.clear(id)
    for (const { id, module, account } of approvals) {
      if (raised.has(`approval ${id}`)) continue
      const error = new PaddockError(
        'identity.approval_waiting',
        `${module} asks for a signature of ${account} and waits for you.`,
      )
      state.raise(`approval ${id}`, 'warn', { kind: 'module', name: module }, error.toReport())
    }
    raised = waiting
    state.touch()
  }
}
