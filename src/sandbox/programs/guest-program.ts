/** What a guest thread runs: a contract's own way of serving calls. One program per thread, one call at a time. */
import type { PaddockError } from '../../shared/errors.ts'
import type {
  CallOutcome,
  CallUsage,
  GuestCall,
  Linkage,
  LoadSpec,
  StatementKind,
} from '../../shared/sandbox/protocol.ts'
import type { LogBuffer } from '../bridge/log-buffer.ts'
import type { CallCounts } from '../contracts/call-counts.ts'

/** Asks the engine and blocks until it answers. Throws `HostRefusal`. */
export type CallHost = (capability: string, name: string, args: unknown[]) => unknown

/** Tells the watchdog which SQL runs since when (spec actors-sql 10). Costs three stores into shared memory. */
export interface StatementMarks {
  /**
   * SQL of this kind begins; it may take `budgetMs`. `revertible`: ending the process now surely leaves nothing of it
   * behind, because it only reads or an explicit transaction is open.
   */
  begin(kind: StatementKind, budgetMs: number, revertible: boolean): void
  end(): void
}

/** Tells the watchdog which step of the one long call runs (spec flows 10.3). Costs three plain stores into shared memory. */
export interface StepMarks {
  /** Says what steps are called; from now on the watchdog looks after them. Before the first `begin`. */
  name(names: readonly string[]): void
  /** The step at this place of `name` begins; longer than `budgetMs` and the thread is ended, with the step named. */
  begin(step: number, budgetMs: number): void
  end(): void
}

/** Mail with the engine, for a program that runs one long call (a flow). */
export interface Mailbox {
  /** Whether anything came since `take`: one atomic load. */
  readonly hasNews: boolean
  /** Letters in order; never sleeps. The contract's schema must check each. */
  take(): unknown[]
  /** The sandbox is being stopped: end soon. Up to date after `take`. */
  readonly stopping: boolean
  /** Sleeps until something comes, or `ms` have passed. */
  sleep(ms: number): void
  /** Sends without waiting. Everything in it must be cloneable. */
  send(letter: unknown): void
}

/** What the thread lends to a program. */
export interface ProgramContext {
  readonly spec: LoadSpec
  readonly log: LogBuffer
  readonly callHost: CallHost
  /** How the capability is linked now; `denied` when nothing was said about it. */
  readonly linkage: (capability: string) => Linkage
  readonly statements: StatementMarks
  readonly steps: StepMarks
  readonly mail: Mailbox
}

/** What was committed before, as far as the program keeps it. */
export interface ProgramProgress {
  /** Sequence of the last committed call; -1 for none. */
  readonly lastSequence: number
  /** Committed position of each event source. */
  readonly cursors: Readonly<Record<string, string>>
}

/** What a program is lent while it serves several calls. Calls are named by their place. */
export interface BatchTurn {
  /** The guest goes on with this call: its deadline begins anew, `creditMs` from now. */
  begin(index: number, creditMs?: number): void
  /**
   * Before anything is made durable of the calls from `first` to the one begun last: returns when the watchdog can no
   * longer stop it, or never. Ends with the next `begin`.
   */
  claim(first: number): void
  /** The call's answer, once. It is sent at once: what was made durable must be known before a guest runs again. */
  reply(index: number, outcome: CallOutcome, usage: Pick<CallUsage, 'durationUs' | 'fuel' | 'writes'>): void
}

/** Serves calls of one operation that wait at the same time, to make them durable together. */
export interface BatchServing {
  readonly operation: string
  readonly maxCalls: number
  /** Answers every call. A `failed` answer ends the program; calls behind it are answered `not-started`. */
  serve(calls: readonly GuestCall[], turn: BatchTurn): void
}

export interface GuestProgram {
  readonly progress: ProgramProgress
  /** What the operator should know. */
  readonly warnings: readonly PaddockError[]
  /** How often the guest called each capability. */
  readonly counts: CallCounts
  /** Fuel the last call used, or null for an unmetered artifact. */
  readonly usedFuel: number | null
  /** Sum of the linear memories, in bytes. */
  readonly memoryBytes: number
  readonly storeBytes: number
  /** Writes of the last call. */
  readonly writes: number
  /**
   * Runs one call to its end. `claim` is called once, after the guest and before anything is made durable: it
   * returns when the watchdog can no longer stop the call, or never. A `failed` outcome ends the program.
   */
  run(call: GuestCall, claim: () => void): CallOutcome
  /** How it serves several calls at once, where it does. */
  readonly batches?: BatchServing
  /** Called when a reply has been sent: time for what the next call need not wait for. */
  afterReply?(isIdle: () => boolean): void
  /** Releases what it holds. Throws `store.*`. */
  close(): void
}
