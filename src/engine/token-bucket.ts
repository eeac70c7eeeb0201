import type { Clock } from './clock.ts'

/** Tokens that refill with time, up to the burst. Whoever waits is served in the order of asking. */
export class TokenBucket {
  readonly #clock: Clock
  #burst: number
  #perSecond: number
  #tokens: number
  #at: number

  /** `burst` and `perSecond` are above 0; it begins full. */
  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = burst
    this.#at = clock.monotonicMs()
  }

  /** Takes other figures from now on; what is in it stays, up to the new burst. */
  configure(burst: number, perSecond: number): void {
    this.#refill()
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = Math.min(this.#tokens, burst)
  }

  /** Takes one token if there is one. */
  tryTake(): boolean {
    this.#refill()
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /**
   * Takes `count` tokens and answers the milliseconds until they are there. When that is more than `withinMs`,
   * nothing is taken and the answer is null.
   */
  reserve(count: number, withinMs: number): number | null {
    this.#refill()
    const missing = count - this.#tokens
    const waitMs = missing <= 0 ? 0 : (missing / this.#perSecond) * 1_000
    if (waitMs > withinMs) return null
    this.#tokens -= count
    return waitMs
  }

  /** Takes up to `count` tokens without waiting, and goes into no debt: for work that must not wait. */
  spend(count: number): void {
    this.#refill()
    this.#tokens = Math.min(this.#tokens, Math.max(0, this.#tokens - count))
  }

  #refill(): void {
    const now = this.#clock.monotonicMs()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond)
    this.#at = now
  }
}
