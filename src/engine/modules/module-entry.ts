/** One installed module: its supervisor, its figures, and how the console sees it. */
import { linkEventStore } from '../capabilities/event-store/link-event-store.ts'
import type { Series } from '../../shared/domain/engine.ts'
import type { GuestLogRecord, LogDetails, LogRecord } from '../../shared/domain/log.ts'
import type { Dispatch, InstallRequest, ModuleView, Quarantine } from '../../shared/domain/module.ts'
import type { ModuleLimits } from '../../shared/domain/limits.ts'
import type { InstalledModule } from '../../shared/domain/settings.ts'
import { moduleGrants } from '../../shared/domain/operator/grants.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { CallReply, HostCall, HostOutcome } from '../../shared/sandbox/protocol.ts'
import { defaultLifecyclePolicy } from '../supervisor/lifecycle.ts'
import type { Remembered } from '../supervisor/failure-history.ts'
import { ModuleSupervisor } from '../supervisor/module-supervisor.ts'
import type { Blueprint } from '../supervisor/supervisor-options.ts'
import { quarantineLines } from '../supervisor/supervision-store.ts'
import type { HostCallBounds } from '../sandboxes/sandbox.ts'
import { ModuleMetrics, type SeriesState } from '../telemetry/module-metrics.ts'
import type { Assessment } from './assess.ts'
import { createBlueprint, type BlueprintHooks } from './blueprint.ts'
import { CapabilityCounts, type CapabilityUse } from './capability-counts.ts'
import type { EngineServices } from './engine-services.ts'
import { linkCapabilities } from './grants.ts'
import { engineLimits, limitsFor } from './limits.ts'
import type { LoadedBundle } from './loader.ts'
import { definedLimits, moduleView, statusOf } from './module-view.ts'

/** Recent dispatches kept for the console. */
const dispatchesKept = 500

export interface EntryOptions {
  readonly services: EngineServices
  readonly record: InstalledModule
  readonly storePath: string
  /** Reads and judges the bundle again; throws when consent is missing. */
  readonly load: (entry: ModuleEntry) => Promise<LoadedBundle>
  readonly onChange: (entry: ModuleEntry) => void
  readonly onDispatch: (entry: ModuleEntry, dispatch: Dispatch) => void
}

export class ModuleEntry {
  readonly supervisor: ModuleSupervisor
  readonly metrics: ModuleMetrics
  record: InstalledModule
  /** What waits for the operator's consent, when something does. */
  pending: InstallRequest | null = null

  private readonly options: EntryOptions
  private loaded: LoadedBundle | null = null
  /** Read a moment ago for the consent sheet: the first start need not read it again. */
  private preloaded: LoadedBundle | null = null
  private recent: Dispatch[] = []
  /** What it logged last before its quarantine. */
  private lastLines: LogRecord[] = []
  private readonly calls = new CapabilityCounts()
  private readonly listeners = new Set<(dispatch: Dispatch) => void>()

  constructor(options: EntryOptions) {
    const { services, record } = options
    this.options = options
    this.record = record
    this.metrics = new ModuleMetrics(services.clock)
    const remembered = services.supervision.get(record.name)
    this.lastLines = remembered?.lastLines ?? []
    this.supervisor = new ModuleSupervisor({
      name: record.name,
      launcher: services.launcher,
      sandboxEntry: services.sandboxEntry,
      preparing: services.gates.preparing,
      clock: services.clock,
      random: services.random,
      policy: () => {
        const { poison } = services.operator().limits
        return {
          ...defaultLifecyclePolicy,
          maxFailuresInWindow: poison.maxFailures,
          windowMs: poison.windowMs,
          maxConsecutiveFailures:
            this.loaded?.assessment.manifest.restart.maxConsecutiveFailures ?? poison.maxConsecutiveFailures,
        }
      },
      nextGeneration: services.nextGeneration,
      resolve: async () => {
        const fresh = this.preloaded ?? (await options.load(this))
        this.preloaded = null
        return this.adopt(fresh)
      },
      onHostCall: (call, run, bounds) => this.onHostCall(call, run, bounds),
      onLogs: (records, dropped, run) => this.onLogs(records, dropped, run),
      onProcess: ({ residentBytes, cpuUs, wallUs }) =>
        this.metrics.recordProcess(residentBytes, wallUs > 0 ? cpuUs / wallUs : 0),
      onLoaded: (memoryBytes, storeBytes) => this.metrics.recordMemory(memoryBytes, storeBytes),
      onEvent: (level, event, message, error) => this.onEvent(level, event, message, error),
      onChange: () => this.onChange(),
      remembered,
      remember: (each) => this.remember(each),
    })
  }

  get name(): string {
    return this.record.name
  }

  /** Takes a bundle for the next run and answers its blueprint. */
  adopt(loaded: LoadedBundle): Blueprint {
    this.loaded = loaded
    return createBlueprint(loaded, this.options.storePath, this.options.services, {
      ...this.hooks(),
      granted: () => this.record.granted,
      grants: () => moduleGrants(this.record),
      limits: () => this.loaded?.assessment.limitsGiven ?? loaded.assessment.limitsGiven,
    })
  }

  /** Calls of the capability so far, how many were refused, and when the last one was. */
  callsOf(capability: string): CapabilityUse {
    return this.calls.of(capability)
  }

  /** Applies what the record grants now: the engine's side at once, the sandbox's with its next call. */
  relink(): void {
    if (this.loaded === null) return
    this.supervisor.link(linkCapabilities(this.loaded.assessment, this.record.granted))
    this.onChange()
  }

  /** Lets the first start use a bundle that was just judged. */
  preload(loaded: LoadedBundle): void {
    this.preloaded = loaded
    this.loaded = loaded
  }

  /** Puts a new bundle in place of the running one; on rejection the old one runs on and the error is thrown. */
  async replace(loaded: LoadedBundle): Promise<void> {
    const before = this.loaded
    try {
      await this.supervisor.replace(this.adopt(loaded))
    } catch (error) {
      this.loaded = before
      throw error
    }
  }

  /** What it may use now. */
  get limits(): ModuleLimits {
    return this.loaded?.assessment.limitsGiven ?? { ...this.ceilings, ...definedLimits(this.record.limits) }
  }

  /** How its bundle was judged; null before it was read. */
  get assessment(): Assessment | null {
    return this.loaded?.assessment ?? null
  }

  /** What it gets where neither its manifest nor the operator says. */
  private get ceilings(): ModuleLimits {
    return engineLimits(this.options.services.operator(), this.record.discoveredBy !== undefined)
  }

  /** Whether it asked for events of the chain. */
  subscribesTo(chainId: string): boolean {
    const subscriptions = this.loaded?.assessment.subscriptions ?? []
    return subscriptions.some((each) => 'chainId' in each && each.chainId === chainId)
  }

  /** Why it is quarantined and what it logged last before; null while it is not. */
  quarantine(): { quarantine: Quarantine; lastLines: LogRecord[] } | null {
    const { quarantine } = this.supervisor
    return quarantine === null ? null : { quarantine, lastLines: this.lastLines }
  }

  /**
   * Applies the operator's limits, which `record` holds already: the next call has the new fuel, deadline and queue,
   * while memory and store are fixed in a running sandbox, so a change of these restarts it. State and queue stay.
   */
  async applyLimits(): Promise<void> {
    const { loaded } = this
    if (loaded === null) return
    const { limitsAsked: asked, limitsGiven: before, warnings } = loaded.assessment
    const { given, warnings: fresh } = limitsFor(asked, this.ceilings, definedLimits(this.record.limits))
    const stale = limitsFor(asked, this.ceilings, before).warnings
    const others = warnings.filter((warning) => !stale.includes(warning))
    this.loaded = {
      ...loaded,
      assessment: { ...loaded.assessment, limitsGiven: given, warnings: [...others, ...fresh] },
    }
    this.onChange()
    const isFixed = given.memoryBytes !== before.memoryBytes || given.storeBytes !== before.storeBytes
    const { name } = this.supervisor.phase
    if (isFixed && name !== 'stopped' && name !== 'stopping' && name !== 'dead')
      await this.supervisor.restart()
  }

  /** Tells of a change that the operator made to its store. */
  storeChanged(event: string, message: string, usedBytes: number): void {
    this.metrics.recordMemory(0, usedBytes)
    this.onEvent('info', event, message)
    this.onChange()
  }

  dispatches(limit: number): Dispatch[] {
    return this.recent.slice(-limit).reverse()
  }

  onDispatch(listener: (dispatch: Dispatch) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  series(): Series {
    return this.metrics.series()
  }

  tick(): void {
    this.metrics.tick(this.severity())
  }

  severity(): SeriesState {
    switch (this.supervisor.phase.name) {
      case 'running':
        return 'ok'
      case 'dead':
        return statusOf(this.supervisor).state === 'needs-consent' ? 'warn' : 'crit'
      case 'stopped':
      case 'stopping':
        return 'idle'
      default:
        return 'busy'
    }
  }

  view(): ModuleView {
    const { record, supervisor, metrics, calls } = this
    return moduleView({ record, supervisor, metrics, calls, assessment: this.loaded?.assessment ?? null })
  }

  private hooks(): Omit<BlueprintHooks, 'limits' | 'granted' | 'grants'> {
    return {
      recordDispatch: (dispatch, reply) => this.recordDispatch(dispatch, reply),
      recordDropped: (count, reason = 'queue_full', eventType = 'call') => {
        this.metrics.recordDropped(count)
        this.options.services.metrics.dropped(this.name, eventType, reason, count)
        this.options.services.totals.recordDropped(count)
        this.onChange()
      },
      guestLogs: (records, dropped) => this.onLogs(records, dropped, this.supervisor.run),
      log: (level, event, message, code, details) => this.log(level, event, message, code, details),
    }
  }

  private remember(remembered: Remembered): void {
    const { supervision, logs } = this.options.services
    if (remembered.quarantine === null) this.lastLines = []
    supervision.set(this.name, { ...remembered, lastLines: this.lastLines })
    if (remembered.quarantine === null || this.lastLines.length > 0) return
    const { since } = remembered.quarantine
    void logs.query({ module: this.name }, null, quarantineLines).then(
      ({ records }) => {
        if (this.supervisor.quarantine?.since !== since) return
        this.lastLines = records
        supervision.set(this.name, { ...remembered, lastLines: records })
      },
      // The log cannot be read, which it has told itself; the quarantine stands without its lines.
      () => undefined,
    )
  }

  private async onHostCall(call: HostCall, run: number, bounds: HostCallBounds): Promise<HostOutcome> {
    const { loaded, record } = this
    const { services } = this.options
    if (loaded === null) throw new PaddockError('internal.bug', 'A module called before it was loaded.')
    this.calls.use(call.capability, services.clock.now())
    const outcome = await services.router.answer(call, {
      module: this.name,
      run,
      manifest: loaded.assessment.manifest,
      record,
      ...bounds,
      linkage: linkEventStore(
        linkCapabilities(loaded.assessment, record.granted),
        loaded.assessment.contract.id,
        services.operator().stores.event,
      ),
    })
    if (!outcome.ok && outcome.error.kind === 'denied') {
      this.calls.refuse(call.capability)
      services.audit.denied(this.name, call.capability, call.function, outcome.error.message)
    }
    return outcome
  }

  private recordDispatch(dispatch: Dispatch, reply: CallReply | null): void {
    const { services } = this.options
    this.recent.push(dispatch)
    if (this.recent.length > 2 * dispatchesKept) this.recent = this.recent.slice(-dispatchesKept)
    this.metrics.recordDispatch(dispatch)
    services.totals.recordDispatch(dispatch)
    if (reply !== null) {
      const { memoryBytes, storeBytes, capabilityCalls } = reply.usage
      this.metrics.recordMemory(memoryBytes, storeBytes)
      if (capabilityCalls !== undefined) {
        for (const capability of this.calls.report(dispatch.run, capabilityCalls, services.clock.now())) {
          services.audit.denied(this.name, capability, '', `${capability} is not granted.`)
        }
      }
    }
    for (const listener of this.listeners) listener(dispatch)
    this.options.onDispatch(this, dispatch)
    services.state.touch()
  }

  private onLogs(records: readonly GuestLogRecord[], dropped: number, run: number): void {
    this.metrics.recordLogs(records.length, dropped)
    this.options.services.logs.append(records.map((record) => ({ ...record, module: this.name, run })))
  }

  private onEvent(level: GuestLogRecord['level'], event: string, message: string, error?: ErrorReport): void {
    this.log(level, event, message, error?.code)
    if (level === 'debug' || level === 'trace') return
    const severity =
      level === 'error'
        ? 'crit'
        : level === 'warn'
          ? event === 'restart_scheduled'
            ? 'busy'
            : 'warn'
          : event === 'stopped'
            ? 'idle'
            : 'ok'
    this.options.services.state.note(severity, this.name, event, message)
  }

  private log(
    level: GuestLogRecord['level'],
    event: string,
    message: string,
    code?: string,
    details: LogDetails = {},
  ): void {
    const { clock, logs } = this.options.services
    logs.append([
      {
        ...details,
        time: clock.now(),
        level,
        source: 'engine',
        message,
        module: this.name,
        run: this.supervisor.run,
        event,
        ...(code === undefined ? {} : { code }),
      },
    ])
  }

  private onChange(): void {
    if (this.supervisor.phase.name === 'stopping') this.options.services.identity.withdraw(this.name)
    if (this.supervisor.pid === null) this.metrics.forgetProcess()
    this.options.onChange(this)
    this.options.services.state.touch()
  }
}
