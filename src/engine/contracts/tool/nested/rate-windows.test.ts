import { expect, it } from 'vitest'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { RateWindows } from './rate-windows.ts'

it('spec tools 3: bounds a minute and an hour, and what is refused does not count', () => {
  const clock = new ManualClock()
  const windows = new RateWindows(clock, { perMinute: 3, perHour: 5 })
  expect([1, 2, 3, 4].map(() => windows.take())).toEqual([true, true, true, false])
  clock.advance(61_000)
  expect([1, 2, 3].map(() => windows.take())).toEqual([true, true, false])
  clock.advance(3_660_000)
  expect(windows.take()).toBe(true)
})
