import type { ErrorCode } from '../shared/errors.ts'

/** 0: all went well. 1: a module failed. 2: bad usage or bad input (DESIGN.md "The command line"). */
export const exitCodes = { ok: 0, moduleFailed: 1, badInput: 2 } as const

const inputGroups: readonly string[] = ['bundle', 'manifest', 'component', 'usage', 'settings', 'state']

/** What was named is not there or cannot be loaded, and commands that no decider could take (spec decider 9). */
const inputCodes: ReadonlySet<ErrorCode> = new Set([
  'stage.alone',
  'flow.unreadable',
  'flow.unknown',
  'flow.invalid',
  'flow.ambiguous',
  'flow.component',
  'flow.denied',
  'tool.unknown_operation',
  'secret.bad_name',
  'secret.bad_value',
  'secret.unknown',
  'decider.not_a_component',
  'decider.missing_export',
  'decider.unsupported_version',
  'decider.forbidden_import',
  'decider.invalid_descriptor',
  'decider.invalid_suite',
  'decider.descriptor_failed',
  'decider.identity_mismatch',
  'decider.duplicate_route',
  'decider.malformed_request',
  'decider.unroutable',
] satisfies ErrorCode[])

/** Whether an error is of what was given, rather than of how it ran. */
export function isBadInput(code: ErrorCode): boolean {
  return inputCodes.has(code) || inputGroups.includes(code.split('.')[0] ?? '')
}
