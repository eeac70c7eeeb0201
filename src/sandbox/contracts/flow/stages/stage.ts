/**
 * What the driver of a flow sees of one running instance (spec flows 5.3, 8). A call leaves its result in fields, so that
 * an element costs no allocation beyond its own. Buffers are reference-counted: `retain` for each further holder, `release`
 * by each; an input is lent to the stage for the call and stays the driver's.
 */
import type { StageErrorCase, StageRole } from '../../../../shared/contracts/flow.ts'

/** Host bytes with an owner (spec flows 8.1). The bytes are touched by guest calls only. */
export interface ElementBuffer {
  readonly id: number
  /** Bytes of its tier, and those written. */
  readonly capacity: number
  readonly size: number
  readonly contentTypeHint: string
  retain(): void
  /** The last holder gives it back to the flow's pool. */
  release(): void
}

/** One element in a queue: the runtime's own metadata (spec flows 5.4) and a buffer. */
export interface Element {
  /** Given anew for each consuming node. */
  sequence: number
  readonly timestampNs: bigint
  readonly contentType: string
  readonly buffer: ElementBuffer
  /** Monotonic nanoseconds at the end of its pull, for latency. */
  readonly pulledNs: number
}

/** What a call came to. `trap`: the instance is dead and `stage.error` says why, as `fatal` or `deadline-exceeded` (out of fuel). */
export type CallOutcome =
  | 'emit' // pull, process, ingest: `output` is set
  | 'none' // pull: exhausted; process: dropped; ingest: absorbed
  | 'pass' // evaluate: true
  | 'reject' // evaluate: false
  | 'routed' // route: `ports` is set
  | 'flushed' // flush: `outputs` is set
  | 'ready' // push, complete, init, teardown, notify
  | 'pause' // push
  | 'error' // `error` is set, the instance lives
  | 'trap'

export interface StageFault {
  readonly case: StageErrorCase
  readonly message: string
  /** For `trap`: which rule was broken (`returned a lent buffer`, `unreachable`, …). */
  readonly trap: string | null
}

/** An output before the driver gives it sequence and time. `buffer` is held by the driver from now on. */
export interface StageOutput {
  readonly contentType: string
  readonly buffer: ElementBuffer
}

/** What the driver tells a stage before calls: limits and what `flow-context` answers (spec flows 8.2). */
export interface CallContext {
  readonly traceId: string
  /** 16 hexadecimal digits, or empty. */
  spanId: string
  /** Nanoseconds left for the call as told to the guest, at least 1 where a limit exists, 0 for none. */
  deadlineNs: bigint
  /** Fuel of the call; 0 for no bound. */
  fuel: number
}

/** Counted by the stage as calls go; read by the driver for its figures. */
export interface StageCounters {
  readonly copies: number
  readonly copyBytes: number
  /** Fuel of all calls so far. */
  readonly fuelUsed: number
  readonly memoryBytes: number
  /** Host bytes owned now (capacities). */
  readonly ownedBytes: number
}

/** Each transfer of the last call, kept with level `diagnostic` only. */
export interface CopyRecord {
  readonly kind: 'read' | 'write' | 'clone'
  readonly bytes: number
}

export interface Stage {
  readonly role: StageRole
  readonly hasLifecycle: boolean
  /** After `trap` every call answers `trap` again. */
  readonly isDead: boolean
  readonly counters: StageCounters
  readonly context: CallContext

  readonly output: StageOutput | null
  readonly outputs: readonly StageOutput[]
  readonly ports: readonly string[]
  readonly error: StageFault | null
  /** Whether copies are recorded one by one. */
  recordsCopies: boolean
  readonly copyRecords: readonly CopyRecord[]

  init(config: string): CallOutcome
  teardown(): CallOutcome
  /** Of a source. */
  pull(): CallOutcome
  notifyBackpressure(signal: 'pause' | 'ready'): CallOutcome
  /** `process`, `evaluate`, `route`, `ingest` or `push`, by the stage's role. The input stays the driver's. */
  accept(input: Element): CallOutcome
  /** Of an aggregator. */
  flush(): CallOutcome
  /** Of a sink. */
  complete(): CallOutcome
  /** Gives back every buffer that the guest still holds; answers how many (spec flows 8.5). */
  reclaim(): number
}
