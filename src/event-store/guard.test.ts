import { describe, expect, it } from 'vitest'
import { checkGuard, resolveGuard, writePreconditions, type WritePrecondition } from './guard.ts'

const at = (revision: number) => ({ kind: 'guard', guard: { kind: 'at', revision } })
const guard = (kind: string) => ({ kind: 'guard', guard: { kind } })

describe('spec decider 5: write guards', () => {
  it.each<[WritePrecondition, number | null, number, unknown]>([
    ['stream-unchanged', null, 0, guard('none')],
    ['stream-unchanged', null, 4, at(4)],
    ['no-stream', null, 0, guard('none')],
    ['stream-exists', null, 0, guard('exists')],
    ['stream-exists', null, 4, guard('exists')],
    ['any', null, 0, guard('any')],
    ['any', null, 4, guard('any')],
    ['stream-unchanged', 4, 4, at(4)],
    ['stream-exists', 4, 4, at(4)],
    ['any', 4, 4, at(4)],
  ])('%s, expecting %s, at %s', (declared, expected, observed, plan) => {
    expect(resolveGuard(declared, expected, observed)).toEqual(plan)
  })

  it.each(['stream-unchanged', 'stream-exists', 'any'] as const)(
    '%s: an expected revision narrows',
    (declared) => {
      expect(resolveGuard(declared, 5, 4)).toMatchObject({ kind: 'unsatisfiable' })
      expect(resolveGuard(declared, 1, 0)).toMatchObject({ kind: 'unsatisfiable' })
      expect(resolveGuard(declared, 3, 4)).toEqual({ kind: 'conflict', reason: 'stream_moved', head: 4 })
      expect(resolveGuard(declared, 3, null)).toEqual({ kind: 'read' })
      expect(resolveGuard(declared, null, null)).toEqual({ kind: 'read' })
    },
  )

  it('no-stream never reads, and cannot expect a revision', () => {
    expect(resolveGuard('no-stream', null, null)).toEqual(guard('none'))
    for (const observed of [null, 0, 1, 7]) {
      expect(resolveGuard('no-stream', 1, observed)).toMatchObject({ kind: 'unsatisfiable' })
    }
  })

  it('what was planned holds as long as the stream has not moved', () => {
    for (const declared of writePreconditions) {
      for (let observed = 0; observed < 4; observed += 1) {
        for (const expected of [null, 1, 2, 3, 4]) {
          const plan = resolveGuard(declared, expected, observed)
          if (plan.kind !== 'guard') continue
          const wanted =
            declared === 'no-stream' ? observed === 0 : declared !== 'stream-exists' || observed > 0
          expect(checkGuard(plan.guard, observed) === null).toBe(wanted)
        }
      }
    }
  })
})
