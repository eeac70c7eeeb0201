import { EgressError } from './egress-error.ts'

/** Longest waits in milliseconds, each at least 1. */
export interface Timeouts {
  /** For a connection, the TLS handshake included. */
  readonly connectMs: number
  /** From the last byte of the request to the head of the answer. */
  readonly firstByteMs: number
  /** Between two pieces of the body. */
  readonly betweenBytesMs: number
  /** For everything, the lookup of the host included. */
  readonly totalMs: number
}

export type Phase = 'connect' | 'first-byte' | 'between-bytes'

/** The clocks of one exchange, and the one signal that ends it. */
export interface Deadlines {
  /** Aborted when a limit passed or the caller went away. */
  readonly signal: AbortSignal
  /** Begins a phase anew; the one before ends. */
  enter(phase: Phase): void
  leave(): void
  /** Runs `work` as a phase. */
  during<T>(phase: Phase, work: () => Promise<T>): Promise<T>
  /** What went wrong, once the signal is aborted; else `error` itself. */
  explain(error: unknown): unknown
  end(): void
}

const limitOf: Readonly<Record<Phase, keyof Timeouts>> = {
  connect: 'connectMs',
  'first-byte': 'firstByteMs',
  'between-bytes': 'betweenBytesMs',
}

const wordsOf: Readonly<Record<Phase, string>> = {
  connect: 'The connection took longer than is allowed.',
  'first-byte': 'The server did not begin its answer in time.',
  'between-bytes': 'The server paused its answer for longer than is allowed.',
}

/** Starts the total time. `outer` is the caller's own signal. */
export function startDeadlines(timeouts: Timeouts, outer?: AbortSignal): Deadlines {
  const controller = new AbortController()
  let cause: { readonly kind: 'timeout' | 'cancelled'; readonly message: string } | undefined
  const stop = (kind: 'timeout' | 'cancelled', message: string): void => {
    if (cause !== undefined) return
    cause = { kind, message }
    controller.abort()
  }
  const onOuter = (): void => stop('cancelled', 'The request was called off.')
  const total = setTimeout(
    () => stop('timeout', 'The exchange took longer than is allowed.'),
    timeouts.totalMs,
  )
  let running: NodeJS.Timeout | undefined
  if (outer?.aborted === true) onOuter()
  else outer?.addEventListener('abort', onOuter, { once: true })

  const deadlines: Deadlines = {
    signal: controller.signal,
    enter(phase) {
      clearTimeout(running)
      running = setTimeout(() => stop('timeout', wordsOf[phase]), timeouts[limitOf[phase]])
    },
    leave() {
      clearTimeout(running)
      running = undefined
    },
    async during(phase, work) {
      deadlines.enter(phase)
      try {
        return await work()
      } finally {
        deadlines.leave()
      }
    },
    explain(error) {
      if (cause === undefined) return error
      const requestSent = error instanceof EgressError && error.requestSent
      return new EgressError(cause.kind, cause.message, { requestSent, cause: error })
    },
    end() {
      clearTimeout(total)
      clearTimeout(running)
      outer?.removeEventListener('abort', onOuter)
    },
  }
  return deadlines
}
