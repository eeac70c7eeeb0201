/** Write guards: what a command declared and what its caller expects, made into what the append checks (spec decider 5). */

/** As the contract's `write-precondition` names them. */
export const writePreconditions = ['stream-unchanged', 'no-stream', 'stream-exists', 'any'] as const
export type WritePrecondition = (typeof writePreconditions)[number]

/** What must hold of the stream when the append begins. `at` with a revision of at least 1. */
export type Guard =
  | { readonly kind: 'any' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'none' }
  | { readonly kind: 'at'; readonly revision: number }

/** Why a guard does not hold. */
export type ConflictReason = 'stream_moved' | 'stream_exists' | 'stream_missing'

export type GuardPlan =
  /** Append under this guard. */
  | { readonly kind: 'guard'; readonly guard: Guard }
  /** Read the stream first, then resolve again with what was observed. */
  | { readonly kind: 'read' }
  /** No retry can ever fulfil it: `decider.precondition_unsatisfiable`. */
  | { readonly kind: 'unsatisfiable'; readonly rule: string }
  /** The expected revision is past: `decider.conflict` before anything runs. */
  | { readonly kind: 'conflict'; readonly reason: ConflictReason; readonly head: number }

/**
 * The guard of one append, by the table of spec decider 5. `observed` is the stream's head when it was read, 0 for
 * no stream, and null before the read: then only what needs no reading is resolved. `expected` is the caller's
 * revision, at least 1, or null. A caller only ever narrows what was declared. Pure.
 */
export function resolveGuard(
  declared: WritePrecondition,
  expected: number | null,
  observed: number | null,
): GuardPlan {
  if (declared === 'no-stream') {
    return expected === null
      ? { kind: 'guard', guard: { kind: 'none' } }
      : { kind: 'unsatisfiable', rule: 'a command that creates its stream cannot expect a revision' }
  }
  if (observed === null) return { kind: 'read' }
  if (expected !== null) return narrowed(expected, observed)
  switch (declared) {
    case 'stream-unchanged':
      return { kind: 'guard', guard: observed === 0 ? { kind: 'none' } : { kind: 'at', revision: observed } }
    case 'stream-exists':
      return { kind: 'guard', guard: { kind: 'exists' } }
    case 'any':
      return { kind: 'guard', guard: { kind: 'any' } }
  }
}

function narrowed(expected: number, observed: number): GuardPlan {
  if (observed === 0) {
    return { kind: 'unsatisfiable', rule: `revision ${expected} is expected, but there is no such stream` }
  }
  if (expected > observed) {
    return {
      kind: 'unsatisfiable',
      rule: `revision ${expected} is expected, but the stream is at ${observed}`,
    }
  }
  if (expected < observed) return { kind: 'conflict', reason: 'stream_moved', head: observed }
  return { kind: 'guard', guard: { kind: 'at', revision: expected } }
}

/** Whether a guard holds of a stream whose head is `head` (0 for no stream); null when it does. Pure. */
export function checkGuard(guard: Guard, head: number): ConflictReason | null {
  switch (guard.kind) {
    case 'any':
      return null
    case 'exists':
      return head > 0 ? null : 'stream_missing'
    case 'none':
      return head === 0 ? null : 'stream_exists'
    case 'at':
      if (head === guard.revision) return null
      return head === 0 ? 'stream_missing' : 'stream_moved'
  }
}
