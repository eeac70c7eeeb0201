import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JobStates, shownState, type JobState } from './job-state.ts'

const all: readonly JobState[] = [
  'reserved',
  'queued',
  'preparing',
  'running',
  'stopping',
  'settling',
  'deferred',
  'settled',
]

describe('spec tools 10: states of a call', () => {
  it('goes through preparation, execution, a stop and settlement', () => {
    const seen: JobState[] = []
    const states = new JobStates((state) => seen.push(state))
    const path: JobState[] = [
      'queued',
      'preparing',
      'queued',
      'running',
      'stopping',
      'settling',
      'deferred',
      'settled',
    ]
    for (const state of path) states.to(state)
    expect(seen).toEqual(path)
    expect(states.isAnswered).toBe(true)
  })

  it('enters settled exactly once, whatever is tried in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...all), { maxLength: 40 }), (tries) => {
        let settled = 0
        const states = new JobStates((state) => (settled += state === 'settled' ? 1 : 0))
        for (const state of tries) {
          try {
            states.to(state)
          } catch (error) {
            expect(error).toMatchObject({ code: 'internal.bug' })
          }
        }
        expect(settled).toBe(states.state === 'settled' ? 1 : 0)
      }),
    )
  })

  it('lets no guest act once it settles', () => {
    const states = new JobStates(() => undefined)
    for (const state of ['queued', 'running', 'settling'] as const) states.to(state)
    expect(states.isActing).toBe(false)
    expect(() => states.to('running')).toThrow(expect.objectContaining({ code: 'internal.bug' }))
  })

  it('shows a deferred call as settled', () => {
    expect(all.map(shownState).filter((state) => state === 'settled')).toHaveLength(2)
  })
})
