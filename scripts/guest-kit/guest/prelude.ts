// Runs inside the guest, before the author's module is evaluated.
import { wellFormed } from './text.ts'

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error'
type Log = (level: Level, message: string) => void

function text(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return `${value.name}: ${value.message}`
  const json: unknown = JSON.stringify(value)
  return typeof json === 'string' ? json : String(value)
}

function unavailable(name: string, instead: string): () => never {
  return () => {
    throw new Error(`${name} does not exist in a module: use ${instead}.`)
  }
}

const noWallClock = unavailable('The current time', 'the clock capability or the time in the event')

/** Dates can be computed with, but not made from a clock that is not there. */
function dateWithoutClock(date: DateConstructor): DateConstructor {
  date.now = noWallClock
  return new Proxy(date, {
    apply: noWallClock,
    construct(target, values: unknown[], newTarget) {
      return values.length === 0 ? noWallClock() : (Reflect.construct(target, values, newTarget) as object)
    },
  })
}

/**
 * Replaces globals that would trap, or worse, silently repeat: the wall clock is not linked, and the seed
 * of Math.random is frozen when the component is built.
 */
export function guardGlobals(log: Log): void {
  Math.random = unavailable('Math.random', 'the random capability')
  Reflect.set(globalThis, 'Date', dateWithoutClock(Date))
  Reflect.deleteProperty(globalThis, 'performance')
  const line =
    (level: Level) =>
    (...values: unknown[]): void =>
      log(level, wellFormed(values.map(text).join(' ')))
  Reflect.set(globalThis, 'console', {
    trace: line('trace'),
    debug: line('debug'),
    log: line('info'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  })
}

function isHostError(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'domain' in value && 'kind' in value && 'message' in value
  )
}

/** What the guest throws across its boundary must be a host-error record: anything else kills the instance. */
function toHostError(domain: string, thrown: unknown): unknown {
  if (isHostError(thrown)) return thrown
  if (typeof thrown === 'object' && thrown !== null && 'payload' in thrown && isHostError(thrown.payload)) {
    return thrown.payload
  }
  const stack = thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : null
  return { domain, kind: { tag: 'internal' }, code: 0, message: wellFormed(text(thrown)), data: stack }
}

/** Wraps an export so that an uncaught exception ends as an error answer that carries its message. */
export function guarded<Arguments extends unknown[], Result>(
  domain: string,
  run: (...values: Arguments) => Result,
): (...values: Arguments) => Result {
  return (...values) => {
    try {
      const result = run(...values)
      if (result instanceof Promise)
        throw new Error(`${run.name} must not be async: host calls answer at once.`)
      return result
    } catch (thrown) {
      throw toHostError(domain, thrown)
    }
  }
}
