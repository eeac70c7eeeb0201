import type { ErrorCode } from '../shared/errors.ts'

/** 0: all went well. 1: a module failed. 2: bad usage or bad input (DESIGN.md "The command line"). */
export const exitCodes = { ok: 0, moduleFailed: 1, badInput: 2 } as const

const inputGroups: readonly string[] = ['bundle', 'manifest', 'component', 'usage', 'settings', 'state']

/** Whether an error is of what was given, rather than of how it ran. */
export function isBadInput(code: ErrorCode): boolean {
  return inputGroups.includes(code.split('.')[0] ?? '')
}
