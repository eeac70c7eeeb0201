import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { Counter } from './counter.ts'

const turn = () => Promise.resolve()

describe('spec actors-sql 20: counters', () => {
  it('waits for zero that was there before, comes while subscribing, or comes after', async () => {
    const clock = new ManualClock()
    const counter = new Counter()
    expect(await counter.waitZero(clock.monotonicMs() - 1, clock)).toBe(true)
    const release = counter.guard()
    const waiting = counter.waitZero(clock.monotonicMs() + 1_000, clock)
    release()
    expect(await waiting).toBe(true)
    const again = counter.guard()
    const late = counter.waitZero(clock.monotonicMs() + 1_000, clock)
    await turn()
    again()
    expect(await late).toBe(true)
    expect([counter.observed, clock.pending]).toEqual([0, 0])
  })

  it('gives up at the deadline, and not before', async () => {
    const clock = new ManualClock()
    const counter = new Counter()
    counter.increment()
    const waiting = counter.waitZero(clock.monotonicMs() + 1_000, clock)
    let answer: boolean | undefined
    void waiting.then((zero) => {
      answer = zero
    })
    clock.advance(999)
    for (let i = 0; i < 5; i += 1) await turn()
    expect(answer).toBeUndefined()
    clock.advance(1)
    expect(await waiting).toBe(false)
    expect(counter.observed).toBe(0)
  })

  it('stays at zero when it is counted down below, and says so', () => {
    const counter = new Counter()
    expect(() => counter.decrement()).toThrow(expect.objectContaining({ code: 'internal.bug' }))
    expect(counter.value).toBe(0)
  })

  it('spec actors-sql 20: accounting: a guard counts down once, and tells of a second use', () => {
    const counter = new Counter()
    let twice = 0
    const release = counter.guard(() => {
      twice += 1
    })
    release()
    release()
    expect([counter.value, twice]).toEqual([0, 1])
  })

  it('prunes observers with every change, and goes on past one that throws', () => {
    const faults: unknown[] = []
    const counter = new Counter((error) => faults.push(error))
    const seen: number[] = []
    const stop = counter.observe(() => {
      throw new Error('mine')
    })
    counter.observe((value) => seen.push(value))
    counter.increment()
    expect([faults.length, seen]).toEqual([1, [1]])
    stop()
    counter.increment()
    expect([counter.observed, seen]).toEqual([1, [1, 2]])
  })

  it('is right under 10,000 interleavings of counting and waiting', async () => {
    const steps = fc.array(fc.constantFrom('up', 'down', 'wait', 'turn'), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(steps, async (chosen) => {
        const clock = new ManualClock()
        const counter = new Counter()
        const guards: (() => void)[] = []
        const waits: Promise<boolean>[] = []
        for (const step of chosen) {
          if (step === 'up') guards.push(counter.guard())
          else if (step === 'down') guards.shift()?.()
          else if (step === 'wait') waits.push(counter.waitZero(clock.monotonicMs() + 10, clock))
          else await turn()
          expect(counter.value).toBe(guards.length)
        }
        for (const release of guards) release()
        expect(await Promise.all(waits)).toEqual(waits.map(() => true))
        expect([counter.value, counter.observed, clock.pending]).toEqual([0, 0, 0])
      }),
      { numRuns: 10_000 },
    )
  })
})
