import type { Clock } from '../../clock.ts'
import { readHeader } from './header.ts'
import type { Header } from './header.ts'
import type { HeaderSource } from './header-source.ts'
import { chainLimits } from '../limits.ts'
import { ChainRequestError } from '../request-error.ts'
import { sleep } from '../sleep.ts'

export interface HeadSessionOptions {
  readonly source: HeaderSource
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly pollIntervalMs: () => number
  readonly patienceMs: () => number
  /** Called with one head after the other, each after the one before was dealt with. */
  readonly onHead: (header: Header) => Promise<void>
  /** The endpoint answered and its head was taken. */
  readonly onDidOpen: () => void
}

/**
 * One connection's worth of heads. Rejects with ChainRequestError when the endpoint fails or stays silent too
 * long; resolves when the signal is aborted.
 */
export async function runHeadSession(options: HeadSessionOptions): Promise<void> {
  if (options.source.endpoint.canPush && (await runPushing(options))) return
  await runPolling(options)
}

/** Answers false when the node cannot push heads and must be polled. */
async function runPushing(options: HeadSessionOptions): Promise<boolean> {
  const inbox = new Inbox(options)
  try {
    const unsubscribe = await subscribe(options, inbox)
    if (unsubscribe === null) return false
    try {
      await deliverPushed(options, inbox)
      return true
    } finally {
      unsubscribe()
    }
  } finally {
    inbox.close()
  }
}

async function subscribe({ source, signal }: HeadSessionOptions, inbox: Inbox): Promise<(() => void) | null> {
  const listener = {
    onItem: (item: unknown) => inbox.put(item),
    onEnd: (error: ChainRequestError) => inbox.end(error),
  }
  try {
    const bounds = { timeoutMs: chainLimits.ownRequestMs, signal }
    return await source.endpoint.subscribe('["newHeads"]', listener, bounds)
  } catch (error) {
    if (error instanceof ChainRequestError && error.kind === 'rpc') return null
    throw error
  }
}

async function deliverPushed(options: HeadSessionOptions, inbox: Inbox): Promise<void> {
  // Read after subscribing, so that no head falls between.
  await options.onHead(await options.source.latest())
  options.onDidOpen()
  for (;;) {
    const header = await inbox.take()
    if (header === null) return
    await options.onHead(header)
  }
}

async function runPolling(options: HeadSessionOptions): Promise<void> {
  const { source, clock, signal } = options
  let newest: string | null = null
  let changedAt = clock.monotonicMs()
  while (!signal.aborted) {
    const header = await source.latest()
    if (header.hash !== newest) {
      await options.onHead(header)
      if (newest === null) options.onDidOpen()
      newest = header.hash
      changedAt = clock.monotonicMs()
    } else if (clock.monotonicMs() - changedAt > options.patienceMs()) {
      throw new HeadSilence()
    }
    await sleep(clock, options.pollIntervalMs(), signal)
  }
}

/** Pushed heads wait here for their turn; silence and the end of the connection end the waiting. */
class Inbox {
  readonly #options: HeadSessionOptions
  readonly #items: unknown[] = []
  #error: ChainRequestError | null = null
  #wake: (() => void) | null = null
  #cancelSilence: () => void

  constructor(options: HeadSessionOptions) {
    this.#options = options
    this.#cancelSilence = this.#expectHead()
    options.signal.addEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => this.#wake?.()

  put(item: unknown): void {
    this.#cancelSilence()
    this.#cancelSilence = this.#expectHead()
    // Of a flood only the newest matter: the stream fetches what lies between.
    if (this.#items.length >= chainLimits.backfillBlocks) this.#items.shift()
    this.#items.push(item)
    this.#wake?.()
  }

  end(error: ChainRequestError): void {
    this.#error ??= error
    this.#wake?.()
  }

  /** The next head, or null when the session was aborted. */
  async take(): Promise<Header | null> {
    for (;;) {
      if (this.#options.signal.aborted) return null
      if (this.#items.length > 0) return readHeader(this.#items.shift())
      if (this.#error !== null) throw this.#error
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = null
    }
  }

  close(): void {
    this.#cancelSilence()
    this.#options.signal.removeEventListener('abort', this.#onAbort)
  }

  #expectHead(): () => void {
    return this.#options.clock.after(this.#options.patienceMs(), () => this.end(new HeadSilence()))
  }
}

/** The endpoint is reachable, or seems so, and brings no blocks (spec nexum-host 10.4). */
export class HeadSilence extends ChainRequestError {
  constructor() {
    super('timeout', 'No new block arrived for too long.')
  }
}
