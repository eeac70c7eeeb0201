/** What the headless command prints: JSON lines or lines for people, on stdout; errors on stderr. */
import type { ErrorReport } from '../shared/errors.ts'

export type LineKind =
  'engine.state' | 'module.state' | 'module.log' | 'event.done' | 'chain.state' | 'notice' | 'decider.event'

export interface Output {
  /** One thing that happened. `text` is for people, `fields` for programs. */
  line(kind: LineKind, fields: Readonly<Record<string, unknown>>, text: string): void
  /** A whole answer (inspect, check). */
  result(value: unknown, text: string): void
  /** One line as it is, of a format of its own. */
  raw(text: string): void
  /** Something the operator should know that keeps nothing from running. */
  warning(text: string): void
  /** One clear line on stderr. */
  error(error: ErrorReport): void
}

export interface Streams {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

export function createOutput(json: boolean, streams: Streams, now: () => Date): Output {
  const { stdout, stderr } = streams
  return {
    line(kind, fields, text) {
      const time = now().toISOString()
      stdout.write(
        json ? `${JSON.stringify({ time, kind, ...fields })}\n` : `${time.slice(11, 23)} ${text}\n`,
      )
    },
    result(value, text) {
      stdout.write(`${json ? JSON.stringify(value) : text}\n`)
    },
    raw(text) {
      stdout.write(`${text}\n`)
    },
    warning(text) {
      this.line('notice', { id: 'configuration', message: text }, text)
    },
    error(error) {
      stderr.write(`paddock: ${error.code}: ${error.message} ${error.remedy}\n`)
    },
  }
}
