import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { PaddockError, type ErrorCode } from '../../shared/errors.ts'
import { rememberFailureMs, SharedWork } from './shared-work.ts'

function setUp(): {
  clock: ManualClock
  tries: () => number
  attempt: (key: string, code: ErrorCode | null) => Promise<string>
} {
  const clock = new ManualClock()
  const shared = new SharedWork<string, never>({
    clock,
    remembers: (error) => error.code === 'compiler.failed',
  })
  let tries = 0
  return {
    clock,
    tries: () => tries,
    attempt: (key, code) =>
      shared.join(
        key,
        () => {
          tries += 1
          return code === null ? Promise.resolve('made') : Promise.reject(new PaddockError(code, 'x'))
        },
        () => undefined,
      ),
  }
}

describe('work that failed', () => {
  it('is not tried again for 5 s, then it is', async () => {
    const { clock, tries, attempt } = setUp()
    await expect(attempt('a', 'compiler.failed')).rejects.toMatchObject({ code: 'compiler.failed' })
    clock.advance(rememberFailureMs - 1)
    await expect(attempt('a', null)).rejects.toMatchObject({ code: 'compiler.failed' })
    expect(tries()).toBe(1)
    clock.advance(1)
    await expect(attempt('a', null)).resolves.toBe('made')
    expect(tries()).toBe(2)
  })

  it('says nothing of other work, nor of failures that may pass', async () => {
    const { tries, attempt } = setUp()
    await expect(attempt('a', 'compiler.failed')).rejects.toThrow()
    await expect(attempt('b', null)).resolves.toBe('made')
    await expect(attempt('c', 'compiler.cache_unwritable')).rejects.toThrow()
    await expect(attempt('c', null)).resolves.toBe('made')
    expect(tries()).toBe(4)
  })

  it('fails for all who joined it, once', async () => {
    const { tries, attempt } = setUp()
    const outcomes = await Promise.allSettled([
      attempt('a', 'compiler.failed'),
      attempt('a', null),
      attempt('a', null),
    ])
    expect([tries(), outcomes.map(({ status }) => status)]).toEqual([1, ['rejected', 'rejected', 'rejected']])
  })
})
