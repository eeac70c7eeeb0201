/** How often a module called each capability in this run, for the console. */
import type { CapabilityCalls } from '../../shared/sandbox/protocol.ts'
import type { HostInterface } from '../binding/types.ts'

/** Counts travel with a reply at most this often: they are for eyes, not for accounts. Milliseconds. */
const reportEveryMs = 1_000

interface Count {
  calls: number
  denied: number
}

export class CallCounts {
  private readonly counts = new Map<string, Count>()
  private changed = false
  private reportedAtMs = Number.NEGATIVE_INFINITY

  /** The same interface with its calls counted; `isDenied` tells whether a call of it is refused now. */
  counted(capability: string, host: HostInterface, isDenied: () => boolean): HostInterface {
    const count: Count = { calls: 0, denied: 0 }
    this.counts.set(capability, count)
    const functions = Object.entries(host.functions).map(([name, implementation]) => [
      name,
      (...params: never[]): unknown => {
        count.calls += 1
        if (isDenied()) count.denied += 1
        this.changed = true
        return implementation(...params)
      },
    ])
    return { type: host.type, functions: Object.fromEntries(functions) as HostInterface['functions'] }
  }

  /** The counts since the run began, when they changed and were not reported lately. */
  report(nowMs: number): CapabilityCalls | undefined {
    if (!this.changed || nowMs - this.reportedAtMs < reportEveryMs) return undefined
    this.changed = false
    this.reportedAtMs = nowMs
    const called = [...this.counts].filter(([, count]) => count.calls > 0)
    return Object.fromEntries(called.map(([capability, count]) => [capability, { ...count }]))
  }
}
