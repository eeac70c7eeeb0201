import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { RateWindows } from './rate-windows.ts'

describe('spec tools 14 rate: windows', () => {
  const rate = { perMinute: 60, perHour: 100 }

  it('refuses the 61st request in a minute, tells the seconds to wait, and leaves other tools alone', () => {
    const clock = new ManualClock()
    const windows = new RateWindows(clock)
    for (let count = 0; count < 60; count++) expect(windows.take('a', rate).ok).toBe(true)
    const refused = windows.take('a', rate)
    expect(refused).toMatchObject({ ok: false })
    expect(windows.take('b', rate).ok).toBe(true)
    if (refused.ok) expect.fail('it was let through')
    expect(refused.waitSeconds).toBeGreaterThanOrEqual(60)
    expect(refused.waitSeconds).toBeLessThanOrEqual(61)
    clock.advance((refused.waitSeconds - 2) * 1_000)
    expect(windows.take('a', rate).ok).toBe(false)
    clock.advance(2_000)
    expect(windows.take('a', rate).ok).toBe(true)
  })

  it('counts the hour for itself, and takes back what was refused later', () => {
    const clock = new ManualClock()
    const windows = new RateWindows(clock)
    for (let count = 0; count < 100; count++) {
      clock.advance(1_100)
      expect(windows.take('a', rate).ok, String(count)).toBe(true)
    }
    clock.advance(60_000)
    expect(windows.take('a', rate)).toMatchObject({ ok: false })
    clock.advance(3_600_000)
    for (let count = 0; count < 500; count++) {
      const taken = windows.take('a', rate)
      if (!taken.ok) expect.fail('a refused request was counted')
      taken.refund()
      taken.refund()
    }
  })
})
