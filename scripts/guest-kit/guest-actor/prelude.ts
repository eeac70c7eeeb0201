// Runs inside an actor around the author's module: globals that would trap or repeat, and the guard of its exports.
import type { Level } from 'paddock:sql/logging@0.1.0'
import { wellFormed } from '../guest/text.ts'
import { toActorError, type Lifecycle } from './actor.ts'

export interface GlobalSources {
  readonly log: ((level: Level, message: string, fields: [string, string][]) => void) | null
  readonly nowMs: (() => number) | null
  readonly bytes: ((length: number) => Uint8Array) | null
}

function text(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'bigint') return String(value)
  if (value instanceof Error) return `${value.name}: ${value.message}`
  const json: unknown = JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' ? String(each) : each,
  )
  return typeof json === 'string' ? json : String(value)
}

function missing(name: string, capability: string): () => never {
  return () => {
    throw new Error(`${name} needs the capability ${capability} in the manifest.`)
  }
}

function dateFrom(date: DateConstructor, now: () => number): DateConstructor {
  date.now = now
  return new Proxy(date, {
    apply: () => new date(now()).toString(),
    construct: (target, values: unknown[], newTarget) =>
      Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget) as object,
  })
}

function randomFrom(bytes: (length: number) => Uint8Array): () => number {
  return () => {
    let value = 0
    for (const byte of bytes(6)) value = value * 256 + byte
    return value / 2 ** 48
  }
}

/** Time, randomness and the console come from the host, as far as the manifest asks for them. */
export function guardGlobals({ log, nowMs, bytes }: GlobalSources): void {
  Math.random = bytes === null ? missing('Math.random', 'entropy') : randomFrom(bytes)
  Reflect.set(globalThis, 'Date', dateFrom(Date, nowMs ?? missing('The current time', 'clock')))
  Reflect.deleteProperty(globalThis, 'performance')
  const line =
    (level: Level) =>
    (...values: unknown[]): void =>
      log?.(level, wellFormed(values.map(text).join(' ')), [])
  Reflect.set(globalThis, 'console', {
    trace: line('trace'),
    debug: line('debug'),
    log: line('info'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  })
}

function guarded<Arguments extends unknown[], Result>(
  run: (...values: Arguments) => Result,
): (...values: Arguments) => Result {
  return (...values) => {
    try {
      return run(...values)
    } catch (thrown) {
      const error: unknown = toActorError(thrown)
      throw error
    }
  }
}

/** The exports with every exception turned into an answer. `migrations` has no error side: what it throws ends the start. */
export function guardedLifecycle(lifecycle: Lifecycle): Lifecycle {
  return {
    migrations: () => lifecycle.migrations(),
    onStart: guarded((info) => lifecycle.onStart(info)),
    onRequest: guarded((method, payload) => lifecycle.onRequest(method, payload)),
    onSleep: guarded(() => lifecycle.onSleep()),
    onStop: guarded((cause) => lifecycle.onStop(cause)),
  }
}
