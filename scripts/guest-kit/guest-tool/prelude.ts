// Runs inside a tool before the author's module: time and the console come from the host, and randomness from nowhere.
import { log, nowMillis, type LogLevel } from 'near:agent/host@0.4.1'
import { wellFormed } from '../guest/text.ts'

function text(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'bigint') return String(value)
  if (value instanceof Error) return `${value.name}: ${value.message}`
  const json: unknown = JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' ? String(each) : each,
  )
  return typeof json === 'string' ? json : String(value)
}

function hostDate(date: DateConstructor): DateConstructor {
  const now = (): number => Number(nowMillis())
  date.now = now
  return new Proxy(date, {
    apply: () => new date(now()).toString(),
    construct: (target, values: unknown[], newTarget) =>
      Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget) as object,
  })
}

export function guardGlobals(): void {
  Math.random = () => {
    throw new Error('Tools have no source of randomness.')
  }
  Reflect.set(globalThis, 'Date', hostDate(Date))
  Reflect.deleteProperty(globalThis, 'performance')
  const line =
    (level: LogLevel) =>
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
