/** Time as the engine sees it, injectable so that tests need not wait. */
export interface Clock {
  /** Wall clock, Unix milliseconds. */
  now(): number
  /** Never-decreasing milliseconds with an arbitrary zero, unaffected by clock changes. */
  monotonicMs(): number
  /** Runs `action` once after `delayMs`; returns its cancellation. */
  after(delayMs: number, action: () => void): () => void
  /** Runs `action` every `periodMs`; returns its cancellation. */
  every(periodMs: number, action: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs)
    return () => clearTimeout(timer)
  },
  every(periodMs, action) {
    const timer = setInterval(action, periodMs)
    return () => clearInterval(timer)
  },
}
