/** Keeps a node from being called while what it depends on is away (spec flows 9.3). */
import type { FlowNode } from '../../../../../shared/contracts/flow.ts'

type CircuitPlan = NonNullable<FlowNode['circuit']>
export type CircuitState = 'closed' | 'open' | 'half-open'

export class Circuit {
  readonly plan: CircuitPlan
  state: CircuitState = 'closed'
  private failures = 0
  private openMs: number
  private untilMs = 0

  constructor(plan: CircuitPlan) {
    this.plan = plan
    this.openMs = plan.openMs
  }

  get opensUntilMs(): number {
    return this.untilMs
  }

  /** A call was refused as unavailable at `nowMs`; answers whether the circuit opened by it. */
  fail(nowMs: number): boolean {
    if (this.state === 'half-open') {
      this.openMs = Math.min(this.plan.maxOpenMs, this.openMs * 2)
    } else {
      this.failures += 1
      if (this.failures < this.plan.failures) return false
    }
    this.state = 'open'
    this.untilMs = nowMs + this.openMs
    return true
  }

  /** Whether nothing may be called now; the first look after its time lets one probe through. */
  isOpenAt(nowMs: number): boolean {
    if (this.state !== 'open') return false
    if (nowMs < this.untilMs) return true
    this.state = 'half-open'
    return false
  }

  /** A call went well; answers whether the circuit closed by it. */
  succeed(): boolean {
    this.failures = 0
    if (this.state === 'closed') return false
    this.state = 'closed'
    this.openMs = this.plan.openMs
    return true
  }
}
