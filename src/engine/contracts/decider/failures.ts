/** Ends of a command that the engine itself decides (spec decider 9). */
import { hostDomain, type DeciderFailure, type NotDecided } from '../../../shared/contracts/decider.ts'
import { toErrorReport, type ErrorCode } from '../../../shared/errors.ts'

const outcomes: Partial<Record<ErrorCode, NotDecided['outcome']>> = {
  'decider.overloaded': 'shed',
  'decider.principal_missing': 'denied',
  'decider.principal_refused': 'denied',
}

const retries: Partial<Record<ErrorCode, DeciderFailure['retry']>> = {
  'decider.overloaded': 'after-backoff',
  'decider.unroutable': 'after-activation',
  'decider.principal_missing': 'other-credentials',
  'decider.principal_refused': 'other-credentials',
  'store.unavailable': 'yes',
  'sandbox.deadline': 'yes',
  'sandbox.exited': 'yes',
  'module.not_running': 'yes',
}

/** Whatever ended the command before a guest answered. */
export function engineFailure(
  thrown: unknown,
  about: { readonly module?: string; readonly version?: string; readonly commandType?: string } = {},
): NotDecided {
  const error = toErrorReport(thrown)
  return {
    outcome: outcomes[error.code] ?? 'faulted',
    failure: { error, domain: hostDomain, retry: retries[error.code] ?? 'no', ...about },
    stats: null,
  }
}
