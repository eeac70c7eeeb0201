import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { CronSource, parseCron } from './cron-source.ts'

const minuteMs = 60_000
const at = (text: string): number => Date.parse(text)

function next(expression: string, after: string, count = 1): string[] {
  const schedule = parseCron(expression)
  const found: string[] = []
  let time = at(after)
  for (let i = 0; i < count; i++) {
    time = schedule.nextAfter(time) ?? Number.NaN
    found.push(new Date(time).toISOString().slice(0, 16))
  }
  return found
}

describe('a schedule', () => {
  it.each([
    ['*/5 * * * *', '2026-01-01T00:01:00Z', ['2026-01-01T00:05', '2026-01-01T00:10']],
    ['0,30 9-10 * * *', '2026-01-01T09:10:00Z', ['2026-01-01T09:30', '2026-01-01T10:00', '2026-01-01T10:30']],
    ['0 0 * feb mon', '2026-01-01T00:00:00Z', ['2026-02-02T00:00', '2026-02-09T00:00']],
    ['0 12 * * 0', '2026-01-01T00:00:00Z', ['2026-01-04T12:00']],
    ['0 12 * * 7', '2026-01-01T00:00:00Z', ['2026-01-04T12:00']],
    // Both day fields restricted: either matches.
    ['0 0 13 * fri', '2026-01-01T00:00:00Z', ['2026-01-02T00:00', '2026-01-09T00:00', '2026-01-13T00:00']],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', ['2028-02-29T00:00']],
  ])('spec nexum-host 18 row 62: %s after %s', (expression, after, expected) => {
    expect(next(expression, after, expected.length)).toEqual(expected)
  })

  it('is in UTC whatever the machine', () => {
    expect(next('30 2 * * *', '2026-03-29T00:00:00Z', 2)).toEqual(['2026-03-29T02:30', '2026-03-30T02:30'])
  })

  it('may never come', () => {
    expect(parseCron('0 0 31 2 *').nextAfter(at('2026-01-01T00:00:00Z'))).toBe(null)
  })

  it.each([
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '@daily',
    '0 0 L * *',
    '0 0 * * mon#1',
    '? * * * *',
    'a b c d e',
  ])('%j is none', (expression) => {
    expect(() => parseCron(expression)).toThrow(
      expect.objectContaining({ code: 'manifest.bad_subscription' }),
    )
  })

  it('gives whole minutes that lie ahead and match', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 0, max: 23 }),
        fc.nat(2 ** 31),
        (m, h, seconds) => {
          const after = 1_700_000_000_000 + seconds * 1_000
          const found = parseCron(`${m} ${h} * * *`).nextAfter(after)!
          expect(found).toBeGreaterThan(after)
          expect(found - after).toBeLessThanOrEqual(24 * 60 * minuteMs)
          expect([new Date(found).getUTCMinutes(), new Date(found).getUTCHours(), found % minuteMs]).toEqual([
            m,
            h,
            0,
          ])
        },
      ),
    )
  })
})

describe('ticks', () => {
  it('come at their minute with the time of firing', () => {
    const clock = new ManualClock(at('2026-01-01T00:00:30Z'))
    const source = new CronSource(clock)
    const ticks: number[] = []
    const end = source.subscribe('*/2 * * * *', (time) => void ticks.push(time))
    clock.advance(5 * minuteMs)
    expect(ticks).toEqual([at('2026-01-01T00:02:00Z'), at('2026-01-01T00:04:00Z')])
    end()
    clock.advance(10 * minuteMs)
    expect(ticks).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  it('spec nexum-host 18 row 62: are dropped while one is pending', async () => {
    const clock = new ManualClock(at('2026-01-01T00:00:30Z'))
    const source = new CronSource(clock)
    let finish: () => void = () => undefined
    let ticks = 0
    let dropped = 0
    const listener = (): Promise<void> => {
      ticks++
      return new Promise((resolve) => (finish = resolve))
    }
    source.subscribe('* * * * *', listener, () => dropped++)
    clock.advance(3 * minuteMs)
    expect([ticks, dropped]).toEqual([1, 2])
    finish()
    await Promise.resolve()
    await Promise.resolve()
    clock.advance(minuteMs)
    expect([ticks, dropped]).toEqual([2, 2])
    source.dispose()
    expect(clock.pending).toBe(0)
  })

  it('go on after a listener that failed', async () => {
    const clock = new ManualClock(at('2026-01-01T00:00:30Z'))
    const source = new CronSource(clock)
    let ticks = 0
    source.subscribe('* * * * *', async () => {
      ticks++
      throw new Error('mine')
    })
    clock.advance(minuteMs)
    await new Promise(setImmediate)
    clock.advance(minuteMs)
    expect(ticks).toBe(2)
    source.dispose()
  })

  it('missed while the machine slept are not replayed', () => {
    const clock = new SleepingClock(at('2026-01-01T00:00:30Z'))
    const source = new CronSource(clock)
    const ticks: number[] = []
    source.subscribe('*/10 * * * *', (time) => void ticks.push(time))
    clock.advance(9 * minuteMs)
    clock.sleep(60 * minuteMs)
    clock.advance(minuteMs)
    expect(ticks).toEqual([])
    clock.advance(10 * minuteMs)
    expect(ticks).toEqual([at('2026-01-01T01:20:00Z')])
    source.dispose()
  })
})

/** A clock whose wall time can jump over its timers. */
class SleepingClock extends ManualClock {
  private sleptMs = 0

  sleep(ms: number): void {
    this.sleptMs += ms
  }

  override now(): number {
    return super.now() + this.sleptMs
  }
}
