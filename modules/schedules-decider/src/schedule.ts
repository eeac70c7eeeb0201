// What is known of one schedule, and how each event changes it. Every change makes a new state.
import { whole, type Json } from 'paddock:decider'

interface Beat {
  readonly everyMs: number
  readonly nextAtMs: number
  /** Occurrences so far. */
  readonly count: number
  /** How many there will be, null for no end. */
  readonly occurrences: number | null
}

export type Schedule =
  | { readonly status: 'none' }
  | ({ readonly status: 'active' | 'paused' } & Beat)
  | { readonly status: 'completed'; readonly count: number }
  | { readonly status: 'deleted' }

export const initialSchedule: Schedule = { status: 'none' }

function beating(schedule: Schedule): { readonly status: 'active' | 'paused' } & Beat {
  if (schedule.status !== 'active' && schedule.status !== 'paused') {
    throw new Error(`An event of a running schedule follows on "${schedule.status}".`)
  }
  return schedule
}

export function created(_schedule: Schedule, data: Json): Schedule {
  const occurrences = (data as { readonly occurrences?: number | null }).occurrences ?? null
  return {
    status: 'active',
    everyMs: whole(data, 'everyMs', 1),
    nextAtMs: whole(data, 'firstAtMs'),
    count: 0,
    occurrences,
  }
}

export function paused(schedule: Schedule): Schedule {
  return { ...beating(schedule), status: 'paused' }
}

export function resumed(schedule: Schedule, data: Json): Schedule {
  return { ...beating(schedule), status: 'active', nextAtMs: whole(data, 'nextAtMs') }
}

export function occurred(schedule: Schedule, data: Json): Schedule {
  const before = beating(schedule)
  const count = whole(data, 'number', 1)
  if ((data as { readonly isLast?: boolean }).isLast === true) return { status: 'completed', count }
  return { ...before, count, nextAtMs: before.nextAtMs + before.everyMs }
}

export function deleted(): Schedule {
  return { status: 'deleted' }
}
