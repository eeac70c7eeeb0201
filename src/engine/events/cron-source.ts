import { Cron } from 'croner'
import { PaddockError } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import { cronFault } from '../modules/manifest/cron-schedule.ts'

/** A five-field schedule in UTC. */
export interface CronSchedule {
  /** The first minute after `afterMs` that matches, as Unix time in milliseconds; null when there is none. */
  nextAfter(afterMs: number): number | null
}

/**
 * Reads minute, hour, day of month, month and day of week; when both day fields are restricted either may match
 * (spec nexum-host 10.5). Throws PaddockError `manifest.bad_subscription`.
 */
export function parseCron(expression: string): CronSchedule {
  const text = expression.trim()
  // The library knows more (seconds, nicknames, "L", "#"); a module that used it would run nowhere else.
  const fault = cronFault(text)
  if (fault !== null) throw badSchedule(expression, fault)
  try {
    const cron = new Cron(text, { mode: '5-part', timezone: 'UTC', paused: true, domAndDow: false })
    return { nextAfter: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() ?? null }
  } catch (cause) {
    throw badSchedule(expression, 'cannot be read', cause)
  }
}

function badSchedule(expression: string, fault: string, cause?: unknown): PaddockError {
  const shown = JSON.stringify(expression.slice(0, 128))
  return new PaddockError('manifest.bad_subscription', `The schedule ${shown} ${fault}.`, { cause })
}

/** A tick later than this was missed, for instance while the machine slept, and is not replayed. */
const latestMs = 60_000
/** Timers are set at most this far ahead, so that a changed clock is noticed. */
const longestWaitMs = 60_000

/** Ticks of modules' schedules (spec nexum-host 10.5). Caller disposes. */
export class CronSource {
  readonly #clock: Clock
  readonly #cancels = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Calls the listener with the time of firing (Unix ms) at every matching minute. While a promise
   * that it answered is pending, further ticks are dropped. Throws PaddockError `manifest.bad_subscription`.
   */
  subscribe(
    expression: string,
    listener: (firedAtMs: number) => unknown,
    onDropped: () => void = () => undefined,
  ): () => void {
    const schedule = parseCron(expression)
    const clock = this.#clock
    let isPending = false
    let cancelTimer: () => void = () => undefined

    function fire(): void {
      if (isPending) {
        onDropped()
        return
      }
      const handling = listener(clock.now())
      if (!(handling instanceof Promise)) return
      isPending = true
      const end = (): void => {
        isPending = false
      }
      handling.then(end, end)
    }

    function wait(due: number | null): void {
      if (due === null) return
      cancelTimer = clock.after(Math.min(Math.max(0, due - clock.now()), longestWaitMs), () => {
        const now = clock.now()
        if (now < due) {
          wait(nearer(due, schedule.nextAfter(now)))
          return
        }
        if (now - due < latestMs) fire()
        wait(schedule.nextAfter(now))
      })
    }

    wait(schedule.nextAfter(clock.now()))
    const unsubscribe = (): void => {
      cancelTimer()
      this.#cancels.delete(unsubscribe)
    }
    this.#cancels.add(unsubscribe)
    return unsubscribe
  }

  dispose(): void {
    for (const cancel of [...this.#cancels]) cancel()
  }
}

/** A clock that was set back brings earlier minutes again. */
function nearer(due: number, next: number | null): number {
  return next === null ? due : Math.min(due, next)
}
