/** Calls under way: begun, told of, counted, and ended with the engine (spec tools 8, 10). */
import { randomUUID } from 'node:crypto'
import type { ToolCallView } from '../../../shared/domain/tool.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { ToolCallRequest } from './api.ts'
import { CallHistory } from './jobs/call-history.ts'
import { CallRecord } from './jobs/call-record.ts'
import type { Fault } from './jobs/faults.ts'
import { Job, type JobMeans } from './jobs/job.ts'
import type { JobState } from './jobs/job-state.ts'
import type { ToolOperationRef } from './jobs/tool.ts'
import type { NestedCalls } from './nested/invoke.ts'
import type { RegisteredTool } from './registered-tool.ts'
import type { Telling } from './telling.ts'

/** What is under way when the engine stops has this long to be settled (spec tools 10). */
const closeMs = 5_000

export interface CallStart {
  readonly params: string
  readonly caller: ToolCallView['caller']
  readonly approved: boolean
  readonly refusal: Fault | undefined
  readonly reservation?: string | undefined
  readonly onProgress?: ToolCallRequest['onProgress'] | undefined
}

export interface CallDeskOptions {
  readonly clock: Clock
  readonly means: JobMeans
  readonly nested: NestedCalls
  readonly telling: Telling
  readonly entry: (module: string) => RegisteredTool
}

export class CallDesk {
  readonly past = new CallHistory()
  private readonly options: CallDeskOptions
  private readonly calls = new Map<string, Job>()
  private readonly ends = new WeakMap<Job, Promise<ToolCallView>>()

  constructor(options: CallDeskOptions) {
    this.options = options
  }

  /** Calls that are not settled. */
  get all(): Job[] {
    return [...this.calls.values()]
  }

  /** False when it has its answer or is unknown. */
  cancel(id: string): boolean {
    return this.calls.get(id)?.cancel() ?? false
  }

  /** Begins a call of somebody outside. */
  begin(
    target: ToolOperationRef,
    call: CallStart,
    signal: AbortSignal | undefined,
  ): { readonly id: string; readonly done: Promise<ToolCallView> } {
    const job = this.create(target, call)
    const done = this.run(job)
    if (signal !== undefined) {
      const leave = (): void => void job.cancel()
      signal.addEventListener('abort', leave, { once: true })
      void done.finally(() => signal.removeEventListener('abort', leave))
      if (signal.aborted) leave()
    }
    return { id: job.record.identity.id, done }
  }

  /** Runs a call of another tool within the outer one; never rejects for what the call itself comes to. */
  runNested(
    outer: Job,
    target: ToolOperationRef,
    params: string,
  ): Promise<NonNullable<ToolCallView['outcome']>> {
    const job = this.create(target, { params, caller: 'tool', approved: false, refusal: undefined, outer })
    const leave = (): void => void job.cancel()
    outer.signal.addEventListener('abort', leave, { once: true })
    const done = this.run(job).then(({ outcome }) => {
      outer.signal.removeEventListener('abort', leave)
      if (outcome === null) throw new PaddockError('internal.bug', 'A call ended without an answer.')
      return outcome
    })
    if (outer.signal.aborted) leave()
    outer.track(done)
    return done
  }

  /** Waits for the calls for `graceMs`, stops what is left, and gives that five seconds more. */
  async drain(jobs: readonly Job[], graceMs: number): Promise<void> {
    const { clock } = this.options
    const settled = Promise.all(jobs.flatMap((job) => this.ends.get(job) ?? []))
    const within = (ms: number): Promise<unknown> => {
      let stop = (): void => undefined
      const late = new Promise<void>((resolve) => {
        stop = clock.after(ms, resolve)
      })
      return Promise.race([settled, late]).finally(() => stop())
    }
    if (graceMs > 0) await within(graceMs)
    for (const job of jobs) job.cancel()
    await within(closeMs)
  }

  private create(target: ToolOperationRef, call: CallStart & { readonly outer?: Job }): Job {
    const { tool, operation } = target
    const { outer, params, approved, refusal, reservation, caller } = call
    const registered = this.options.entry(tool.module)
    const startedAt = this.options.clock.now()
    const identity = { id: randomUUID(), module: tool.module, operation: operation.id, caller, startedAt }
    const record = new CallRecord(identity, (each, state) => {
      this.count(registered, each, state)
      if (call.onProgress !== undefined || this.options.telling.hearsCalls) {
        const view = each.view()
        call.onProgress?.(view)
        this.options.telling.call(view)
      }
      this.options.telling.changed()
    })
    const { timeoutMs } = tool.declaration.limits
    const job = new Job(
      this.options.means,
      {
        tool,
        operation,
        params,
        depth: (outer?.request.depth ?? 0) + 1,
        timeoutMs: outer === undefined ? timeoutMs : Math.min(timeoutMs, outer.remainingMs),
        approved,
        refusal,
        reservation,
        invoke: (each, alias, nestedParams) => this.options.nested.invoke(each, alias, nestedParams),
      },
      record,
    )
    this.options.nested.begin(job, outer)
    this.past.add(record)
    registered.jobs.add(job)
    registered.counts.queued += 1
    this.calls.set(identity.id, job)
    return job
  }

  private run(job: Job): Promise<ToolCallView> {
    const { id, module } = job.record.identity
    const registered = this.options.entry(module)
    const done = job.run().finally(() => {
      this.calls.delete(id)
      registered.jobs.delete(job)
      if (job.record.outcome?.ok === true) job.request.tool.onHealthy()
      this.past.trim()
    })
    this.ends.set(job, done)
    return done
  }

  private count({ counts }: RegisteredTool, record: CallRecord, state: JobState): void {
    if (state === 'running') {
      counts.queued -= 1
      counts.running += 1
      record.hasRun = true
    }
    if (state === 'settling') {
      if (record.hasRun) counts.running -= 1
      else counts.queued -= 1
    }
    const { outcome } = record
    if (outcome === null || record.isCounted) return
    record.isCounted = true
    counts.ended(outcome.ok ? 'ok' : outcome.failure.kind)
  }
}
