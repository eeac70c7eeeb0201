/** What a stage may ask about its running call, computed when it asks (spec flows 8.2, 11): most never do. */
import type { CallContext } from '../stages/stage.ts'
import type { FlowClock } from './flow-clock.ts'
import { spanIdOf } from './metrics/span-id.ts'

const nsPerMs = 1_000_000

/** What all nodes of a flow have in common. */
export interface FlowFacts {
  readonly clock: FlowClock
  /** Empty with tracing off. */
  readonly traceId: string
  readonly spanPrefix: string
  /** Whether ids are told. */
  isTracing: boolean
  /** When the flow must have ended, in milliseconds of the clock; infinite without a deadline. */
  deadlineMs: number
}

export class NodeContext implements CallContext {
  readonly fuel: number
  /** Number of the running call, and when it must have ended. */
  call = 0
  callEndsMs = Number.POSITIVE_INFINITY
  private readonly facts: FlowFacts

  constructor(facts: FlowFacts, fuel: number) {
    this.facts = facts
    this.fuel = fuel
  }

  get traceId(): string {
    return this.facts.isTracing ? this.facts.traceId : ''
  }

  get spanId(): string {
    return this.facts.isTracing ? spanIdOf(this.facts.spanPrefix, this.call) : ''
  }

  /** Smaller of what is left of the flow and of the call, at least 1; 0 without any limit. */
  get deadlineNs(): bigint {
    const endsMs = Math.min(this.facts.deadlineMs, this.callEndsMs)
    if (endsMs === Number.POSITIVE_INFINITY) return 0n
    return BigInt(Math.max(1, Math.floor((endsMs - this.facts.clock.now()) * nsPerMs)))
  }
}
