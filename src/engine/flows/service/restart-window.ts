import type { FlowPlan } from '../../../shared/contracts/flow.ts'
import type { Clock } from '../../clock.ts'

/** How often a flow was started again by itself, within its window (spec flows 9.5). */
export class RestartWindow {
  private readonly clock: Pick<Clock, 'monotonicMs'>
  private times: number[] = []

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.clock = clock
  }

  /** Whether one more is allowed; counts it when it is. */
  allows({ mode, max, windowMs }: FlowPlan['restart']): boolean {
    const now = this.clock.monotonicMs()
    this.times = this.times.filter((time) => now - time < windowMs)
    if (mode !== 'on-trap' || this.times.length >= max) return false
    this.times.push(now)
    return true
  }
}
