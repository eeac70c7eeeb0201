/**
 * The engine: everything Paddock does without a window. Desktop app, headless command and tests make
 * one of these with their own launcher and settings; no two engines share a state directory.
 */
import type { Budgets } from '../shared/domain/budgets.ts'
import type { DevnetView } from '../shared/domain/chain.ts'
import type { EngineView, Series } from '../shared/domain/engine.ts'
import { PaddockError, type ErrorReport } from '../shared/errors.ts'
import { chainAdvice } from './chains/advice.ts'
import { createCapabilities, type Capabilities } from './composition/capabilities.ts'
import { layFoundation, type Foundation } from './composition/foundation.ts'
import { createModules, type Modules } from './composition/modules.ts'
import { tellDevnet } from './devnet/devnet-notices.ts'
import type { EngineOptions } from './engine-options.ts'
import { openStateDirectory, type StateLock } from './state-directory.ts'

export class Engine {
  readonly state: Foundation['state']
  readonly logs: Foundation['logs']
  readonly chains: Foundation['chains']
  readonly governor: Foundation['governor']
  readonly audit: Foundation['audit']
  readonly gates: Foundation['gates']
  /** Counters and gauges for Prometheus (spec nexum-host 14.2). */
  readonly metrics: Foundation['metrics']
  /** Listeners for metrics and health (spec nexum-host 14). */
  readonly observability: Foundation['observability']
  readonly identity: Capabilities['identity']
  /** Who follows deciders' events, and the stores of events. */
  readonly deciderEvents: Capabilities['deciderEvents']
  readonly modules: Modules['service']
  /** What the operator does with modules' stores. */
  readonly stores: Modules['stores']
  readonly grants: Modules['grants']
  /** What contracts offer beside running modules: commands, queries, actors. */
  readonly contracts: Modules['contracts']
  /** Flows of composed components (spec flows). */
  readonly flows: Modules['flows']
  /** Settings as an engine.toml, out and in. */
  readonly config: Modules['config']
  readonly deciderChecks: Modules['deciderChecks']
  /** Serves tools to other programs of this machine. */
  readonly toolServer: Modules['toolServer']
  readonly stateDir: string

  private readonly options: EngineOptions
  private readonly foundation: Foundation
  private readonly capabilities: Capabilities
  private readonly parts: Modules
  private readonly startedAt: number
  private phase: EngineView['state'] = 'starting'
  private lock: StateLock | undefined
  private stopping: Promise<void> | undefined

  constructor(options: EngineOptions) {
    this.options = options
    this.stateDir = options.stateDir
    // The parts ask for each other while they are put together: until then there is nothing to tell.
    const registry = (): Modules['registry'] | undefined => (this.parts as Modules | undefined)?.registry
    const whole = {
      view: () => this.view(),
      entries: () => registry()?.all() ?? [],
      moduleViews: () => registry()?.views() ?? [],
      reportFault: (where: string, error: unknown) => this.reportFault(where, error),
    }
    const foundation = layFoundation(options, whole)
    const capabilities = createCapabilities(options, foundation, whole)
    const modules = createModules(options, foundation, capabilities)
    this.foundation = foundation
    this.capabilities = capabilities
    this.parts = modules
    this.startedAt = foundation.clock.now()
    this.state = foundation.state
    this.logs = foundation.logs
    this.chains = foundation.chains
    this.governor = foundation.governor
    this.audit = foundation.audit
    this.gates = foundation.gates
    this.metrics = foundation.metrics
    this.observability = foundation.observability
    this.identity = capabilities.identity
    this.deciderEvents = capabilities.deciderEvents
    this.modules = modules.service
    this.stores = modules.stores
    this.grants = modules.grants
    this.contracts = modules.contracts
    this.flows = modules.flows
    this.config = modules.config
    this.deciderChecks = modules.deciderChecks
    this.toolServer = modules.toolServer
    const { pool, devnet } = foundation
    pool.onDidChange(() => this.state.touch())
    devnet.onDidChange(() => {
      this.chains.apply()
      tellDevnet(devnet.view(), this.state)
    })
  }

  /** Takes the state directory and starts what the settings say. Throws `state.*`. */
  async start(): Promise<void> {
    try {
      this.lock = await openStateDirectory(this.foundation.paths)
    } catch (error) {
      this.phase = 'stopped'
      throw error
    }
    await this.foundation.supervision.open()
    const safe = await this.foundation.safeMode.begin(this.foundation.clock)
    await this.logs.open()
    await this.audit.open()
    await this.identity.open()
    await this.governor.start()
    if (safe !== null) this.foundation.log('warn', 'safe_mode', safe.message, safe.code)
    this.foundation.figures.start(() => this.parts.registry.all())
    this.chains.apply()
    await this.observability.apply(this.options.settings.get().operator)
    this.phase = 'running'
    for (const advice of chainAdvice(this.chains.configs()))
      this.foundation.log('info', 'chain_advice', advice)
    this.foundation.log('info', 'engine_started', `Engine ${this.options.version} started`)
    if (this.options.settings.get().devnet.autoStart) {
      // A machine without the devnet still runs modules on other chains: the notice says what is wrong.
      await this.startDevnet().catch(() => undefined)
    }
    await this.contracts.deciders.open()
    this.parts.registry.open()
    await this.flows.open()
    if (!this.foundation.safeMode.isOn) await this.startEnabled()
    await this.toolServer.apply(this.options.settings.get().operator.tools)
    await this.parts.folders.start()
    if (!this.foundation.safeMode.isOn) await this.parts.discovery.start()
    this.state.touch()
  }

  /** Stops modules, chains and devnet, writes what waits. Safe to call at any time and again. */
  shutdown(): Promise<void> {
    this.stopping ??= this.stop()
    return this.stopping
  }

  /** Starts what should run after a start in safe mode. Settles when each module runs, waits or died. */
  async leaveSafeMode(): Promise<void> {
    if (!this.foundation.safeMode.leave()) return
    this.foundation.log('info', 'safe_mode_left', 'Safe mode left by the operator')
    await this.startEnabled()
  }

  /** Puts other budgets in place and keeps them; calls under way keep what they hold. Throws `settings.unwritable`. */
  setBudgets(budgets: Budgets): void {
    const { settings } = this.options
    this.governor.setBudgets(budgets)
    settings.set({ ...settings.get(), budgets })
    this.state.touch()
  }

  /** Short history of one module, or of all together. Throws `module.unknown`. */
  series(module: string | null): Series {
    return module === null
      ? this.foundation.figures.totals.series()
      : this.parts.registry.entry(module).series()
  }

  /** Throws `bundle.not_found` when it is no folder. */
  watchFolder(folder: string): Promise<void> {
    return this.parts.folders.add(folder)
  }

  unwatchFolder(folder: string): Promise<void> {
    return this.parts.folders.remove(folder)
  }

  /** Rejects with `devnet.*`. */
  async startDevnet(): Promise<DevnetView> {
    if (this.stopping !== undefined) throw new PaddockError('devnet.failed', 'Paddock is stopping.')
    return this.foundation.devnet.start()
  }

  stopDevnet(): Promise<DevnetView> {
    return this.foundation.devnet.stop()
  }

  /** A fault of ours: kept in the log, told to nobody else. */
  reportFault(where: string, error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.foundation.log('error', 'fault', `${where}: ${detail}`, 'internal.bug')
  }

  reportConsoleFault(report: ErrorReport): void {
    this.foundation.log('error', 'console_fault', `console: ${report.message}`, report.code)
  }

  private async startEnabled(): Promise<void> {
    await this.parts.registry.startEnabled()
    await this.flows.startEnabled()
  }

  private async stop(): Promise<void> {
    this.phase = 'stopping'
    this.state.touch()
    await this.parts.discovery.stop()
    await this.parts.folders.dispose()
    await this.toolServer.close()
    this.identity.close()
    await this.contracts.tools.close()
    await this.flows.close()
    await this.parts.registry.stopAll()
    await this.contracts.deciders.close()
    await this.contracts.actors.close()
    this.foundation.cron.dispose()
    this.foundation.pool.dispose()
    await this.capabilities.networks.close()
    await this.foundation.devnet.dispose()
    await this.parts.compiler.dispose()
    await this.parts.browser.dispose()
    await this.deciderEvents.dispose()
    await this.observability.close()
    await this.governor.close()
    await this.audit.close()
    this.foundation.figures.stop()
    this.phase = 'stopped'
    this.foundation.log('info', 'engine_stopped', 'Engine stopped')
    this.state.dispose()
    await this.logs.close()
    await this.foundation.supervision.flush()
    await this.foundation.safeMode.end()
    await this.lock?.release()
  }

  private view(): EngineView {
    // Asked for while the parts are put together too.
    const foundation = this.foundation as Foundation | undefined
    const usage = foundation?.figures.totals.usage(0)
    const parts = this.parts as Modules | undefined
    const modules = parts?.registry.all().filter((entry) => entry.supervisor.pid !== null) ?? []
    const flows = parts?.flows.all().filter(({ runner }) => (runner.run?.pid ?? null) !== null) ?? []
    return {
      state: this.phase,
      startedAt: this.startedAt,
      sandboxes: modules.length + flows.length,
      eventsPerSecond: usage?.eventsPerSecond ?? 0,
      dropped: usage?.dropped ?? 0,
      loopDelayMsP99: foundation?.figures.loopDelayMsP99 ?? 0,
      stateDir: this.stateDir,
      safeMode: foundation?.safeMode.isOn ?? false,
    }
  }
}
