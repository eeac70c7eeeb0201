/** One clock for a flow: monotonic milliseconds, and the wall clock derived from it so that it never goes back (spec flows 5.4). */

const nsPerMs = 1_000_000
const word = 2 ** 32

/** Where monotonic milliseconds and Unix milliseconds come from. */
export interface TimeSource {
  now(): number
  unixMs(): number
}

export const systemTime: TimeSource = {
  now: () => performance.now(),
  unixMs: () => Date.now(),
}

export class FlowClock {
  private readonly time: TimeSource
  /** Unix nanoseconds at monotonic zero, in two halves: no double holds them, and one BigInt a timestamp is enough. */
  private zeroHigh = 0
  private zeroLow = 0
  private zeroMs = 0
  private readonly halves = new Uint32Array(2)
  private readonly whole = new BigInt64Array(this.halves.buffer)
  private lastNs = 0n

  constructor(time: TimeSource = systemTime) {
    this.time = time
    this.anchor()
  }

  /** Monotonic milliseconds with fractions. */
  now(): number {
    return this.time.now()
  }

  /** Follows the wall clock where that was set anew. */
  anchor(): void {
    const zeroMs = this.time.unixMs() - this.time.now()
    // Date.now() steps in milliseconds: smaller differences say nothing.
    if (Math.abs(zeroMs - this.zeroMs) < 10) return
    this.zeroMs = zeroMs
    const ns = BigInt(Math.round(zeroMs)) * BigInt(nsPerMs)
    this.zeroHigh = Number(ns >> 32n)
    this.zeroLow = Number(ns & 0xffff_ffffn)
  }

  /** Unix nanoseconds at `nowMs` of this clock; never less than the answer before. */
  wallNs(nowMs: number): bigint {
    const low = this.zeroLow + Math.floor(nowMs * nsPerMs)
    const carry = Math.floor(low / word)
    this.halves[0] = low - carry * word
    this.halves[1] = this.zeroHigh + carry
    const ns = this.whole[0] ?? 0n
    if (ns > this.lastNs) this.lastNs = ns
    return this.lastNs
  }
}
