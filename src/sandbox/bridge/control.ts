/**
 * The few words of shared memory between a sandbox's main thread and its guest thread.
 *
 * The guest thread runs no event loop: it sleeps on the signal word. Who ends a call is settled by one
 * compare-and-swap on the state word: either the guest thread settles it (commit or roll back), or the
 * watchdog stops it, never both.
 */

import { statementKinds, type StatementKind, type StatementMark } from '../../shared/sandbox/protocol.ts'
import { AdaptiveSpin } from './spin.ts'

const signalWord = 0
const stateWord = 1
/** Byte offset of the float64 with the running call's start. */
const startOffset = 8
const outputWord = 4
/** 0 while no SQL runs, else its kind from 1, and whether it is revertible. */
const statementWord = 5
/** Byte offsets of float64s: when the SQL began, and its budget. */
const statementStartOffset = 24
const statementBudgetOffset = 32
/** How many calls, the running one and those before it, are settled together. */
const settledWord = 10
/** Which step runs, from 1, or 0; how many began so far; byte offset of the float64 with its budget. */
const stepWord = 11
const stepCountWord = 12
const stepBudgetOffset = 56
const bytes = 64
const revertibleBit = 0x100
const kindMask = 0xff
/** A guest that is called again and again gets its next call within this. */
const signalSpinMs = 0.2

/** The state word holds the running call's ordinal and its phase, so that nobody stops another call than meant. */
const phaseBits = 2
const phaseMask = 3
const idle = 0
const running = 1
const settling = 2
const stopped = 3
const maxOrdinal = 0x1fff_ffff

/** Monotonic milliseconds, the same on every thread of the process. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export class ControlBlock {
  readonly buffer: SharedArrayBuffer
  private readonly words: Int32Array
  private readonly start: Float64Array
  private readonly statementStart: Float64Array
  private readonly statementBudget: Float64Array
  private readonly stepBudget: Float64Array
  private readonly spin = new AdaptiveSpin(signalSpinMs)

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(bytes)) {
    this.buffer = buffer
    this.words = new Int32Array(buffer)
    this.start = new Float64Array(buffer, startOffset, 1)
    this.statementStart = new Float64Array(buffer, statementStartOffset, 1)
    this.statementBudget = new Float64Array(buffer, statementBudgetOffset, 1)
    this.stepBudget = new Float64Array(buffer, stepBudgetOffset, 1)
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

  /** Guest thread: returns once there were signals beyond `seen`, or after `ms`. */
  wait(seen: number, ms = Number.POSITIVE_INFINITY): void {
    if (this.spin.look(() => Atomics.load(this.words, signalWord) !== seen)) return
    Atomics.wait(this.words, signalWord, seen, ms)
  }

  /** Guest thread: says that it has posted a message. */
  announce(): void {
    Atomics.add(this.words, outputWord, 1)
  }

  /** Main thread: rises with every message the guest thread posts. */
  get outputs(): number {
    return Atomics.load(this.words, outputWord)
  }

  /** Guest thread: the call numbered `ordinal` begins, or goes on; its time is taken from `creditMs` from now on. */
  begin(ordinal: number, creditMs = 0): void {
    this.start[0] = monotonicMs() + creditMs
    Atomics.store(this.words, stateWord, word(ordinal, running))
  }

  /**
   * Guest thread: claims the right to commit or roll back, for the calls from `first` to the one numbered `ordinal`.
   * False when the watchdog was faster: then the thread must do nothing more.
   */
  settle(ordinal: number, first = ordinal): boolean {
    Atomics.store(this.words, settledWord, stepsBetween(first, ordinal) + 1)
    return this.exchange(ordinal, settling)
  }

  /** Guest thread: the call is settled. */
  end(): void {
    Atomics.store(this.words, stateWord, idle)
  }

  /** Guest thread: sleeps until it is terminated. */
  park(): never {
    const now = Atomics.load(this.words, stateWord)
    for (;;) Atomics.wait(this.words, stateWord, now)
  }

  /** Main thread: the call that runs and since when, in `monotonicMs`. A call that settles still runs. */
  runningCall():
    { readonly ordinal: number; readonly startedMs: number; readonly isSettling: boolean } | undefined {
    const state = Atomics.load(this.words, stateWord)
    const phase = state & phaseMask
    if (phase !== running && phase !== settling) return undefined
    return { ordinal: state >>> phaseBits, startedMs: this.start[0] ?? 0, isSettling: phase === settling }
  }

  /** Main thread: whether the call numbered `ordinal` is among those that are being settled. */
  isSettling(ordinal: number): boolean {
    const running = this.runningCall()
    if (running?.isSettling !== true) return false
    return stepsBetween(ordinal, running.ordinal) < Atomics.load(this.words, settledWord)
  }

  /** Guest thread: SQL of this kind begins, with its budget in milliseconds. */
  beginStatement(kind: StatementKind, budgetMs: number, revertible: boolean): void {
    this.statementStart[0] = monotonicMs()
    this.statementBudget[0] = budgetMs
    const number = statementKinds.indexOf(kind) + 1
    Atomics.store(this.words, statementWord, number | (revertible ? revertibleBit : 0))
  }

  /** Guest thread: the SQL has ended. */
  endStatement(): void {
    Atomics.store(this.words, statementWord, 0)
  }

  /** Main thread: the SQL that runs. */
  runningStatement(): StatementMark | undefined {
    const state = Atomics.load(this.words, statementWord)
    const kind = statementKinds[(state & kindMask) - 1]
    if (kind === undefined) return undefined
    return {
      kind,
      budgetMs: this.statementBudget[0] ?? 0,
      ranMs: Math.max(0, monotonicMs() - (this.statementStart[0] ?? 0)),
      revertible: (state & revertibleBit) !== 0,
    }
  }

  /**
   * Guest thread: a step of the running call begins. Plain stores without a clock, since there are a million a second; the
   * other thread takes the time from when it first saw the step.
   */
  beginStep(step: number, budgetMs: number): void {
    const { words } = this
    this.stepBudget[0] = budgetMs
    words[stepCountWord] = ((words[stepCountWord] ?? 0) + 1) | 0
    words[stepWord] = step + 1
  }

  /** Guest thread: the step has ended. */
  endStep(): void {
    this.words[stepWord] = 0
  }

  /** Main thread: the step that runs; `count` tells it from another one of the same place. */
  runningStep(): { readonly step: number; readonly count: number; readonly budgetMs: number } | undefined {
    const step = Atomics.load(this.words, stepWord)
    if (step === 0) return undefined
    return {
      step: step - 1,
      count: Atomics.load(this.words, stepCountWord),
      budgetMs: this.stepBudget[0] ?? 0,
    }
  }

  /** Main thread: when the last call began, in `monotonicMs`. */
  get lastStartMs(): number {
    return this.start[0] ?? 0
  }

  /** Main thread: takes the call's right to settle. False when it is settling already or does not run. */
  stop(ordinal: number): boolean {
    return this.exchange(ordinal, stopped)
  }

  private exchange(ordinal: number, phase: number): boolean {
    const expected = word(ordinal, running)
    return Atomics.compareExchange(this.words, stateWord, expected, word(ordinal, phase)) === expected
  }
}

function word(ordinal: number, phase: number): number {
  return (ordinal << phaseBits) | phase
}

/** How many ordinals after `first` comes `last`. */
function stepsBetween(first: number, last: number): number {
  return last >= first ? last - first : last - first + maxOrdinal
}

/** Ordinals go round; 0 is never one. */
export function nextOrdinal(ordinal: number): number {
  return ordinal >= maxOrdinal ? 1 : ordinal + 1
}
