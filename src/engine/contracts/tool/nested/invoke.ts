/** What a tool asks of another, by the alias it declared: every refusal is one stable word (spec tools 3). */
import type { InvokeAnswer } from '../../../../shared/contracts/tool-call.ts'
import type { ToolOutcome } from '../../../../shared/domain/tool.ts'
import type { Clock } from '../../../clock.ts'
import type { Job } from '../jobs/job.ts'
import type { ToolOperationRef } from '../jobs/tool.ts'
import { RateWindows } from './rate-windows.ts'

/** A call from outside is 1, so that three tools may follow one (spec tools 3). */
export const deepest = 4
/** Permits for nested calls, one gate per depth (spec tools 3). */
export const nestedPermits = [16, 8, 4] as const
/** Bytes of the parameters of a nested call (spec tools 3). */
const paramsBytes = 1_048_576

export interface NestedMeans {
  readonly clock: Clock
  readonly find: (operation: string) => ToolOperationRef | undefined
  readonly permission: (target: ToolOperationRef) => 'allow' | 'ask' | 'deny'
  /** Runs the target as a call of its own, within what is left of the outer one. */
  readonly run: (outer: Job, target: ToolOperationRef, params: string) => Promise<ToolOutcome>
}

export class NestedCalls {
  private readonly means: NestedMeans
  private readonly rates = new Map<string, RateWindows>()
  private readonly chains = new WeakMap<Job, readonly string[]>()

  constructor(means: NestedMeans) {
    this.means = means
  }

  /** Remembers through which operations a call came about. */
  begin(job: Job, outer: Job | undefined): void {
    const before = outer === undefined ? [] : (this.chains.get(outer) ?? [])
    this.chains.set(job, [...before, job.request.operation.id])
  }

  /** A tool is gone: its windows are forgotten. */
  forget(module: string): void {
    this.rates.delete(module)
  }

  /** Never rejects. */
  async invoke(outer: Job, alias: string, params: string): Promise<InvokeAnswer> {
    const target = this.judge(outer, alias, params)
    if (typeof target === 'string') return { ok: false, error: target }
    outer.invocations += 1
    const outcome = await this.means.run(outer, target, params)
    return outcome.ok ? { ok: true, output: outcome.output } : { ok: false, error: wordOf(outcome) }
  }

  private judge(outer: Job, alias: string, params: string): ToolOperationRef | string {
    const { tool } = outer.request
    const { tools } = tool.declaration
    if (outer.remainingMs <= 0) return 'deadline_exceeded'
    if (!outer.grants.mayInvoke) return 'not_granted'
    const operation = Object.hasOwn(tools.alias, alias) ? tools.alias[alias] : undefined
    const target = operation === undefined ? undefined : this.means.find(operation)
    if (operation === undefined || target === undefined) return 'unknown_alias'
    if (outer.request.depth >= deepest || this.chains.get(outer)?.includes(operation) === true)
      return 'too_deep'
    if (params.length > paramsBytes || Buffer.byteLength(params) > paramsBytes) return 'input_encode'
    if (this.means.permission(target) !== 'allow') return 'not_granted'
    if (outer.invocations >= tools.callsPerCall || !this.ratesOf(outer).take()) return 'rate_limited'
    return target
  }

  private ratesOf({ request: { tool } }: Job): RateWindows {
    const known = this.rates.get(tool.module)
    if (known !== undefined) return known
    const windows = new RateWindows(this.means.clock, tool.declaration.tools.rate)
    this.rates.set(tool.module, windows)
    return windows
  }
}

/** The kind of the failure, but for what the caller can tell apart by its code. */
function wordOf({ failure }: Extract<ToolOutcome, { ok: false }>): string {
  const { kind, code } = failure
  return code === 'busy' || code === 'deadline_exceeded' ? code : kind
}
