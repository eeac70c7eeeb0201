/** How many events a second may enter one module (spec nexum-host 11). */
import type { Clock } from '../clock.ts'

export interface RateLimits {
  /** Events at once. */
  readonly burst: number
  /** Tokens that come back each second. */
  readonly refillPerSec: number
}

export class RateBucket {
  private readonly clock: Clock
  private readonly limits: RateLimits
  private tokens: number
  private countedAt: number

  /** `limits` is looked at each time: the operator may change it. */
  constructor(clock: Clock, limits: RateLimits) {
    this.clock = clock
    this.limits = limits
    this.tokens = limits.burst
    this.countedAt = clock.monotonicMs()
  }

  /** Takes a token, if there is one. */
  take(): boolean {
    this.refill()
    if (this.tokens < 1) return false
    this.tokens -= 1
    return true
  }

  /** Whether so many tokens are there now. */
  has(count: number): boolean {
    this.refill()
    return this.tokens >= count
  }

  /** Milliseconds until the next token, at least 1. */
  waitMs(): number {
    this.refill()
    return Math.max(1, Math.ceil(((1 - this.tokens) / this.limits.refillPerSec) * 1_000))
  }

  private refill(): void {
    const now = this.clock.monotonicMs()
    const { burst, refillPerSec } = this.limits
    this.tokens = Math.min(burst, this.tokens + ((now - this.countedAt) / 1_000) * refillPerSec)
    this.countedAt = now
  }
}
