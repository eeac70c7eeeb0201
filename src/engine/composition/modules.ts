/** Modules of an engine: how they are found, compiled, installed, run and looked at. */
import { createCompiler } from '../compiler/compiler.ts'
import { createConfigService } from '../config/engine-config-service.ts'
import { ContentService } from '../content/content-service.ts'
import { DeciderChecks } from '../contracts/decider/check/decider-checks.ts'
import { createContractServices } from '../contracts/services.ts'
import { Discovery } from '../discovery/discovery.ts'
import { Egress } from '../egress/egress.ts'
import type { EngineOptions } from '../engine-options.ts'
import { createFlows } from '../flows/create-flows.ts'
import { createEventSources } from '../events/sources.ts'
import { CapabilityGrants } from '../modules/capability-grants.ts'
import { InstalledRecords } from '../modules/installed-records.ts'
import { Installer } from '../modules/installer.ts'
import { ModuleLoader } from '../modules/loader.ts'
import { ModuleService } from '../modules/module-service.ts'
import { ModuleStores } from '../modules/module-stores.ts'
import { measureMeans } from '../modules/operator-limits.ts'
import { ModuleRegistry } from '../modules/registry.ts'
import { WatchedFolders } from '../modules/watched-folders.ts'
import { StoreBrowser } from '../store-browser/store-browser.ts'
import type { Capabilities } from './capabilities.ts'
import { createBroker, createToolServer, keepGrants } from './tools.ts'
import type { Foundation } from './foundation.ts'

export type Modules = ReturnType<typeof createModules>

export function createModules(options: EngineOptions, foundation: Foundation, capabilities: Capabilities) {
  const { settings, launcher, entries, stateDir } = options
  const { clock, random, operator, paths, state, log, metrics, gates, chains, pool, audit } = foundation
  const { networks, identity, deciderEvents, router, provided } = capabilities
  let generation = 0
  const processes = {
    launcher,
    sandboxEntry: entries.sandbox,
    nextGeneration: () => ++generation,
    clock,
  }
  const compiler = createCompiler({
    launcher,
    entry: entries.compiler,
    cacheDir: paths.artifacts,
    preparing: gates.preparing,
    clock,
  })
  const contracts = createContractServices({
    clock,
    processes,
    preparing: gates.preparing,
    governor: foundation.governor,
    broker: createBroker(options, foundation),
    keepGrants: (name, change) => keepGrants(registry, records, name, change),
    isInstalled: (name) => settings.get().modules.some((each) => each.name === name),
    onNotice: (name, id, error) => {
      const notice = `actor ${name} ${id}`
      if (error === null) state.clear(notice)
      else state.raise(notice, 'warn', { kind: 'module', name }, error.toReport())
    },
    log,
    stateDir,
    storesDirectory: paths.stores,
  })
  metrics.observeDeciders(() => contracts.deciders.metrics.read())
  metrics.observeTools(() => contracts.tools.figure)
  metrics.observeActors(() =>
    contracts.actors.modules.map((module) => ({ module, ...contracts.actors.namespace(module).figure })),
  )
  const contents = new ContentService({
    directory: paths.content,
    operator,
    egress: options.egress ?? new Egress(),
    metrics,
  })
  const loader = new ModuleLoader({
    contents,
    announcedBy: (reference) => discovery.announcedBy(reference),
    compiler,
    chains,
    settings,
    stateDir,
    providedCapabilities: provided,
  })
  const sources = createEventSources(pool, foundation.cron, networks.messages, deciderEvents)
  const flows = createFlows(options, foundation, capabilities, { processes, compiler, contents, sources })
  const records = new InstalledRecords(settings, state)
  const registry: ModuleRegistry = new ModuleRegistry({
    services: {
      ...processes,
      random,
      gates,
      governor: foundation.governor,
      compiler,
      router,
      logs: foundation.logs,
      audit,
      identity,
      supervision: foundation.supervision,
      state,
      metrics,
      operator,
      totals: foundation.figures.totals,
      contracts,
      sources,
    },
    records,
    load: (entry) => installer.loadInstalled(entry),
    storesDirectory: paths.stores,
    measureMeans: () => measureMeans(paths.root),
  })
  registry.onAnyDispatch((module, dispatch) => metrics.dispatch(module, dispatch))
  const installer: Installer = new Installer({ registry, records, loader, state })
  const browser = new StoreBrowser({ entry: entries.storeReader })
  const discovery: Discovery = new Discovery({
    file: paths.discovery,
    clock,
    settings,
    chains,
    request: (chainId, method, params) => pool.request(chainId, method, params),
    installer,
    registry,
    state,
  })
  const toolServer = createToolServer(options, foundation, contracts.tools)
  return {
    compiler,
    toolServer,
    contracts,
    flows,
    registry,
    browser,
    discovery,
    grants: new CapabilityGrants({ registry, records, audit, state }),
    stores: new ModuleStores({ registry, browser }),
    service: new ModuleService({ registry, installer, loader, settings, browser }),
    folders: new WatchedFolders({ settings, registry, installer, state }),
    config: createConfigService({
      settings,
      chains,
      registry,
      toolServer,
      observability: foundation.observability,
    }),
    deciderChecks: new DeciderChecks({
      ...processes,
      load: (bundle) => loader.load(bundle, {}, () => undefined),
      compiler,
    }),
  }
}
