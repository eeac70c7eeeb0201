/** Failures of SQL calls: as the guest's variant, and as the typed error of everyone else (spec actors-sql 14). */
import type { ActorErrorCode } from '../../../../shared/contracts/actor-errors.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import { err, type Case } from '../../../binding/types.ts'
import type { SqlError } from '../interfaces.ts'

/** A failure that a call answers; the instance lives on. */
export class SqlFault extends Error {
  readonly error: SqlError

  constructor(error: SqlError) {
    super(error.tag)
    this.name = 'SqlFault'
    this.error = error
  }
}

/** What `action` answers, or its failure as the error side. Everything else it throws ends the instance. */
export function orFault<T>(action: () => T): T | Case<'err', SqlError> {
  try {
    return action()
  } catch (error) {
    if (error instanceof SqlFault) return err(error.error)
    throw error
  }
}

/** The stable code of a failure. */
export function codeOf(error: SqlError): ActorErrorCode {
  switch (error.tag) {
    case 'not-configured':
      return 'sqlite.not_configured'
    case 'unavailable':
      return 'sqlite.unavailable'
    case 'not-reached':
    case 'incompatible':
      return 'sqlite.remote_unavailable'
    case 'closed':
      return 'sqlite.closed'
    case 'stale-generation':
      return 'sqlite.remote_fence_mismatch'
    case 'indeterminate':
      return 'sqlite.remote_indeterminate_result'
    case 'overloaded':
      return 'sqlite.overloaded'
    case 'busy':
      return 'sqlite.writer_busy'
    case 'timed-out':
      return 'sqlite.statement_timeout'
    case 'invalid-bind-parameter':
      return 'sqlite.invalid_bind_parameter'
    case 'statement-count':
      return 'sqlite.statement_count'
    case 'limit-exceeded':
      return 'sqlite.limit_exceeded'
    case 'refused':
      return 'sqlite.statement_refused'
    case 'constraint':
      return 'sqlite.constraint_violation'
    case 'quota-exceeded':
      return 'sqlite.quota_exceeded'
    case 'execution-failed':
      return 'sqlite.remote_execution_failed'
    case 'corrupt':
      return 'sqlite.corrupt'
    case 'transaction':
      return transactionCode(error.val)
  }
}

function transactionCode(problem: Extract<SqlError, { tag: 'transaction' }>['val']): ActorErrorCode {
  switch (problem) {
    case 'none-open':
      return 'sqlite.transaction_unknown'
    case 'rolled-back-by-engine':
      return 'sqlite.transaction_terminal'
    case 'expired':
      return 'sqlite.transaction_expired'
    case 'lost':
      return 'sqlite.transaction_connection_lost'
  }
}

/** The failure as a typed error for everyone but the guest; facts in `details`. */
export function toPaddockError(error: SqlError): PaddockError {
  const details: Record<string, unknown> = { case: error.tag }
  if (typeof error.val === 'object') Object.assign(details, error.val)
  else if (error.val !== undefined) details['value'] = error.val
  return new PaddockError(codeOf(error), describe(error), { details })
}

function describe(error: SqlError): string {
  switch (error.tag) {
    case 'not-configured':
    case 'unavailable':
    case 'not-reached':
      return error.val
    case 'incompatible':
      return `The other side lacks ${error.val.feature}: it needs version ${error.val.requiredVersion} and has ${error.val.targetVersion}.`
    case 'closed':
      return 'The database of the actor is closed.'
    case 'stale-generation':
      return `Generation ${error.val.presented} was presented; the current one is ${error.val.current}.`
    case 'indeterminate':
      return `The outcome of ${error.val} is unknown.`
    case 'overloaded':
      return `The queue is full: ${error.val.waiting} of ${error.val.capacity} wait.`
    case 'busy':
      return `The database is busy: ${error.val}.`
    case 'timed-out':
      return `The budget of ${error.val} ms ran out.`
    case 'invalid-bind-parameter':
      return `Parameter ${error.val.parameter}: ${error.val.problem}.`
    case 'statement-count':
      return `One statement is wanted; the text has ${error.val}.`
    case 'limit-exceeded':
      return `${error.val.limit} is limited to ${error.val.maximum}; there are ${error.val.actual}.`
    case 'refused':
      return `Statement ${error.val.statementIndex} is refused by the rule ${error.val.rule}: ${error.val.subject}.`
    case 'constraint':
      return `A constraint (${error.val.kind}) is violated: ${error.val.message}.`
    case 'quota-exceeded':
      return `The database is limited to ${error.val.maximumPages} pages of ${error.val.pageSize} bytes.`
    case 'transaction':
      return `The transaction cannot go on: ${error.val}.`
    case 'execution-failed':
    case 'corrupt':
      return `The engine failed with code ${error.val.extendedCode}: ${error.val.message}.`
  }
}
