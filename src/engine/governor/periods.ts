/** Where the windows of a period begin. */
import type { BudgetPeriod } from '../../shared/domain/budgets.ts'

/** Width of the slots in which a rolling day is kept: up to one slot more than 24 h counts, never less. */
export const slotMs = 600_000
const slotsOfRollingDay = 144
const dayMs = 86_400_000

/** Names the window a time falls into; later windows sort behind earlier ones. */
export type WindowOf = (now: number) => string

/**
 * The windows of a period in a time zone; null for `call`, whose use never adds up. Calendar boundaries of all zones
 * fall on whole minutes, so a window is worked out once a minute at most.
 */
export function windowsOf(period: BudgetPeriod, timeZone: string): WindowOf | null {
  switch (period) {
    case 'call':
      return null
    case 'rolling-24h':
      return slotOf
    case 'day':
      return onceAMinute(dateIn(timeZone))
    case 'week': {
      const date = dateIn(timeZone)
      return onceAMinute((now) => mondayOf(date(now)))
    }
    case 'month': {
      const date = dateIn(timeZone)
      return onceAMinute((now) => date(now).slice(0, 7))
    }
  }
}

/** The first slot that still counts at `now` towards the last 24 hours. */
export function oldestSlot(now: number): string {
  return slotOf(now - slotsOfRollingDay * slotMs)
}

function slotOf(now: number): string {
  return String(Math.floor(now / slotMs)).padStart(12, '0')
}

/** `2026-11-21` as the calendar of the zone has it. */
function dateIn(timeZone: string): WindowOf {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  })
  return (now) => {
    const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]))
    return `${parts.get('year') ?? ''}-${parts.get('month') ?? ''}-${parts.get('day') ?? ''}`
  }
}

function mondayOf(date: string): string {
  const midnight = Date.parse(`${date}T00:00:00Z`)
  const sinceMonday = (new Date(midnight).getUTCDay() + 6) % 7
  return new Date(midnight - sinceMonday * dayMs).toISOString().slice(0, 10)
}

function onceAMinute(windowOf: WindowOf): WindowOf {
  let minute = Number.NaN
  let window = ''
  return (now) => {
    const current = Math.floor(now / 60_000)
    if (current !== minute) {
      minute = current
      window = windowOf(now)
    }
    return window
  }
}
