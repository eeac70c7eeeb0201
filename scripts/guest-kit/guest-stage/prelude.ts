// Runs inside a stage before the author's module: what a stage has not throws, in place of ending it, and lines go to the log.
import { getStderr } from 'host:cli/stderr@0.2.0'
import { getStdout } from 'host:cli/stdout@0.2.0'
import { describe } from './failure.ts'
import { encodeText } from './text.ts'

function missing(name: string, instead: string): () => never {
  return () => {
    throw new Error(`A stage has no ${name}: ${instead}.`)
  }
}

const noClock = missing('clock', 'elements say when they came')

/** Dates can be computed with, but not made from a clock that is not there. */
function dateWithoutClock(date: DateConstructor): DateConstructor {
  date.now = noClock
  return new Proxy(date, {
    apply: noClock,
    construct: (target, values: unknown[], newTarget) =>
      values.length === 0 ? noClock() : (Reflect.construct(target, values, newTarget) as object),
  })
}

/** What a host writes at once (WASI 0.2). */
const maxWriteBytes = 4_096

type Stream = ReturnType<typeof getStdout>

function lineTo(open: () => Stream): (...values: unknown[]) => void {
  let stream: Stream | undefined
  return (...values) => {
    // Not before the first line: there is no host while the stage is compiled.
    stream ??= open()
    const bytes = encodeText(`${values.map(describe).join(' ')}\n`)
    for (let at = 0; at < bytes.length; at += maxWriteBytes)
      stream.blockingWriteAndFlush(bytes.subarray(at, at + maxWriteBytes))
  }
}

export function guardGlobals(): void {
  Math.random = missing('source of randomness', 'derive what you need from the elements')
  Reflect.set(globalThis, 'Date', dateWithoutClock(Date))
  Reflect.deleteProperty(globalThis, 'performance')
  const info = lineTo(getStdout)
  const warn = lineTo(getStderr)
  Reflect.set(globalThis, 'console', { trace: info, debug: info, log: info, info, warn, error: warn })
}
