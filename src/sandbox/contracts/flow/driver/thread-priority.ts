/**
 * How flows share the cores (spec flows 5.7). Each flow has a thread of its own that runs no event loop and reads its mail
 * before every step, so it has nobody to return to after 128 elements or 4 ms: the operating system shares the cores out,
 * by the weight that the thread asks for here.
 */
import { setPriority } from 'node:os'
import type { FlowPlan } from '../../../../shared/contracts/flow.ts'
import type { Reporter } from './metrics/reporter.ts'

/** Above 0 gives way. Nothing asks for more than others get by default: that takes rights that nobody should need. */
const niceness = { critical: 0, high: 0, normal: 0, low: 3, background: 6 } as const

/** Sets it for the calling thread, as far as the system lets it: a thread that gave way is rarely let back. */
export function setThreadPriority(priority: FlowPlan['priority'], reporter: Reporter): void {
  try {
    // Process 0 is the calling thread on Linux, and the whole process elsewhere.
    setPriority(0, niceness[priority])
  } catch {
    reporter.event(
      'flow.priority',
      'warn',
      null,
      `The system does not let a running flow change to priority ${priority}; it has effect from the next start.`,
    )
  }
}
