import { Cron } from 'croner'
import { PaddockError } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'

/** A five-field schedule in UTC. */
export interface CronSchedule {
  /** The first minute after `afterMs` that matches, as Unix time in milliseconds; null when there is none. */
  nextAfter(afterMs: number): number | null
}

const field = String.raw`[0-9*,/\-]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT`
const fiveFields = new RegExp(`^(?:${field})+(?:[ \\t]+(?:${field})+){4}$`, 'i')

/**
 * Reads minute, hour, day of month, month and day of week; when both day fields are restricted either may match
 * (spec nexum-host 10.5). Throws PaddockError `manifest.bad_subscription`.
 */
export function parseCron(expression: string): CronSchedule {
  const text = expression.trim()
  // The library knows more (seconds, nicknames, "L", "#"); a module that used it would run nowhere else.
  if (!fiveFields.test(text)) throw badSchedule(expression)
  let cron: Cron
  try {
    cron = new Cron(text, { mode: '5-part', timezone: 'UTC', paused: true, domAndDow: false })
  } catch (cause) {
    throw badSchedule(expression, cause)
  }
  return { nextAfter: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() ?? null }
}

function badSchedule(expression: string, cause?: unknown): PaddockError {
  const shown = expression.slice(0, 128)
  return new PaddockError(
    'manifest.bad_subscription',
    `"${shown}" is not a schedule of minute, hour, day of month, month and day of week.`,
    { cause },
  )
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
   * Calls the listener with the time of firing (Unix ms) at every matching minute. While the promise it
   * answered is pending, further ticks are dropped. Throws PaddockError `manifest.bad_subscription`.
   */
  subscribe(
    expression: string,
    listener: (firedAtMs: number) => Promise<unknown>,
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
      isPending = true
      const end = (): void => {
        isPending = false
      }
      listener(clock.now()).then(end, end)
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
