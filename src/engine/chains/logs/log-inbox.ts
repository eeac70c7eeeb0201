import { ChainRequestError } from '../request-error.ts'

/** More than this many things waiting are a flood: the session ends, and what was lost is fetched. */
const mostWaiting = 50_000

/** What a session's subscriptions bring waits here for its turn. */
export class LogInbox<T> {
  readonly #signal: AbortSignal
  #items: T[] = []
  #error: ChainRequestError | null = null
  #wake: (() => void) | null = null

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => this.#wake?.()

  put(item: T): void {
    if (this.#items.length >= mostWaiting) {
      this.end(new ChainRequestError('closed', 'More logs arrive than can be taken.'))
      return
    }
    this.#items.push(item)
    this.#wake?.()
  }

  /** What is in it is still taken, unless there was too much. */
  end(error: ChainRequestError): void {
    this.#error ??= error
    this.#wake?.()
  }

  /** All that waits, at least one thing; null when the session was aborted. Rejects with why the session ended. */
  async takeAll(): Promise<readonly T[] | null> {
    for (;;) {
      if (this.#signal.aborted) return null
      if (this.#items.length > 0) {
        const items = this.#items
        this.#items = []
        return items
      }
      if (this.#error !== null) throw this.#error
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = null
    }
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}
