/** Errors of the last 60 seconds against their bound (spec flows 9.2). */

const seconds = 60
const msPerSecond = 1_000

export class ErrorBudget {
  private readonly max: number
  private readonly counts = new Float64Array(seconds)
  private lastSecond = 0
  private total = 0

  constructor(max: number) {
    this.max = max
  }

  /** One more at `nowMs`; answers whether there are too many now. */
  add(nowMs: number): boolean {
    const second = Math.floor(nowMs / msPerSecond)
    const passed = Math.min(seconds, second - this.lastSecond)
    for (let step = 1; step <= passed; step += 1) {
      const place = (this.lastSecond + step) % seconds
      this.total -= this.counts[place] ?? 0
      this.counts[place] = 0
    }
    this.lastSecond = second
    const place = second % seconds
    this.counts[place] = (this.counts[place] ?? 0) + 1
    this.total += 1
    return this.total > this.max
  }
}
