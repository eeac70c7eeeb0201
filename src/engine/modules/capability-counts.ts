import type { CapabilityCalls } from '../../shared/sandbox/protocol.ts'

interface Count {
  calls: number
  denied: number
}

/** How a module used a capability, over all its runs. */
export interface CapabilityUse {
  readonly calls: number
  readonly denied: number
  /** Unix milliseconds of the last call; null when there was none. */
  readonly lastUsedAt: number | null
}

/** Calls by capability over all runs of a module: what its sandboxes report, and what the engine refused. */
export class CapabilityCounts {
  private readonly earlierRuns = new Map<string, Count>()
  private readonly lastUsed = new Map<string, number>()
  private thisRun: CapabilityCalls = {}
  private run = 0
  private readonly refused = new Map<string, number>()

  /** Takes the counts since the beginning of `run`, as they are at `nowMs`; answers what was refused anew. */
  report(run: number, calls: CapabilityCalls, nowMs: number): string[] {
    if (run !== this.run) {
      for (const [capability, count] of Object.entries(this.thisRun)) {
        const earlier = this.earlierRuns.get(capability) ?? { calls: 0, denied: 0 }
        this.earlierRuns.set(capability, {
          calls: earlier.calls + count.calls,
          denied: earlier.denied + count.denied,
        })
      }
      this.run = run
      this.thisRun = {}
    }
    const refused: string[] = []
    for (const [capability, count] of Object.entries(calls)) {
      const before = Object.hasOwn(this.thisRun, capability) ? this.thisRun[capability] : undefined
      if (count.calls > (before?.calls ?? 0)) this.lastUsed.set(capability, nowMs)
      if (count.denied > (before?.denied ?? 0)) refused.push(capability)
    }
    this.thisRun = calls
    return refused
  }

  /** A call reached the engine; it is counted where it was made, and only its time is taken here. */
  use(capability: string, nowMs: number): void {
    this.lastUsed.set(capability, nowMs)
  }

  /** The engine answered a call `denied`, for instance by its method policy. */
  refuse(capability: string): void {
    this.refused.set(capability, (this.refused.get(capability) ?? 0) + 1)
  }

  of(capability: string): CapabilityUse {
    const earlier = this.earlierRuns.get(capability)
    const now = Object.hasOwn(this.thisRun, capability) ? this.thisRun[capability] : undefined
    return {
      calls: (earlier?.calls ?? 0) + (now?.calls ?? 0),
      denied: (earlier?.denied ?? 0) + (now?.denied ?? 0) + (this.refused.get(capability) ?? 0),
      lastUsedAt: this.lastUsed.get(capability) ?? null,
    }
  }
}
