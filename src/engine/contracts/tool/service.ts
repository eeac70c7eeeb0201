/** The tools of one engine: what console, command and servers ask of them (spec tools 8 to 10). */
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import type { ToolOperation } from '../../../shared/contracts/tool.ts'
import type { SecretView, ToolCallView, ToolView } from '../../../shared/domain/tool.ts'
import type { ModuleGrants } from '../../../shared/domain/operator/grants.ts'
import { PaddockError, type ErrorReport } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { Governor } from '../../governor/governor.ts'
import { Gate } from '../../sandboxes/gates/gate.ts'
import { createGates, defaultGateSizes, type GateSizes } from '../../sandboxes/gates/gates.ts'
import type { ProcessMeans } from '../../sandboxes/launch-process.ts'
import type { EngineLog } from '../../telemetry/engine-log.ts'
import type { ToolApi, ToolCallRequest, ToolHistoryFilter } from './api.ts'
import type { ToolBroker } from './broker.ts'
import { CallHistory } from './jobs/call-history.ts'
import { CallRecord } from './jobs/call-record.ts'
import { faults, type Fault } from './jobs/faults.ts'
import { Job, type JobMeans } from './jobs/job.ts'
import type { JobState } from './jobs/job-state.ts'
import { PreparedTools } from './jobs/prepared-tools.ts'
import type { Tool, ToolOperationRef } from './jobs/tool.ts'
import { NestedCalls, nestedPermits } from './nested/invoke.ts'
import { RegisteredTool, withGrants, type KnownTool } from './registered-tool.ts'
import { RunnerPool } from './runners/runner-pool.ts'
import { Telling } from './telling.ts'

/** What is under way when the engine stops has this long to be settled (spec tools 10). */
const closeMs = 5_000

export interface ToolServiceOptions {
  readonly stateDir: string
  readonly clock: Clock
  readonly processes: ProcessMeans
  readonly governor: Governor
  readonly broker: ToolBroker
  readonly log: EngineLog
  /** Permits to prepare and to execute; of the service's own, so that tools and modules do not hold each other up. */
  readonly gates?: GateSizes
  /** Keeps what the operator says of a module. Throws `module.unknown`. */
  readonly keepGrants: (module: string, change: Partial<ModuleGrants>) => void
  /** Whether the module is still installed. */
  readonly isInstalled: (module: string) => boolean
}

export class ToolService implements ToolApi {
  readonly gates: readonly Gate[]
  readonly preparing: Gate
  readonly pool: RunnerPool
  readonly prepared: PreparedTools
  private readonly options: ToolServiceOptions
  private readonly means: JobMeans
  private readonly tools = new Map<string, RegisteredTool>()
  /** By the id of the operation, of tools that take calls. */
  private readonly operations = new Map<string, ToolOperationRef>()
  private readonly calls = new Map<string, Job>()
  private readonly past = new CallHistory()
  private readonly nested: NestedCalls
  private readonly telling: Telling
  private present: ReadonlySet<string> = new Set()
  private closing: Promise<void> | undefined

  constructor(options: ToolServiceOptions) {
    const { clock, processes, governor, broker } = options
    this.options = options
    const { preparing, executing } = createGates(clock, options.gates ?? defaultGateSizes)
    this.preparing = preparing
    this.gates = [
      executing,
      ...nestedPermits.map((permits, index) => new Gate({ name: `nested ${index + 2}`, permits, clock })),
    ]
    this.telling = new Telling(clock)
    this.pool = new RunnerPool({ processes, clock, onLost: (error, guilty) => this.onLost(error, guilty) })
    this.prepared = new PreparedTools({
      clock,
      gate: preparing,
      pool: this.pool,
      directory: path.join(options.stateDir, 'tools'),
    })
    this.means = { clock, governor, broker, pool: this.pool, prepared: this.prepared, gates: this.gates }
    this.nested = new NestedCalls({
      clock,
      find: (operation) => this.operations.get(operation),
      permission: (target) => this.permissionOf(target),
      run: (outer, target, params) => this.runNested(outer, target, params),
    })
  }

  /** Calls that are not settled. */
  get open(): number {
    return this.calls.size
  }

  /** Figures of every tool, for metrics. */
  get all(): readonly RegisteredTool[] {
    return [...this.tools.values()]
  }

  /** A module of tools was loaded: it is listed from now on. */
  introduce(known: KnownTool): void {
    const registered = this.tools.get(known.module)
    if (registered === undefined) this.tools.set(known.module, new RegisteredTool(known))
    else registered.renew(known)
    this.telling.changed()
  }

  /** Takes calls from now on. Throws `tool.duplicate_operation` naming both tools. */
  register(tool: Tool): void {
    if (this.closing !== undefined) throw stopping()
    for (const { id } of tool.declaration.operations) {
      const other = this.operations.get(id)?.tool
      if (other === undefined) continue
      throw new PaddockError(
        'tool.duplicate_operation',
        `The operation ${id} of ${tool.module} is one of ${other.module} already.`,
        { details: { operation: id, modules: [other.module, tool.module] } },
      )
    }
    const registered = this.entry(tool.module)
    registered.tool = tool
    registered.state = 'preparing'
    registered.error = null
    // A quarantine ends with the installation it was for (spec tools 9).
    if (registered.isNew) this.pool.suspects.release(tool.key)
    registered.isNew = false
    for (const operation of tool.declaration.operations)
      this.operations.set(operation.id, { tool, operation })
    this.telling.changed()
  }

  /** Prepares a tool that was registered, and keeps a thread ready for it. Throws what its preparation throws. */
  async ready(tool: Tool, signal: AbortSignal): Promise<void> {
    const registered = this.entry(tool.module)
    try {
      const { metadata, spec, key } = await this.prepared.prepare(tool, signal)
      if (registered.tool !== tool) return
      registered.metadata = metadata
      registered.state = 'ready'
      await this.pool.release(await this.pool.acquire({ key, digest: key, spec }), true)
    } catch (error) {
      if (registered.tool === tool) {
        registered.state = 'failed'
        registered.error = PaddockError.fromReport(reportOf(error)).toReport()
      }
      throw error
    } finally {
      this.telling.changed()
    }
  }

  /** Takes no calls from now on; those under way may finish for `graceMs`, then they are stopped. Never rejects. */
  async unregister(tool: Tool, graceMs: number): Promise<void> {
    const registered = this.tools.get(tool.module)
    if (registered?.tool !== tool) return
    registered.tool = undefined
    if (registered.state !== 'failed' && registered.state !== 'quarantined') registered.state = 'stopped'
    for (const { id } of tool.declaration.operations) this.operations.delete(id)
    this.nested.forget(tool.module)
    this.telling.changed()
    const jobs = [...registered.jobs].filter(({ request }) => request.tool === tool)
    await this.drain(jobs, graceMs)
    this.prepared.remove(tool.key)
    await this.pool.forget(tool.key)
    if (!this.options.isInstalled(tool.module)) this.tools.delete(tool.module)
  }

  list(): ToolView[] {
    return this.all
      .filter(({ module }) => this.options.isInstalled(module))
      .map((registered) => registered.view(this.present))
  }

  onDidChange(listener: () => void): () => void {
    return this.telling.onChange(listener)
  }

  /** Calls whose state changes. */
  onCall(listener: (call: ToolCallView) => void): () => void {
    return this.telling.onCall(listener)
  }

  call(request: ToolCallRequest): Promise<ToolCallView> {
    try {
      return this.begin(request).done
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : stopping())
    }
  }

  /** As `call`, with the id at once. Throws `tool.*` for what never becomes a call. */
  begin(request: ToolCallRequest): { readonly id: string; readonly done: Promise<ToolCallView> } {
    if (this.closing !== undefined) throw stopping()
    const target = this.operations.get(request.operation)
    if (target === undefined) {
      throw new PaddockError(
        'tool.unknown_operation',
        `No tool that runs has the operation ${request.operation}.`,
      )
    }
    const { params, caller, signal, confirmed = false, onProgress, reservation } = request
    const refusal = this.refusalOf(target, confirmed)
    const job = this.createJob(target, {
      params,
      caller,
      approved: confirmed,
      refusal,
      reservation,
      onProgress,
    })
    const done = this.run(job)
    if (signal !== undefined) {
      const leave = (): void => void job.cancel()
      signal.addEventListener('abort', leave, { once: true })
      void done.finally(() => signal.removeEventListener('abort', leave))
      if (signal.aborted) leave()
    }
    return { id: job.record.identity.id, done }
  }

  cancel(callId: string): boolean {
    return this.calls.get(callId)?.cancel() ?? false
  }

  history(filter: ToolHistoryFilter): ToolCallView[] {
    return this.past.list(filter)
  }

  view(callId: string): ToolCallView | undefined {
    return this.past.view(callId)
  }

  setPermission(module: string, operation: string, permission: ToolOperation['permission'] | null): void {
    const { known } = this.entry(module)
    if (!known.declaration.operations.some(({ id }) => id === operation)) {
      throw new PaddockError('tool.unknown_operation', `${module} has no operation ${operation}.`)
    }
    const { [operation]: _before, ...others } = known.grants().operations
    this.options.keepGrants(module, {
      operations: permission === null ? others : { ...others, [operation]: permission },
    })
    this.telling.changed()
  }

  async secrets(): Promise<SecretView[]> {
    return withGrants(await this.lookAtSecrets(), this.all)
  }

  async setSecret(name: string, value: Uint8Array): Promise<void> {
    await this.options.broker.secrets.set(name, value)
    await this.lookAtSecrets()
  }

  async removeSecret(name: string): Promise<void> {
    await this.options.broker.secrets.remove(name)
    await this.lookAtSecrets()
  }

  grantSecret(module: string, name: string, hosts: readonly string[]): Promise<void> {
    return Promise.resolve().then(() => {
      const { known } = this.entry(module)
      const declared = known.declaration.credentials.filter(({ secret }) => secret === name)
      const wrong = hosts.find((host) => !declared.some((rule) => rule.hosts.includes(host)))
      if (declared.length === 0 || wrong !== undefined) {
        const what = wrong === undefined ? name : `${name} for ${wrong}`
        throw new PaddockError('module.not_asked', `${module} does not declare the secret ${what}.`)
      }
      const others = known.grants().secrets.filter((each) => each.name !== name)
      const secrets = hosts.length === 0 ? others : [...others, { name, hosts: [...hosts] }]
      this.options.keepGrants(module, { secrets })
      this.telling.changed()
    })
  }

  /** Takes nothing more, stops what is under way, ends every process. Safe to call again; never rejects. */
  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  /** Which secrets have a value, for views. */
  async lookAtSecrets(): Promise<SecretView[]> {
    const secrets = await this.options.broker.secrets.list()
    this.present = new Set(secrets.map(({ name }) => name))
    this.telling.changed()
    return secrets
  }

  private async end(): Promise<void> {
    await this.drain([...this.calls.values()], 0)
    // What is still there loses its process, and is settled for that.
    await this.pool.close()
    await this.options.broker.close().catch(() => undefined)
    this.telling.close()
  }

  /** Waits for the calls for `graceMs`, stops what is left, and gives that five seconds more. */
  private async drain(jobs: readonly Job[], graceMs: number): Promise<void> {
    const { clock } = this.options
    const settled = Promise.all(jobs.map((job) => this.ends.get(job)))
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

  private readonly ends = new WeakMap<Job, Promise<ToolCallView>>()

  private createJob(
    target: ToolOperationRef,
    call: {
      readonly params: string
      readonly caller: ToolCallView['caller']
      readonly approved: boolean
      readonly refusal: Fault | undefined
      readonly reservation?: string | undefined
      readonly onProgress?: ToolCallRequest['onProgress'] | undefined
      readonly outer?: Job
    },
  ): Job {
    const { tool, operation } = target
    const { outer, params, approved, refusal, reservation, caller } = call
    const registered = this.entry(tool.module)
    const startedAt = this.options.clock.now()
    const identity = { id: randomUUID(), module: tool.module, operation: operation.id, caller, startedAt }
    const record = new CallRecord(identity, (each, state) => {
      this.count(registered, each, state)
      if (call.onProgress !== undefined || this.telling.hearsCalls) {
        const view = each.view()
        call.onProgress?.(view)
        this.telling.call(view)
      }
      this.telling.changed()
    })
    const { timeoutMs } = tool.declaration.limits
    const job = new Job(
      this.means,
      {
        tool,
        operation,
        params,
        depth: (outer?.request.depth ?? 0) + 1,
        timeoutMs: outer === undefined ? timeoutMs : Math.min(timeoutMs, outer.remainingMs),
        approved,
        refusal,
        reservation,
        invoke: (each, alias, nestedParams) => this.nested.invoke(each, alias, nestedParams),
      },
      record,
    )
    this.nested.begin(job, outer)
    this.past.add(record)
    registered.jobs.add(job)
    registered.counts.queued += 1
    this.calls.set(identity.id, job)
    return job
  }

  private run(job: Job): Promise<ToolCallView> {
    const { id, module } = job.record.identity
    const registered = this.entry(module)
    const done = job.run().finally(() => {
      this.calls.delete(id)
      registered.jobs.delete(job)
      if (job.record.outcome?.ok === true) job.request.tool.onHealthy()
      this.past.trim()
    })
    this.ends.set(job, done)
    return done
  }

  private runNested(
    outer: Job,
    target: ToolOperationRef,
    params: string,
  ): Promise<NonNullable<ToolCallView['outcome']>> {
    const job = this.createJob(target, { params, caller: 'tool', approved: false, refusal: undefined, outer })
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

  private refusalOf(target: ToolOperationRef, confirmed: boolean): Fault | undefined {
    switch (this.permissionOf(target)) {
      case 'allow':
        return undefined
      case 'deny':
        return faults.denied
      case 'ask':
        return confirmed ? undefined : faults.unconfirmed
    }
  }

  private permissionOf({ tool, operation }: ToolOperationRef): ToolOperation['permission'] {
    return this.entry(tool.module).permission(operation)
  }

  private entry(module: string): RegisteredTool {
    const registered = this.tools.get(module)
    if (registered === undefined) throw new PaddockError('tool.unknown', `There is no tool ${module}.`)
    return registered
  }

  private onLost(error: ErrorReport, guilty: string | null): void {
    this.options.log('warn', 'tool_runner_lost', `A process with tools ended: ${error.message}`, error.code)
    for (const registered of this.all) {
      const { tool } = registered
      if (guilty === null || tool?.key !== guilty) continue
      const report = new PaddockError(
        'tool.quarantined',
        `${tool.module} is quarantined: two processes died while only its component ran in them.`,
      ).toReport()
      registered.state = 'quarantined'
      registered.error = report
      tool.log('error', 'tool_quarantined', report.message, report.code)
    }
    this.telling.changed()
  }
}

function stopping(): PaddockError {
  return new PaddockError('tool.stopping', 'Tools are being stopped.')
}

function reportOf(error: unknown): ErrorReport {
  return error instanceof PaddockError
    ? error.toReport()
    : new PaddockError('internal.bug', error instanceof Error ? error.message : String(error)).toReport()
}
