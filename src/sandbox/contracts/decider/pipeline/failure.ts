/** The ways a command ends without events (spec decider 9). */
import { errorCodes, toErrorReport, type ErrorCode } from '../../../../shared/errors.ts'
import {
  hostDomain,
  type DeciderFailure,
  type DomainError,
  type ExecutionStats,
  type GuestPhase,
  type NotDecided,
} from '../../../../shared/contracts/decider.ts'
import { GuestTrap } from '../guest/trap.ts'
import type { DeciderEnvironment } from './environment.ts'

export interface FailureOptions {
  readonly outcome?: 'rejected' | 'faulted'
  readonly retry?: DeciderFailure['retry']
  readonly phase?: GuestPhase
  readonly reason?: DomainError
  readonly details?: Readonly<Record<string, unknown>>
}

/** Ends a command; its answer follows from it. */
export class CommandFailure extends Error {
  readonly code: ErrorCode
  readonly options: FailureOptions

  constructor(code: ErrorCode, message: string, options: FailureOptions = {}) {
    super(message)
    this.name = 'CommandFailure'
    this.code = code
    this.options = options
  }
}

/** What the guest broke; `rule` is its stable name. */
export function contractViolation(rule: string, message: string, phase: GuestPhase): CommandFailure {
  return new CommandFailure('decider.contract_violation', message, { phase, details: { rule } })
}

const retried: ReadonlySet<ErrorCode> = new Set([
  'store.busy',
  'store.full',
  'store.io',
  'store.unavailable',
  'sandbox.deadline',
] satisfies ErrorCode[])

/** Anything thrown while a command was carried out, as its answer. */
export function failureAnswer(
  environment: Pick<DeciderEnvironment, 'descriptor'>,
  command: { readonly type: string; readonly streamId: string | null },
  thrown: unknown,
  stats: ExecutionStats,
): NotDecided {
  const failure = failureOf(thrown)
  const { name, version } = environment.descriptor
  const { outcome = 'faulted', phase, reason, details } = failure.options
  return {
    outcome,
    failure: {
      error: {
        code: failure.code,
        message: failure.message,
        remedy: errorCodes[failure.code],
        ...(details === undefined ? {} : { details }),
      },
      domain: reason === undefined ? hostDomain : name,
      retry: failure.options.retry ?? (retried.has(failure.code) ? 'yes' : 'no'),
      module: name,
      version,
      commandType: command.type,
      ...(command.streamId === null ? {} : { streamId: command.streamId }),
      ...(phase === undefined ? {} : { phase }),
      ...(reason === undefined ? {} : { reason }),
    },
    stats,
  }
}

function failureOf(thrown: unknown): CommandFailure {
  if (thrown instanceof CommandFailure) return thrown
  if (thrown instanceof GuestTrap) {
    const { code, message, details } = thrown.report
    return new CommandFailure(code, message, {
      phase: thrown.phase,
      ...(details === undefined ? {} : { details }),
    })
  }
  const typed = toErrorReport(thrown)
  return new CommandFailure(typed.code, typed.message, {
    ...(typed.details === undefined ? {} : { details: typed.details }),
  })
}
