/** `wasi:io`: streams that never block, and pollables over the clock. */
import { ErrorSide, trap } from './error-side.ts'
import type { LineSplitter } from './lines.ts'

export interface WasiClock {
  /** UTC milliseconds, not below 0. */
  readonly nowMs: () => bigint
  /** Nanoseconds since instantiation, never decreasing. */
  readonly monotonicNs: () => bigint
  /** Blocks the thread for about that many milliseconds (above 0); may return early. */
  readonly sleep: (ms: number) => void
}

/** `wasi:io/error`'s resource; our streams raise none. */
export class IoError {
  toDebugString(): string {
    return 'input or output failed'
  }
}

/** Ready from an instant of the monotonic clock on. */
export class Pollable {
  private readonly clock: WasiClock
  readonly readyAt: bigint

  constructor(clock: WasiClock, readyAt: bigint) {
    this.clock = clock
    this.readyAt = readyAt
  }

  ready(): boolean {
    return this.readyAt <= this.clock.monotonicNs()
  }

  block(): void {
    sleepUntil(this.clock, this.readyAt)
  }
}

/** A single sleep's bound: longer ones are repeated. */
const longestSleepMs = 60_000

function sleepUntil(clock: WasiClock, instant: bigint): void {
  for (let now = clock.monotonicNs(); now < instant; now = clock.monotonicNs()) {
    clock.sleep(Math.min(Math.max(Number(instant - now) / 1e6, 0.001), longestSleepMs))
  }
}

/** `wasi:io/poll#poll`: indexes of the ready ones, at least one. */
export function createPoll(clock: WasiClock): (pollables: readonly Pollable[]) => Uint32Array {
  return (pollables) => {
    if (pollables.length === 0) trap('poll was given nothing to wait for')
    const first = pollables.reduce(
      (least, { readyAt }) => (readyAt < least ? readyAt : least),
      (1n << 64n) - 1n,
    )
    sleepUntil(clock, first)
    return Uint32Array.from(pollables.flatMap((pollable, index) => (pollable.ready() ? [index] : [])))
  }
}

const closed = { tag: 'closed' } as const

/** A stream at its end. */
export class InputStream {
  private readonly clock: WasiClock

  constructor(clock: WasiClock) {
    this.clock = clock
  }

  read(length: bigint): Uint8Array {
    return atEnd(length, new Uint8Array(0))
  }

  blockingRead(length: bigint): Uint8Array {
    return atEnd(length, new Uint8Array(0))
  }

  skip(length: bigint): bigint {
    return atEnd(length, 0n)
  }

  blockingSkip(length: bigint): bigint {
    return atEnd(length, 0n)
  }

  subscribe(): Pollable {
    return new Pollable(this.clock, 0n)
  }
}

/** Nothing was asked for: nothing is read, whatever the state. */
function atEnd<T>(length: bigint, nothing: T): T {
  if (length === 0n) return nothing
  throw new ErrorSide(closed)
}

/** What `check-write` permits; a guest that writes more traps, as the interface says. */
const writeBudget = 1024n * 1024n

/** A stream into the log, or into a body. */
export class OutputStream {
  private readonly clock: WasiClock
  private readonly sink: Pick<LineSplitter, 'write'>

  constructor(clock: WasiClock, sink: Pick<LineSplitter, 'write'>) {
    this.clock = clock
    this.sink = sink
  }

  checkWrite(): bigint {
    return writeBudget
  }

  write(contents: Uint8Array): void {
    if (BigInt(contents.byteLength) > writeBudget) trap('a write was larger than permitted')
    this.sink.write(contents)
  }

  blockingWriteAndFlush(contents: Uint8Array): void {
    this.write(contents)
  }

  flush(): void {}

  blockingFlush(): void {}

  writeZeroes(length: bigint): void {
    if (length > writeBudget) trap('a write was larger than permitted')
    this.sink.write(new Uint8Array(Number(length)))
  }

  blockingWriteZeroesAndFlush(length: bigint): void {
    this.writeZeroes(length)
  }

  splice(source: InputStream, length: bigint): bigint {
    return source.skip(length)
  }

  blockingSplice(source: InputStream, length: bigint): bigint {
    return source.skip(length)
  }

  subscribe(): Pollable {
    return new Pollable(this.clock, 0n)
  }
}
