import type { Clock } from '../../../clock.ts'

/** A node may count a transaction as pending only after a moment, and another node later still. */
const rememberMs = 12_000

/** Nonces of accounts, given out one at a time per chain and account, over all modules (spec nexum-host 8.6). */
export class Nonces {
  readonly #clock: Clock
  readonly #queues = new Map<string, Promise<unknown>>()
  readonly #sent = new Map<string, { readonly nonce: bigint; readonly at: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Does work that needs the next nonce of an account; the next one waits until it ends. `pending` asks the node,
   * and is told once more what it was when the transaction was sent a moment ago.
   */
  async withNonce<T>(
    chainId: string,
    account: string,
    pending: () => Promise<bigint>,
    work: (nonce: bigint) => Promise<T>,
  ): Promise<T> {
    const key = `${chainId}:${account}`
    const before = this.#queues.get(key) ?? Promise.resolve()
    const turn = before.then(async () => {
      const nonce = this.#next(key, await pending())
      const value = await work(nonce)
      this.#sent.set(key, { nonce, at: this.#clock.monotonicMs() })
      return value
    })
    const ended = turn.catch(() => undefined)
    this.#queues.set(key, ended)
    void ended.then(() => {
      if (this.#queues.get(key) === ended) this.#queues.delete(key)
    })
    return turn
  }

  #next(key: string, pending: bigint): bigint {
    const sent = this.#sent.get(key)
    if (sent === undefined || this.#clock.monotonicMs() - sent.at > rememberMs) return pending
    return pending > sent.nonce ? pending : sent.nonce + 1n
  }
}
