/**
 * Every way a call of an actor or its database can fail (spec actors-sql 14): the one list, read by programs and tests.
 * A test holds that each code is raised somewhere and that no other is.
 */

/**
 * When the same request may be made again: `never`; `safe` at once or after a pause, since nothing was executed or
 * applied; `after-wake` and `after-restart` on the next generation; `idempotent-only`, since it may have been applied.
 */
export type RetryClass = 'never' | 'safe' | 'after-wake' | 'after-restart' | 'idempotent-only'

export interface ActorErrorEntry {
  /** The case of `sql-error` a guest sees; for `transaction` with the inner case; null where guests never see it. */
  readonly witCase: string | null
  readonly retry: RetryClass
  /** Who raises it: the database side (guest thread, owner) or the control side (engine, command). */
  readonly side: 'database' | 'control'
  /** What the operator can do. */
  readonly remedy: string
}

function entry(
  witCase: string | null,
  retry: RetryClass,
  side: ActorErrorEntry['side'],
  remedy: string,
): ActorErrorEntry {
  return { witCase, retry, side, remedy }
}

export const actorErrors = {
  'sqlite.not_configured': entry(
    'not-configured',
    'never',
    'database',
    'Declare the database in the manifest of the module.',
  ),
  'sqlite.unavailable': entry(
    'unavailable',
    'never',
    'database',
    'This build has no SQL engine; install the dependencies again.',
  ),
  'sqlite.remote_unavailable': entry(
    'not-reached',
    'safe',
    'control',
    'Check the remote engine and its version, then try again.',
  ),
  'sqlite.closed': entry(
    'closed',
    'after-wake',
    'database',
    'Send the request again; the actor is woken by it.',
  ),
  'sqlite.remote_fence_mismatch': entry(
    'stale-generation',
    'never',
    'database',
    'Look the actor up again; another generation of it runs.',
  ),
  'sqlite.remote_indeterminate_result': entry(
    'indeterminate',
    'idempotent-only',
    'database',
    'Look whether it was applied before you send it again.',
  ),
  'sqlite.remote_execution_failed': entry(
    'execution-failed',
    'never',
    'database',
    'Correct the statement; the engine refused it.',
  ),
  'sqlite.invalid_bind_parameter': entry(
    'invalid-bind-parameter',
    'never',
    'database',
    'Give each parameter of the statement exactly once.',
  ),
  'sqlite.statement_count': entry(
    'statement-count',
    'never',
    'database',
    'Give one statement, or use a script.',
  ),
  'sqlite.limit_exceeded': entry('limit-exceeded', 'never', 'database', 'Send or ask for less at once.'),
  'sqlite.statement_refused': entry('refused', 'never', 'database', 'Leave out what the rule named forbids.'),
  'sqlite.constraint_violation': entry(
    'constraint',
    'never',
    'database',
    'Correct the values; a constraint of the table refused them.',
  ),
  'sqlite.quota_exceeded': entry(
    'quota-exceeded',
    'never',
    'database',
    'Delete rows, or raise the size limit of the database.',
  ),
  'sqlite.statement_timeout': entry(
    'timed-out',
    'safe',
    'database',
    'Make the statement cheaper; nothing of it was applied.',
  ),
  'sqlite.overloaded': entry('overloaded', 'safe', 'control', 'Try again in a moment; the queue is full.'),
  'sqlite.writer_busy': entry('busy', 'safe', 'database', 'Try again in a moment; nothing was executed.'),
  'sqlite.corrupt': entry(
    'corrupt',
    'never',
    'database',
    'The file was kept aside. Restore a backup, or destroy the actor.',
  ),
  'sqlite.transaction_unknown': entry(
    'transaction.none-open',
    'never',
    'database',
    'Begin a transaction first.',
  ),
  'sqlite.transaction_terminal': entry(
    'transaction.rolled-back-by-engine',
    'never',
    'database',
    'Begin the transaction again; the engine had rolled it back.',
  ),
  'sqlite.transaction_expired': entry(
    'transaction.expired',
    'never',
    'database',
    'Make the transaction shorter; it was rolled back.',
  ),
  'sqlite.transaction_connection_lost': entry(
    'transaction.lost',
    'never',
    'database',
    'Begin the transaction again; it was rolled back.',
  ),
  'wasm.invalid_config': entry(null, 'never', 'database', 'Correct the setting at the place named.'),
  'wasm.invalid_state': entry(null, 'never', 'database', 'Wait for the state named, then try again.'),
  'wasm.trap': entry(
    null,
    'after-restart',
    'control',
    'The module failed by its own fault; tell its author.',
  ),
  'actor.not_found': entry(null, 'never', 'control', 'Check the key; there is no such actor.'),
  'actor.not_registered': entry(null, 'never', 'control', 'Load the module that serves this actor first.'),
  'actor.starting': entry(null, 'safe', 'control', 'Try again in a moment; the actor starts.'),
  'actor.not_ready': entry(null, 'safe', 'control', 'Try again in a moment; the actor is being loaded.'),
  'actor.stopping': entry(null, 'safe', 'control', 'Try again in a moment; the actor stops.'),
  'actor.destroying': entry(null, 'never', 'control', 'Nothing to do: the actor is being destroyed.'),
  'actor.overloaded': entry(
    null,
    'safe',
    'control',
    'Try again in a moment; too many requests wait for this actor.',
  ),
  'actor.shutdown_timeout': entry(
    null,
    'safe',
    'control',
    'Nothing to do: the process of the actor was ended.',
  ),
  'actor.dropped_reply': entry(
    null,
    'idempotent-only',
    'control',
    'Look whether the request was served before you send it again.',
  ),
  'actor.host_lost': entry(
    null,
    'idempotent-only',
    'control',
    'Look whether the request was served before you send it again.',
  ),
  'actor.transaction_left_open': entry(
    null,
    'never',
    'database',
    'Tell the author: the method left a transaction open; it was rolled back.',
  ),
  'actor.invalid_operation': entry(null, 'never', 'database', 'Use a method of the actor.'),
  'actor.panicked': entry(null, 'after-restart', 'database', 'Look at the log of the actor for the cause.'),
  'actor.missing_input': entry(null, 'never', 'database', 'Send the payload that the method expects.'),
} as const satisfies Record<string, ActorErrorEntry>

export type ActorErrorCode = keyof typeof actorErrors

export function isActorErrorCode(text: string): text is ActorErrorCode {
  return Object.hasOwn(actorErrors, text)
}

/** Code and remedy of each, for the list of all errors of Paddock. */
export const actorErrorRemedies = Object.fromEntries(
  Object.entries(actorErrors).map(([code, { remedy }]) => [code, remedy]),
) as { readonly [Code in ActorErrorCode]: string }
