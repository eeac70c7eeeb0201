/** What is kept of one call and shown of it: state, outcome, usage, trace and lines (spec tools 10, 12). */
import type { EgressTrace, ToolCallView, ToolOutcome, ToolUsage } from '../../../../shared/domain/tool.ts'
import { JobStates, shownState, type JobState } from './job-state.ts'

/** Bytes of the parameters that are kept. */
export const paramsBytes = 65_536

export const noUsage: ToolUsage = {
  wallMs: 0,
  outputBytes: 0,
  egressBytes: 0,
  totalBytesOut: 0,
  bytesIn: 0,
  httpRequests: 0,
  invocations: 0,
}

export interface CallIdentity {
  readonly id: string
  readonly module: string
  readonly operation: string
  readonly caller: ToolCallView['caller']
  readonly startedAt: number
}

export class CallRecord {
  readonly identity: CallIdentity
  readonly states: JobStates
  usage: ToolUsage = noUsage
  trace: readonly EgressTrace[] = []
  logs: ToolCallView['logs'] = []
  logsDropped = 0
  outcome: ToolOutcome | null = null
  /** Whether a guest acted for it, and whether its end was counted. */
  hasRun = false
  isCounted = false
  private params = ''

  /** `onStep` hears of every state, with what it was before. */
  constructor(identity: CallIdentity, onStep: (record: CallRecord, state: JobState) => void) {
    this.identity = identity
    this.states = new JobStates((state) => onStep(this, state))
  }

  /** Keeps the parameters, cut and scrubbed already. */
  keepParams(scrubbed: string): void {
    this.params = scrubbed
  }

  /** Forgets an output that is too long to be kept; answers how many characters that frees. */
  dropOutput(): number {
    const { outcome } = this
    if (outcome?.ok !== true) return 0
    const freed = outcome.output.length
    this.outcome = { ok: true, output: JSON.stringify(`[${freed} characters are no longer kept]`) }
    return freed
  }

  view(): ToolCallView {
    const { identity, states, params, outcome, usage, trace, logs, logsDropped } = this
    return {
      ...identity,
      state: shownState(states.state),
      params,
      outcome,
      usage,
      trace: [...trace],
      logs,
      logsDropped,
    }
  }
}
