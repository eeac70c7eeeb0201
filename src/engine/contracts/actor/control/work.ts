/** What waits for an actor or runs in it. */
import type { ActorAnswer, ActorOperation, ActorPayload } from '../../../../shared/contracts/actor.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { CallReply } from '../../../../shared/sandbox/protocol.ts'

/** Operations that come from outside while the actor lives. */
export type WorkOperation = Extract<
  ActorOperation,
  'request' | 'inspect-sql' | 'tables' | 'rows' | 'backup' | 'export' | 'info'
>

export interface WorkItem {
  readonly operation: WorkOperation
  readonly payload: ActorPayload<WorkOperation>
  /** Monotonic. */
  readonly queuedAtMs: number
  /** Counts it out of the generation that it was admitted to. */
  release: () => void
  /** Ends the wait for the actor. */
  cancelTimer: () => void
  readonly abort: AbortController
  readonly settle: (answer: ActorAnswer<WorkOperation>, reply: CallReply) => void
  readonly fail: (error: PaddockError) => void
}

export function closedFault(): PaddockError {
  return new PaddockError(
    'sqlite.closed',
    'The actor stopped before the request began; nothing was executed.',
  )
}

export function indeterminateFault(operation: string): PaddockError {
  return new PaddockError(
    'sqlite.remote_indeterminate_result',
    'The actor was ended while the request ran; what it had written may be kept.',
    { details: { operation } },
  )
}
