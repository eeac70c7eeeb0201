// Schedules as an event-sourced decision: nothing here knows the time; whoever sends a command says when.
import { command, decider, optional, reject, text, whole } from 'paddock:decider'
import { created, deleted, initialSchedule, occurred, paused, resumed, type Schedule } from './schedule.ts'

const shortestMs = 60_000
const streamOf = ({ id }: { readonly id: string }): string => `schedule-${id}`

function active(schedule: Schedule): Extract<Schedule, { status: 'active' | 'paused' }> {
  if (schedule.status === 'none') reject('schedule.unknown', 'There is no such schedule.')
  if (schedule.status === 'deleted') reject('schedule.deleted', 'The schedule was deleted.')
  if (schedule.status === 'completed')
    reject('schedule.completed', 'The schedule has had its last occurrence.')
  return schedule
}

export const handler = decider<Schedule>({
  name: 'examples.schedules',
  version: '0.1.0',
  initial: initialSchedule,
  events: {
    'examples.schedules.Created': created,
    'examples.schedules.Paused': paused,
    'examples.schedules.Resumed': resumed,
    'examples.schedules.Occurred': occurred,
    'examples.schedules.Deleted': deleted,
  },
  commands: {
    'examples.schedules.Create': command({
      // Not `no-stream`: then the caller would get a conflict instead of the reasons below.
      read: (payload) => ({
        id: text(payload, 'id'),
        everyMs: whole(payload, 'everyMs', 1),
        firstAtMs: whole(payload, 'firstAtMs'),
        occurrences: optional(payload, 'occurrences', (each, field) => whole(each, field, 1)),
      }),
      stream: streamOf,
      decide(schedule, { everyMs, firstAtMs, occurrences }) {
        if (schedule.status === 'deleted') {
          reject('schedule.deleted', 'The schedule was deleted; its id is not used again.')
        }
        if (schedule.status !== 'none') reject('schedule.exists', 'There is such a schedule already.')
        if (everyMs < shortestMs) {
          reject('schedule.too_often', 'A schedule runs once a minute at most.', {
            everyMs: String(everyMs),
            shortestMs: String(shortestMs),
          })
        }
        return [
          {
            type: 'examples.schedules.Created',
            data: { everyMs, firstAtMs, occurrences: occurrences ?? null },
          },
        ]
      },
    }),
    'examples.schedules.Pause': command({
      read: (payload) => ({ id: text(payload, 'id'), reason: optional(payload, 'reason', text) }),
      stream: streamOf,
      decide(schedule, { reason }) {
        if (active(schedule).status === 'paused') reject('schedule.paused', 'The schedule is paused already.')
        return [{ type: 'examples.schedules.Paused', data: { reason: reason ?? null } }]
      },
    }),
    'examples.schedules.Resume': command({
      read: (payload) => ({ id: text(payload, 'id'), nowMs: whole(payload, 'nowMs') }),
      stream: streamOf,
      decide(schedule, { nowMs }) {
        const { status, everyMs, nextAtMs } = active(schedule)
        if (status !== 'paused') reject('schedule.running', 'The schedule is not paused.')
        // What fell into the pause is left out: the next occurrence is the first one after now, on the same beat.
        const missed = nowMs <= nextAtMs ? 0 : Math.ceil((nowMs - nextAtMs) / everyMs)
        return [
          { type: 'examples.schedules.Resumed', data: { nextAtMs: nextAtMs + missed * everyMs, missed } },
        ]
      },
    }),
    'examples.schedules.RecordOccurrence': command({
      snapshotEvery: 50,
      read: (payload) => ({ id: text(payload, 'id'), atMs: whole(payload, 'atMs') }),
      stream: streamOf,
      decide(schedule, { atMs }) {
        const { status, nextAtMs, count, occurrences } = active(schedule)
        if (status === 'paused') reject('schedule.paused', 'A paused schedule has no occurrences.')
        if (atMs < nextAtMs) {
          reject('schedule.too_early', 'The next occurrence is not due yet.', { nextAtMs: String(nextAtMs) })
        }
        const number = count + 1
        const isLast = occurrences !== null && number >= occurrences
        return [{ type: 'examples.schedules.Occurred', data: { number, atMs, isLast } }]
      },
    }),
    'examples.schedules.Delete': command({
      precondition: 'stream-exists',
      read: (payload) => ({ id: text(payload, 'id') }),
      stream: streamOf,
      decide(schedule) {
        if (schedule.status === 'deleted') reject('schedule.deleted', 'The schedule was deleted already.')
        return [{ type: 'examples.schedules.Deleted', data: {} }]
      },
    }),
  },
})
