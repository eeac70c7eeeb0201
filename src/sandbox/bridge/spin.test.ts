import { describe, expect, it } from 'vitest'
import { AdaptiveSpin } from './spin.ts'

/** Answers false `misses` times, then true; counts how often it was asked. */
function source(misses: number): { arrived: () => boolean; asked: () => number } {
  let asked = 0
  return {
    arrived: () => {
      asked += 1
      return asked > misses
    },
    asked: () => asked,
  }
}

describe('adaptive spin', () => {
  it('takes what has arrived without looking twice', () => {
    const { arrived, asked } = source(0)
    expect(new AdaptiveSpin(50).look(arrived)).toBe(true)
    expect(asked()).toBe(1)
  })

  it('looks again and again within its budget', () => {
    const { arrived } = source(20)
    expect(new AdaptiveSpin(1_000).look(arrived)).toBe(true)
  })

  it('rests twice as long after each look in vain', () => {
    const spin = new AdaptiveSpin(0)
    const rests: number[] = []
    let since = 0
    for (let wait = 0; wait < 70; wait += 1) {
      let asked = 0
      spin.look(() => {
        asked += 1
        return false
      })
      // Resting, it asks once and does not look.
      if (asked === 1) {
        since += 1
        continue
      }
      rests.push(since)
      since = 0
    }
    expect(rests).toEqual([0, 1, 2, 4, 8, 16, 32])
  })

  it('looks at most about once in sixty-four waits where it never pays', () => {
    const spin = new AdaptiveSpin(0)
    let looks = 0
    for (let wait = 0; wait < 100_000; wait += 1) {
      let asked = 0
      spin.look(() => {
        asked += 1
        return false
      })
      if (asked > 1) looks += 1
    }
    expect(looks).toBeGreaterThan(1_400)
    expect(looks).toBeLessThan(1_700)
  })
})
