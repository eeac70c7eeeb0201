import type { CapabilityCalls } from '../../shared/sandbox/protocol.ts'

interface Count {
  calls: number
  denied: number
}

/** Calls by capability over all runs of a module: what its sandboxes report, and what the engine refused. */
export class CapabilityCounts {
  private readonly earlierRuns = new Map<string, Count>()
  private thisRun: CapabilityCalls = {}
  private run = 0
  private readonly refused = new Map<string, number>()

  /** Takes the counts since the beginning of `run`. */
  report(run: number, calls: CapabilityCalls): void {
    if (run !== this.run) {
      for (const [capability, count] of Object.entries(this.thisRun)) {
        const earlier = this.earlierRuns.get(capability) ?? { calls: 0, denied: 0 }
        this.earlierRuns.set(capability, {
          calls: earlier.calls + count.calls,
          denied: earlier.denied + count.denied,
        })
      }
      this.run = run
    }
    this.thisRun = calls
  }

  /** The engine answered a call `denied`, for instance by its method policy. */
  refuse(capability: string): void {
    this.refused.set(capability, (this.refused.get(capability) ?? 0) + 1)
  }

  of(capability: string): Count {
    const earlier = this.earlierRuns.get(capability)
    const now = Object.hasOwn(this.thisRun, capability) ? this.thisRun[capability] : undefined
    return {
      calls: (earlier?.calls ?? 0) + (now?.calls ?? 0),
      denied: (earlier?.denied ?? 0) + (now?.denied ?? 0) + (this.refused.get(capability) ?? 0),
    }
  }
}
