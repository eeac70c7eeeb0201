import { setMaxListeners } from 'node:events'
import { ChainRequestError } from '../request-error.ts'
import type { RpcAnswer, RpcRequest } from './rpc-codec.ts'

export interface WireOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Waits for the endpoint's pace, at most until this monotonic ms; our own requests do not. */
  readonly paceUntil?: number
  /** On a new connection. */
  readonly isFresh?: boolean
  /** Largest answer taken, in bytes; that of a guest unless given. */
  readonly maxBytes?: number
  /** Sent at most once, and this is called before the first byte may have left. */
  readonly onLeave?: () => void
}

/** One way to one node. Fails with ChainRequestError only. */
export interface Wire {
  readonly transport: 'http' | 'ws'
  /** One request. Rejects when the transport fails; a node's own error is an answer. */
  call(request: RpcRequest, options: WireOptions): Promise<RpcAnswer>
  /**
   * Several requests in one round trip, answers in their order. Rejects with `batch-refused` or `too-large`
   * when they are better sent one by one.
   */
  callBatch(requests: readonly RpcRequest[], options: WireOptions): Promise<readonly RpcAnswer[]>
  /** Opens a subscription. `onEnd` is called once when the connection ends it; the result closes it. */
  subscribe?(params: string, listener: Subscriber, options: WireOptions): Promise<() => void>
  /** Gives up connections that may be dead; the next request opens another. */
  reset?(error: ChainRequestError): void
  /** Closes everything; what is under way fails with `closed`. */
  close(): void
}

export interface Subscriber {
  onItem(item: unknown): void
  onEnd(error: ChainRequestError): void
}

/** Bounds work by time and by a caller's signal. `end` must be called when the work is done. */
export function startDeadline(
  options: WireOptions,
  onExpired: (error: ChainRequestError) => void,
): { readonly end: () => void } {
  const { signal, timeoutMs } = options
  const cancelled = (): void => onExpired(new ChainRequestError('cancelled', 'The request was cancelled.'))
  const timer = setTimeout(
    () => onExpired(new ChainRequestError('timeout', 'The node did not answer in time.')),
    Math.max(0, timeoutMs),
  )
  // A batch over a socket waits for many answers under one signal; each listener goes with its answer.
  if (signal !== undefined) setMaxListeners(0, signal)
  if (signal?.aborted === true) queueMicrotask(cancelled)
  else signal?.addEventListener('abort', cancelled, { once: true })
  return {
    end() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancelled)
    },
  }
}

export function noAnswer(): RpcAnswer {
  const error = new ChainRequestError('no-answer', 'The node left this request of the batch unanswered.')
  return { ok: false, error }
}
