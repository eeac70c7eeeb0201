import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import { SingleFlight } from './single-flight.ts'

const here = new AbortController().signal

function work<T>(): { promise: Promise<T>; end: (value: T) => void; fail: (error: Error) => void } {
  let [end, fail] = [(_value: T): void => undefined, (_error: Error): void => undefined]
  const promise = new Promise<T>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  return { promise, end, fail }
}

describe('spec tools 9: single flight', () => {
  it('does the work once for all, and lets the first leave', async () => {
    const flights = new SingleFlight<number>(new ManualClock(), () => true)
    const { promise, end } = work<number>()
    let begun = 0
    const begin = (): Promise<number> => {
      begun += 1
      return promise
    }
    const leave = new AbortController()
    const first = flights.join('a', begin, leave.signal)
    const others = [flights.join('a', begin, here), flights.join('a', begin, here)]
    leave.abort()
    await expect(first).rejects.toMatchObject({ code: 'sandbox.cancelled' })
    end(5)
    expect(await Promise.all(others)).toEqual([5, 5])
    expect([begun, flights.size]).toEqual([1, 0])
  })

  it('finishes with nobody left', async () => {
    const flights = new SingleFlight<number>(new ManualClock(), () => true)
    const { promise, end } = work<number>()
    let ended = false
    const leave = new AbortController()
    const only = flights.join('a', () => promise.then((value) => ((ended = true), value)), leave.signal)
    leave.abort()
    await expect(only).rejects.toMatchObject({ code: 'sandbox.cancelled' })
    end(1)
    await promise
    await Promise.resolve()
    expect(ended).toBe(true)
  })

  it('fails all who joined, and remembers for 5 s what would fail again', async () => {
    const clock = new ManualClock()
    const flights = new SingleFlight<number>(clock, ({ code }) => code === 'tool.invalid_schema')
    let begun = 0
    const failing = (code: 'tool.invalid_schema' | 'gate.busy') => (): Promise<number> => {
      begun += 1
      return Promise.reject(new PaddockError(code, 'no'))
    }
    const both = await Promise.allSettled([
      flights.join('a', failing('tool.invalid_schema'), here),
      flights.join('a', failing('tool.invalid_schema'), here),
    ])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    clock.advance(4_999)
    await expect(flights.join('a', failing('tool.invalid_schema'), here)).rejects.toMatchObject({
      code: 'tool.invalid_schema',
    })
    expect(begun).toBe(1)
    clock.advance(1)
    await expect(flights.join('a', failing('gate.busy'), here)).rejects.toMatchObject({ code: 'gate.busy' })
    await expect(flights.join('a', failing('gate.busy'), here)).rejects.toMatchObject({ code: 'gate.busy' })
    expect(begun).toBe(3)
  })
})
