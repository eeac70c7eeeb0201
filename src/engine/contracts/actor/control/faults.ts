/** What became of a call whose instance died, in the codes of the contract (spec actors-sql 10, 14). */
import type { ActorGuestError } from '../../../../shared/contracts/actor.ts'
import { isActorErrorCode } from '../../../../shared/contracts/actor-errors.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { StatementMark } from '../../../../shared/sandbox/protocol.ts'

/** A budget ran out: whether anything may have been applied decides. */
export function overdueFault(statement: StatementMark | null): PaddockError {
  if (statement === null) {
    return new PaddockError(
      'sqlite.remote_indeterminate_result',
      'The request took longer than it may and was ended with its instance; what it had written may be kept.',
      { details: { operation: 'request' } },
    )
  }
  const { kind, budgetMs, revertible } = statement
  return revertible
    ? new PaddockError(
        'sqlite.statement_timeout',
        `The ${kind} took longer than ${budgetMs} ms; nothing of it is kept.`,
        {
          details: { kind, budgetMs },
        },
      )
    : new PaddockError(
        'sqlite.remote_indeterminate_result',
        `The ${kind} took longer than ${budgetMs} ms and was ended; it may have been applied.`,
        { details: { operation: kind, budgetMs } },
      )
}

/** Why a call has no answer of its own. `overdue` is set when the watchdog ended the instance. */
export function callFault(error: unknown, overdue: PaddockError | undefined): PaddockError {
  if (!(error instanceof PaddockError))
    return new PaddockError('actor.dropped_reply', 'No answer came.', { cause: error })
  if (isActorErrorCode(error.code)) return error
  switch (error.code) {
    case 'sandbox.deadline':
    case 'sandbox.cancelled':
      return overdue ?? error
    case 'sandbox.trap':
    case 'sandbox.out_of_fuel':
    case 'internal.bug':
      return new PaddockError('wasm.trap', error.message, { cause: error, details: { cause: error.code } })
    case 'sandbox.out_of_memory':
      // Of the guest alone it is a trap; of the whole process it is its end.
      return error.details?.['class'] === undefined
        ? new PaddockError('wasm.trap', error.message, { cause: error, details: { cause: error.code } })
        : (overdue ?? hostLost(error))
    default:
      return overdue ?? hostLost(error)
  }
}

function hostLost(error: PaddockError): PaddockError {
  return new PaddockError(
    'actor.host_lost',
    `The process of the actor ended under the request: ${error.message}`,
    {
      cause: error,
      details: { cause: error.code },
    },
  )
}

/** The guest's own error as its caller sees it: user errors as written, all else bare (spec actors-sql 14). */
export function guestFault(error: ActorGuestError): PaddockError {
  switch (error.tag) {
    case 'method-not-found':
      return new PaddockError(
        'actor.invalid_operation',
        `The actor has no method "${error.method.slice(0, 200)}".`,
        {
          details: { method: error.method },
        },
      )
    case 'invalid-payload':
      return new PaddockError('actor.missing_input', `The payload was refused: ${error.message}`)
    case 'user':
      return new PaddockError('guest.error', `${error.code}: ${error.message}`, {
        remedy: 'The actor itself answered with this error.',
        details: { code: error.code, message: error.message, metadata: error.metadata },
      })
    case 'internal':
      return new PaddockError('guest.error', 'internal_error', {
        remedy: 'Look at the log of the module for the cause.',
        details: { code: 'internal_error' },
      })
  }
}
