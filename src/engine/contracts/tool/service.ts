/** The tools of one engine: what console, command and servers ask of them (spec tools 8 to 10). */
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
import type { ToolsFigure } from '../../telemetry/metrics/tools.ts'
import type { ToolApi, ToolCallRequest, ToolHistoryFilter } from './api.ts'
import type { ToolBroker } from './broker.ts'
import { CallDesk } from './call-desk.ts'
import { faults, type Fault } from './jobs/faults.ts'
import type { JobMeans } from './jobs/job.ts'
import { PreparedTools } from './jobs/prepared-tools.ts'
import type { Tool, ToolOperationRef } from './jobs/tool.ts'
import { NestedCalls, nestedPermits } from './nested/invoke.ts'
import { RegisteredTool, withGrants, type KnownTool } from './registered-tool.ts'
import { RunnerPool } from './runners/runner-pool.ts'
import { Telling } from './telling.ts'

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
  private readonly tools = new Map<string, RegisteredTool>()
  /** By the id of the operation, of tools that take calls. */
  private readonly operations = new Map<string, ToolOperationRef>()
  private readonly desk: CallDesk
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
    const means: JobMeans = {
      clock,
      governor,
      broker,
      pool: this.pool,
      prepared: this.prepared,
      gates: this.gates,
    }
    this.nested = new NestedCalls({
      clock,
      find: (operation) => this.operations.get(operation),
      permission: (target) => this.permissionOf(target),
      run: (outer, target, params) => this.desk.runNested(outer, target, params),
    })
    this.desk = new CallDesk({
      clock,
      means,
      nested: this.nested,
      telling: this.telling,
      entry: (module) => this.entry(module),
    })
  }

  /** Calls that are not settled. */
  get open(): number {
    return this.desk.all.length
  }

  /** Figures of every tool, for metrics. */
  get all(): readonly RegisteredTool[] {
    return [...this.tools.values()]
  }

  /** What metrics tell of it. */
  get figure(): ToolsFigure {
    const { pool, prepared, gates, preparing } = this
    return {
      tools: this.all.map(({ module, counts: { running, queued, results } }) => ({
        module,
        running,
        queued,
        results,
      })),
      gates: [preparing, ...gates].map(({ name, inUse, waiting }) => ({ name, inUse, waiting })),
      processes: pool.all.length,
      threads: pool.threads,
      idleThreads: pool.idleThreads,
      preparations: prepared.begun,
    }
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
      // Begins the broker only for a tool that needs it.
      if (tool.declaration.credentials.length > 0) void this.lookAtSecrets().catch(() => undefined)
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
    await this.desk.drain(jobs, graceMs)
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
    const call = { params, caller, approved: confirmed, refusal, reservation, onProgress }
    return this.desk.begin(target, call, signal)
  }

  cancel(callId: string): boolean {
    return this.desk.cancel(callId)
  }

  history(filter: ToolHistoryFilter): ToolCallView[] {
    return this.desk.past.list(filter)
  }

  view(callId: string): ToolCallView | undefined {
    return this.desk.past.view(callId)
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
    await this.desk.drain(this.desk.all, 0)
    // What is still there loses its process, and is settled for that.
    await this.pool.close()
    await this.options.broker.close().catch(() => undefined)
    this.telling.close()
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
