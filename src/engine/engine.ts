/**
 * The engine: everything Paddock does without a window. Desktop app, headless command and tests make
 * one of these with their own launcher and settings; no two engines share a state directory.
 */
import path from 'node:path'
import type { DevnetView } from '../shared/domain/chain.ts'
import { noBudgets, type Budgets } from '../shared/domain/budgets.ts'
import type { EngineView, Series } from '../shared/domain/engine.ts'
import { PaddockError, type ErrorReport } from '../shared/errors.ts'
import { createChainCapability } from './capabilities/chain/chain-capability.ts'
import { IdentityService } from './capabilities/identity/identity-service.ts'
import { approvalNotices } from './capabilities/identity/notices.ts'
import { createHttpCapability } from './capabilities/http/http-capability.ts'
import { logExchanges } from './capabilities/http/exchange-log.ts'
import { createNetworks, type Networks } from './capabilities/networks.ts'
import { CapabilityRouter } from './capabilities/router.ts'
import { AuditTrail } from './audit/audit-trail.ts'
import { chainAdvice } from './chains/advice.ts'
import { ChainPool } from './chains/chain-pool.ts'
import { tellMismatch } from './chains/chain-notices.ts'
import { ChainService } from './chains/chain-service.ts'
import { systemClock, type Clock } from './clock.ts'
import { DeciderChecks } from './contracts/decider/check/decider-checks.ts'
import { createContractServices, type ContractServices } from './contracts/services.ts'
import type { ConfigService } from './config/config-service.ts'
import { createConfigService } from './config/engine-config-service.ts'
import { ContentService } from './content/content-service.ts'
import { createCompiler, type Compiler } from './compiler/compiler.ts'
import { devnetChainId } from './devnet/chain.ts'
import { tellDevnet } from './devnet/devnet-notices.ts'
import { Devnet } from './devnet/devnet.ts'
import { Egress } from './egress/egress.ts'
import { Discovery } from './discovery/discovery.ts'
import type { EngineOptions } from './engine-options.ts'
import { CronSource } from './events/cron-source.ts'
import { DeciderEvents } from './events/decider-feed/decider-events.ts'
import { createEventSources } from './events/sources.ts'
import { Governor } from './governor/governor.ts'
import { LedgerFiles } from './governor/ledger-files.ts'
import { governorNotices } from './governor/notices.ts'
import { CapabilityGrants } from './modules/capability-grants.ts'
import { InstalledRecords } from './modules/installed-records.ts'
import { Installer } from './modules/installer.ts'
import { ModuleLoader } from './modules/loader.ts'
import { ModuleStores } from './modules/module-stores.ts'
import { ModuleService } from './modules/module-service.ts'
import { measureMeans } from './modules/operator-limits.ts'
import { ModuleRegistry } from './modules/registry.ts'
import { WatchedFolders } from './modules/watched-folders.ts'
import { createGates, type Gates } from './sandboxes/gates/gates.ts'
import { SafeMode } from './safe-mode.ts'
import { openStateDirectory, statePaths, type StateLock, type StatePaths } from './state-directory.ts'
import { StateHub } from './state-hub.ts'
import { StoreBrowser } from './store-browser/store-browser.ts'
import { SupervisionStore } from './supervisor/supervision-store.ts'
import { LogHub } from './telemetry/log-hub.ts'
import { createEngineMetrics } from './telemetry/metrics/engine-metrics.ts'
import type { MetricRegistry } from './telemetry/metrics/metric-registry.ts'
import { EngineFigures } from './telemetry/engine-figures.ts'
import type { Observability } from './telemetry/http/observability.ts'
import { engineLog, type EngineLog } from './telemetry/engine-log.ts'

export class Engine {
  readonly state: StateHub
  readonly logs: LogHub
  readonly chains: ChainService
  readonly modules: ModuleService
  /** What the operator does with modules' stores. */
  readonly stores: ModuleStores
  readonly deciderChecks: DeciderChecks
  readonly governor: Governor
  readonly audit: AuditTrail
  readonly identity: IdentityService
  readonly grants: CapabilityGrants
  readonly gates: Gates
  /** Counters and gauges for Prometheus (spec nexum-host 14.2). */
  readonly metrics: MetricRegistry
  readonly stateDir: string
  /** What contracts offer beside running modules: commands for deciders. */
  readonly contracts: ContractServices

  /** Settings as an engine.toml, out and in. */
  readonly config: ConfigService
  /** Listeners for metrics and health (spec nexum-host 14). */
  readonly observability: Observability

  /** Who follows deciders' events, and the stores of events. */
  readonly deciderEvents: DeciderEvents

  private readonly options: EngineOptions
  private readonly clock: Clock
  private readonly paths: StatePaths
  private readonly pool: ChainPool
  private readonly cron: CronSource
  private readonly devnet: Devnet
  private readonly networks: Networks
  private readonly compiler: Compiler
  private readonly registry: ModuleRegistry
  private readonly folders: WatchedFolders
  private readonly browser: StoreBrowser
  private readonly discovery: Discovery
  private readonly figures: EngineFigures
  private readonly log: EngineLog
  private readonly supervision: SupervisionStore
  private readonly safeMode: SafeMode
  private readonly startedAt: number
  private phase: EngineView['state'] = 'starting'
  private lock: StateLock | undefined
  private generation = 0
  private stopping: Promise<void> | undefined

  constructor(options: EngineOptions) {
    const clock = options.clock ?? systemClock
    const random = options.random ?? Math.random
    this.options = options
    this.clock = clock
    this.startedAt = clock.now()
    this.paths = statePaths(options.stateDir)
    this.stateDir = options.stateDir
    this.figures = new EngineFigures(clock)
    this.supervision = new SupervisionStore({
      file: this.paths.supervision,
      now: () => clock.now(),
      onWarning: (error) => this.state.raise('supervision', 'warn', { kind: 'engine' }, error),
    })
    this.gates = createGates(clock)
    const telemetry = createEngineMetrics({
      clock,
      settings: options.settings,
      chains: () => this.chains,
      modules: () => this.registryEntries(),
    })
    this.metrics = telemetry.metrics
    this.observability = telemetry.observability
    this.governor = new Governor({
      clock,
      storage: new LedgerFiles(this.paths.budgets),
      budgets: options.settings.get().budgets ?? noBudgets,
      ...governorNotices(
        () => this.state,
        (...line) => this.log(...line),
      ),
    })
    this.cron = new CronSource(clock)
    this.devnet = new Devnet({
      resolveFrom: path.dirname(options.entries.sandbox),
      statePath: this.paths.devnet,
    })
    this.pool = new ChainPool({
      clock,
      random,
      devnetChainId,
      metrics: this.metrics,
      responseBytes: () => options.settings.get().operator.limits.chain.responseBodyMaxBytes,
      onMismatch: (chainId, error) => tellMismatch(this.state, chainId, error),
      modulesOf: (chainId) => this.modulesOn(chainId),
      onFault: (error) => this.reportFault('chains', error),
    })
    this.chains = new ChainService({
      pool: this.pool,
      settings: options.settings,
      devnetUrl: () => this.devnet.view().url,
    })
    this.state = new StateHub(clock, {
      engine: () => this.view(),
      modules: () => this.registryViews(),
      chains: () => this.chains.views(),
      devnet: () => this.devnet.view(),
      watchFolders: () => options.settings.get().watchFolders,
    })
    this.safeMode = new SafeMode(this.paths.starts, this.state)
    this.logs = new LogHub({
      path: this.paths.logs,
      threadEntry: options.entries.telemetry,
      clock,
      ringLimits: () => options.settings.get().operator.limits.logs,
      onWarning: (error) => this.state.raise('log', 'warn', { kind: 'engine' }, error),
    })
    this.log = engineLog(this.logs, clock)
    this.contracts = createContractServices({
      clock,
      processes: {
        launcher: options.launcher,
        sandboxEntry: options.entries.sandbox,
        nextGeneration: () => ++this.generation,
        clock,
      },
      preparing: this.gates.preparing,
      onNotice: (name, id, error) =>
        this.state.raise(`actor ${name} ${id}`, 'warn', { kind: 'module', name }, error.toReport()),
      log: this.log,
      stateDir: options.stateDir,
      storesDirectory: this.paths.stores,
    })
    this.compiler = createCompiler({
      launcher: options.launcher,
      entry: options.entries.compiler,
      cacheDir: this.paths.artifacts,
      preparing: this.gates.preparing,
      clock,
    })
    const networkServices = { clock, random, chains: this.chains, metrics: this.metrics, state: this.state }
    this.networks = createNetworks(options, networkServices)
    this.audit = new AuditTrail({
      directory: this.paths.audit,
      clock,
      onWarning: (error) => this.state.raise('audit', 'warn', { kind: 'engine' }, error),
    })
    this.identity = new IdentityService({
      settings: () => options.settings.get().operator.identity,
      records: () => options.settings.get().modules,
      directory: this.paths.keystore,
      clock,
      audit: this.audit,
      metrics: () => this.metrics,
      onApprovals: approvalNotices(this.state),
    })
    this.deciderEvents = new DeciderEvents({
      entry: path.join(path.dirname(options.entries.sandbox), 'event-reader.cjs'),
      storesDirectory: this.paths.stores,
      clock,
      section: () => options.settings.get().operator.stores.event,
    })
    const router = new CapabilityRouter({
      capabilities: [
        ...this.networks.capabilities,
        createChainCapability(this.pool, this.identity.signer, this.metrics),
        createHttpCapability({
          egress: new Egress(),
          limits: () => options.settings.get().operator.limits.http,
          now: () => clock.monotonicMs(),
          onExchange: logExchanges(() => this.logs, clock),
        }),
        this.identity.capability,
        this.deciderEvents.capability,
      ],
      onFault: (capability, error) => this.reportFault(`capability ${capability}`, error),
    })
    const contents = new ContentService({
      directory: this.paths.content,
      operator: () => options.settings.get().operator,
      egress: options.egress ?? new Egress(),
      metrics: this.metrics,
    })
    const loader = new ModuleLoader({
      contents,
      announcedBy: (reference) => this.discovery.announcedBy(reference),
      compiler: this.compiler,
      chains: this.chains,
      settings: options.settings,
      stateDir: options.stateDir,
      providedCapabilities: new Set([...router.provided, ...sandboxCapabilities]),
    })
    const records = new InstalledRecords(options.settings, this.state)
    this.registry = new ModuleRegistry({
      services: {
        clock,
        random,
        launcher: options.launcher,
        sandboxEntry: options.entries.sandbox,
        nextGeneration: () => ++this.generation,
        gates: this.gates,
        governor: this.governor,
        compiler: this.compiler,
        router,
        logs: this.logs,
        audit: this.audit,
        identity: this.identity,
        supervision: this.supervision,
        state: this.state,
        metrics: this.metrics,
        operator: () => options.settings.get().operator,
        totals: this.figures.totals,
        contracts: this.contracts,
        sources: createEventSources(this.pool, this.cron, this.networks.messages, this.deciderEvents),
      },
      records,
      load: (entry) => installer.loadInstalled(entry),
      storesDirectory: this.paths.stores,
      measureMeans: () => measureMeans(this.paths.root),
    })
    this.grants = new CapabilityGrants({
      registry: this.registry,
      records,
      audit: this.audit,
      state: this.state,
    })
    const installer = new Installer({ registry: this.registry, records, loader, state: this.state })
    this.registry.onAnyDispatch((module, dispatch) => this.metrics.dispatch(module, dispatch))
    this.browser = new StoreBrowser({ entry: options.entries.storeReader })
    this.stores = new ModuleStores({ registry: this.registry, browser: this.browser })
    this.modules = new ModuleService({
      registry: this.registry,
      installer,
      loader,
      settings: options.settings,
      browser: this.browser,
    })
    this.deciderChecks = new DeciderChecks({
      load: (bundle) => loader.load(bundle, {}, () => undefined),
      compiler: this.compiler,
      launcher: options.launcher,
      sandboxEntry: options.entries.sandbox,
      clock,
      nextGeneration: () => ++this.generation,
    })
    this.folders = new WatchedFolders({
      settings: options.settings,
      registry: this.registry,
      installer,
      state: this.state,
    })
    this.discovery = new Discovery({
      file: this.paths.discovery,
      clock,
      settings: options.settings,
      chains: this.chains,
      request: (chainId, method, params) => this.pool.request(chainId, method, params),
      installer,
      registry: this.registry,
      state: this.state,
    })
    this.config = createConfigService({
      settings: options.settings,
      chains: this.chains,
      registry: this.registry,
      observability: this.observability,
    })
    this.pool.onDidChange(() => this.state.touch())
    this.devnet.onDidChange(() => {
      this.chains.apply()
      tellDevnet(this.devnet.view(), this.state)
    })
  }

  /** Takes the state directory and starts what the settings say. Throws `state.*`. */
  async start(): Promise<void> {
    try {
      this.lock = await openStateDirectory(this.paths)
    } catch (error) {
      this.phase = 'stopped'
      throw error
    }
    await this.supervision.open()
    const safe = await this.safeMode.begin(this.clock)
    await this.logs.open()
    await this.audit.open()
    await this.identity.open()
    await this.governor.start()
    if (safe !== null) this.log('warn', 'safe_mode', safe.message, safe.code)
    this.figures.start(() => this.registry.all())
    this.chains.apply()
    await this.observability.apply(this.options.settings.get().operator)
    this.phase = 'running'
    for (const advice of chainAdvice(this.chains.configs())) this.log('info', 'chain_advice', advice)
    this.log('info', 'engine_started', `Engine ${this.options.version} started`)
    if (this.options.settings.get().devnet.autoStart) {
      // A machine without the devnet still runs modules on other chains: the notice says what is wrong.
      await this.startDevnet().catch(() => undefined)
    }
    await this.contracts.deciders.open()
    this.registry.open()
    if (!this.safeMode.isOn) await this.registry.startEnabled()
    await this.folders.start()
    if (!this.safeMode.isOn) await this.discovery.start()
    this.state.touch()
  }

  /** Stops modules, chains and devnet, writes what waits. Safe to call at any time and again. */
  shutdown(): Promise<void> {
    this.stopping ??= this.stop()
    return this.stopping
  }

  /** Starts what should run after a start in safe mode. Settles when each module runs, waits or died. */
  async leaveSafeMode(): Promise<void> {
    if (!this.safeMode.leave()) return
    this.log('info', 'safe_mode_left', 'Safe mode left by the operator')
    await this.registry.startEnabled()
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
    return module === null ? this.figures.totals.series() : this.registry.entry(module).series()
  }

  /** Throws `bundle.not_found` when it is no folder. */
  watchFolder(folder: string): Promise<void> {
    return this.folders.add(folder)
  }

  unwatchFolder(folder: string): Promise<void> {
    return this.folders.remove(folder)
  }

  /** Rejects with `devnet.*`. */
  async startDevnet(): Promise<DevnetView> {
    if (this.stopping !== undefined) throw new PaddockError('devnet.failed', 'Paddock is stopping.')
    return this.devnet.start()
  }

  stopDevnet(): Promise<DevnetView> {
    return this.devnet.stop()
  }

  /** A fault of ours: kept in the log, told to nobody else. */
  reportFault(where: string, error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.log('error', 'fault', `${where}: ${detail}`, 'internal.bug')
  }

  reportConsoleFault(report: ErrorReport): void {
    this.log('error', 'console_fault', `console: ${report.message}`, report.code)
  }

  private async stop(): Promise<void> {
    this.phase = 'stopping'
    this.state.touch()
    await this.discovery.stop()
    await this.folders.dispose()
    this.identity.close()
    await this.registry.stopAll()
    await this.contracts.deciders.close()
    await this.contracts.actors.close()
    this.cron.dispose()
    this.pool.dispose()
    await this.networks.close()
    await this.devnet.dispose()
    await this.compiler.dispose()
    await this.browser.dispose()
    await this.deciderEvents.dispose()
    await this.observability.close()
    await this.governor.close()
    await this.audit.close()
    this.figures.stop()
    this.phase = 'stopped'
    this.log('info', 'engine_stopped', 'Engine stopped')
    this.state.dispose()
    await this.logs.close()
    await this.supervision.flush()
    await this.safeMode.end()
    await this.lock?.release()
  }

  private view(): EngineView {
    const usage = this.figures.totals.usage(0)
    return {
      state: this.phase,
      startedAt: this.startedAt,
      sandboxes: this.registryEntries().filter((entry) => entry.supervisor.pid !== null).length,
      eventsPerSecond: usage.eventsPerSecond,
      dropped: usage.dropped,
      loopDelayMsP99: this.figures.loopDelayMsP99,
      stateDir: this.stateDir,
      safeMode: (this.safeMode as SafeMode | undefined)?.isOn ?? false,
    }
  }

  /** The hub asks for views while the engine is still being put together. */
  private registryEntries(): ReturnType<ModuleRegistry['all']> {
    return (this.registry as ModuleRegistry | undefined)?.all() ?? []
  }

  private registryViews(): ReturnType<ModuleRegistry['views']> {
    return (this.registry as ModuleRegistry | undefined)?.views() ?? []
  }

  private modulesOn(chainId: string): string[] {
    return this.registryEntries()
      .filter((entry) => entry.subscribesTo(chainId))
      .map((entry) => entry.name)
  }
}

/** Answered inside the sandbox, without the engine (DESIGN.md "Processes and threads"). */
const sandboxCapabilities = ['local-store', 'logging', 'clock', 'random', 'database', 'key-value', 'entropy']
