/** What console and command line do with modules; a facade over registry, loader and store browser. */
import path from 'node:path'
import type { LimitBounds, ModuleLimits } from '../../shared/domain/limits.ts'
import type { LogRecord } from '../../shared/domain/log.ts'
import type { Dispatch, InstallRequest, ModuleView, Quarantine } from '../../shared/domain/module.ts'
import type { ModuleGrants } from '../../shared/domain/operator/grants.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import { describeWorld } from '../../shared/component/world.ts'
import type { SettingsPort } from '../settings-port.ts'
import type { StoreBrowser } from '../store-browser/store-browser.ts'
import type { Assessment } from './assess.ts'
import type { InstallGiven, Installer } from './installer.ts'
import type { LoadOptions, ModuleLoader } from './loader.ts'
import type { ModuleRegistry } from './registry.ts'

export interface ModuleServiceOptions {
  readonly registry: ModuleRegistry
  readonly installer: Installer
  readonly loader: ModuleLoader
  readonly settings: SettingsPort
  readonly browser: StoreBrowser
}

/** What `paddock inspect` tells of a component. */
export interface ComponentReport {
  readonly path: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly contract: { readonly id: string; readonly title: string; readonly world: string } | null
  readonly imports: readonly string[]
  readonly exports: readonly string[]
  readonly limits: Assessment['limitsGiven'] | null
  readonly verdict: { readonly ok: true } | { readonly ok: false; readonly error: ErrorReport }
}

type StoreKeys = Awaited<ReturnType<StoreBrowser['keys']>>
type StoreValue = Awaited<ReturnType<StoreBrowser['value']>>

export class ModuleService {
  private readonly options: ModuleServiceOptions

  constructor(options: ModuleServiceOptions) {
    this.options = options
  }

  views(): ModuleView[] {
    return this.options.registry.views()
  }

  inspect(bundle: string, options: LoadOptions): Promise<InstallRequest> {
    return this.options.installer.inspect(bundle, options)
  }

  install(
    requestId: string,
    granted: readonly string[],
    start: boolean,
    given: InstallGiven = {},
  ): Promise<string> {
    return this.options.installer.install(requestId, granted, start, given)
  }

  discard(requestId: string): void {
    this.options.installer.discard(requestId)
  }

  pendingOf(name: string): InstallRequest | null {
    return this.options.installer.pendingOf(name)
  }

  start(name: string): Promise<void> {
    return this.options.registry.start(name)
  }

  stop(name: string): Promise<void> {
    return this.options.registry.stop(name)
  }

  restart(name: string): Promise<void> {
    return this.options.registry.restart(name)
  }

  /** Starts a dead or quarantined module with its failures forgotten. Throws `module.unknown`. */
  revive(name: string): Promise<void> {
    return this.options.registry.start(name)
  }

  /** Ends a quarantine without starting the module, now or with the engine. Throws `module.unknown`. */
  disable(name: string): Promise<void> {
    return this.options.registry.stop(name)
  }

  /** Why a module is quarantined, with what it logged last before; null while it is not. Throws `module.unknown`. */
  quarantine(name: string): { quarantine: Quarantine; lastLines: LogRecord[] } | null {
    return this.options.registry.entry(name).quarantine()
  }

  limitBounds(name: string): Promise<LimitBounds> {
    return this.options.registry.limitBounds(name)
  }

  setLimits(name: string, limits: Partial<ModuleLimits> | null): Promise<void> {
    return this.options.registry.setLimits(name, limits)
  }

  /** Names the engine that owns the databases of a module's actors, from its next start on; null for this one. */
  setActorEngine(name: string, actorEngine: NonNullable<ModuleGrants['actorEngine']> | null): void {
    this.options.registry.setActorEngine(name, actorEngine)
  }

  reload(name: string): Promise<{ changed: boolean; consentNeeded: boolean }> {
    return this.options.installer.reload(name)
  }

  async remove(name: string, purgeStore: boolean): Promise<void> {
    await this.options.browser.close(this.options.registry.storePathOf(name))
    await this.options.registry.remove(name, purgeStore)
  }

  dispatches(name: string, limit: number): Dispatch[] {
    return this.options.registry.entry(name).dispatches(limit)
  }

  onDispatch(name: string, listener: (dispatch: Dispatch) => void): () => void {
    return this.options.registry.entry(name).onDispatch(listener)
  }

  onAnyDispatch(listener: (module: string, dispatch: Dispatch) => void): () => void {
    return this.options.registry.onAnyDispatch(listener)
  }

  onStateChange(listener: (module: ModuleView) => void): () => void {
    return this.options.registry.onStateChange(listener)
  }

  /** A page of a module's store, read beside the running module. Throws `module.unknown`, `store.*`. */
  storeKeys(query: {
    name: string
    prefix: string
    after: string | null
    limit: number
  }): Promise<StoreKeys> {
    const { name, ...page } = query
    return this.options.browser.keys({ path: this.knownStore(name), ...page })
  }

  storeValue(name: string, key: string): Promise<StoreValue> {
    return this.options.browser.value({ path: this.knownStore(name), key })
  }

  /**
   * Installs a bundle the app was started with and grants what it asks for, once: what the operator
   * removed is not brought back. Throws what is wrong with the bundle.
   */
  async installExample(bundle: string): Promise<void> {
    const { installer, settings } = this.options
    const bundlePath = path.resolve(bundle)
    const { examplesSeen } = settings.get()
    if (examplesSeen.includes(bundlePath)) return
    const request = await installer.inspect(bundlePath, {})
    settings.set({ ...settings.get(), examplesSeen: [...examplesSeen, bundlePath] })
    await installer.install(
      request.requestId,
      request.asks.map((ask) => ask.capability),
      true,
    )
  }

  /** What a component is and whether it would load. Throws only when it cannot be read at all. */
  async describe(component: string): Promise<ComponentReport> {
    const { loader } = this.options
    const read = await loader.read(component)
    const world = describeWorld(read.component.world)
    const base = {
      path: component,
      sha256: read.component.sha256,
      sizeBytes: read.component.sizeBytes,
      imports: world.imports.map((extern) => extern.name),
      exports: world.exports.map((extern) => extern.name),
    }
    try {
      const { contract, limitsGiven } = loader.judge(read.bundle, read.component)
      return { ...base, contract, limits: limitsGiven, verdict: { ok: true } }
    } catch (error) {
      return { ...base, contract: null, limits: null, verdict: { ok: false, error: toErrorReport(error) } }
    }
  }

  /** Installs with everything granted and runs `init`; throws why the module does not run. */
  async tryOut(requestId: string): Promise<void> {
    const { registry, installer } = this.options
    const request = installer.requested(requestId)
    const name = await installer.install(
      requestId,
      request.asks.map((ask) => ask.capability),
      true,
    )
    const { status } = registry.entry(name).view()
    if (status.state === 'running') return
    throw 'error' in status
      ? PaddockError.fromReport(status.error)
      : new PaddockError('module.not_running', `${name} is ${status.state}.`)
  }

  private knownStore(name: string): string {
    this.options.registry.entry(name)
    return this.options.registry.storePathOf(name)
  }
}
