/**
 * The few words of shared memory between a sandbox's main thread and its guest thread.
 *
 * The guest thread runs no event loop: it sleeps on the signal word. Who ends a call is settled by one
 * compare-and-swap on the state word: either the guest thread settles it (commit or roll back), or the
 * watchdog stops it, never both.
 */

const signalWord = 0
const stateWord = 1
const ordinalWord = 2
/** Byte offset of the float64 with the running call's start. */
const startOffset = 16
const bytes = 24

const idle = 0
const running = 1
const settling = 2
const stopped = 3

/** A wait shorter than this is worth burning cycles for instead of a sleep and a wake-up. */
const spinMs = 0.1
/** Spinning pays only while messages come in quick succession; a quiet module sleeps at once. */
const hotGapMs = 0.5

/** Monotonic milliseconds, the same on every thread of the process. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export class ControlBlock {
  readonly buffer: SharedArrayBuffer
  private readonly words: Int32Array
  private readonly start: Float64Array
  private lastWaitMs = Number.POSITIVE_INFINITY

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(bytes)) {
    this.buffer = buffer
    this.words = new Int32Array(buffer, 0, 3)
    this.start = new Float64Array(buffer, startOffset, 1)
  }

  /** Main thread: says that a message waits. */
  signal(): void {
    Atomics.add(this.words, signalWord, 1)
    Atomics.notify(this.words, signalWord)
  }

  /** Guest thread: to be read before looking for messages, so that none is slept over. */
  get signals(): number {
    return Atomics.load(this.words, signalWord)
  }

  /** Guest thread: returns once there were signals beyond `seen`. */
  wait(seen: number): void {
    const began = performance.now()
    if (this.lastWaitMs < hotGapMs) {
      do {
        if (Atomics.load(this.words, signalWord) !== seen) {
          this.lastWaitMs = performance.now() - began
          return
        }
      } while (performance.now() - began < spinMs)
    }
    Atomics.wait(this.words, signalWord, seen)
    this.lastWaitMs = performance.now() - began
  }

  /** Guest thread: the call numbered `ordinal` begins. */
  begin(ordinal: number): void {
    this.start[0] = monotonicMs()
    Atomics.store(this.words, ordinalWord, ordinal)
    Atomics.store(this.words, stateWord, running)
  }

  /** Guest thread: claims the right to commit or roll back. False when the watchdog was faster: then the thread must do nothing more. */
  settle(): boolean {
    return Atomics.compareExchange(this.words, stateWord, running, settling) === running
  }

  /** Guest thread: the call is settled. */
  end(): void {
    Atomics.store(this.words, stateWord, idle)
  }

  /** Guest thread: sleeps until it is terminated. */
  park(): never {
    for (;;) Atomics.wait(this.words, stateWord, stopped)
  }

  /** Main thread: the call that runs and since when, in `monotonicMs`. A call that settles still runs. */
  runningCall(): { readonly ordinal: number; readonly startedMs: number } | undefined {
    const state = Atomics.load(this.words, stateWord)
    if (state !== running && state !== settling) return undefined
    return { ordinal: Atomics.load(this.words, ordinalWord), startedMs: this.start[0] ?? 0 }
  }

  /** Main thread: when the last call began, in `monotonicMs`. */
  get lastStartMs(): number {
    return this.start[0] ?? 0
  }

  /** Main thread: takes the running call's right to settle. False when it is idle or settling already. */
  stop(): boolean {
    return Atomics.compareExchange(this.words, stateWord, running, stopped) === running
  }
}

/** Ordinals are 32-bit words that go round; 0 is never one. */
export function nextOrdinal(ordinal: number): number {
  return ordinal >= 0x7fff_ffff ? 1 : ordinal + 1
}
