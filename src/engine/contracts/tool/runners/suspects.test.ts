import { expect, it } from 'vitest'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { Suspects } from './suspects.ts'

it('spec tools 9: quarantines who was alone in the second of two processes that died within a minute', () => {
  const clock = new ManualClock()
  const suspects = new Suspects(clock)
  expect(suspects.processDied(['a', 'b'])).toBeNull()
  expect([suspects.isSuspected('a'), suspects.isSuspected('b'), suspects.isSuspected('c')]).toEqual([
    true,
    true,
    false,
  ])
  expect(suspects.processDied(['a', 'b'])).toBeNull()
  clock.advance(59_999)
  expect(suspects.processDied(['a'])).toBe('a')
  expect([suspects.isQuarantined('a'), suspects.isQuarantined('b')]).toEqual([true, false])
  suspects.release('a')
  expect([suspects.isQuarantined('a'), suspects.isSuspected('a')]).toEqual([false, false])
})

it('forgets a death after a minute', () => {
  const clock = new ManualClock()
  const suspects = new Suspects(clock)
  suspects.processDied(['a'])
  clock.advance(60_000)
  expect(suspects.isSuspected('a')).toBe(false)
  expect(suspects.processDied(['a'])).toBeNull()
})
