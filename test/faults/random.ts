/** Random numbers that come again with their seed (mulberry32): the moments of a failed run can be tried once more. */
export class Random {
  readonly seed: number
  private state: number

  constructor(seed: number) {
    this.seed = seed
    this.state = seed >>> 0
  }

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = this.state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number from `first` to `last`, both included. */
  whole(first: number, last: number): number {
    return first + Math.floor(this.next() * (last - first + 1))
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)]
    if (item === undefined) throw new RangeError('There is nothing to pick from.')
    return item
  }

  /** Waits up to `maxMs`: the random moment at which something is killed. */
  async moment(maxMs: number): Promise<void> {
    const end = performance.now() + this.next() * maxMs
    // Timers know whole milliseconds only.
    const whole = Math.floor(end - performance.now())
    if (whole > 0) await new Promise((resolve) => setTimeout(resolve, whole))
    while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The seed of PADDOCK_FAULTS_SEED, or one drawn now. */
export function chosenSeed(): number {
  const given = Number(process.env['PADDOCK_FAULTS_SEED'])
  return Number.isSafeInteger(given) && given > 0 ? given : Math.floor(Math.random() * 0xffff_ffff) + 1
}
