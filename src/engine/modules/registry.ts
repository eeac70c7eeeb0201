/** Every installed module of one engine: what the operator does to them, by name. */
import { rm } from 'node:fs/promises'
import type { Dispatch, InstallRequest, ModuleView } from '../../shared/domain/module.ts'
import type { LimitBounds, ModuleLimits } from '../../shared/domain/limits.ts'
import type { InstalledModule } from '../../shared/domain/settings.ts'
import { PaddockError, toErrorReport } from '../../shared/errors.ts'
import type { SettingsPort } from '../settings-port.ts'
import type { EngineServices } from './engine-services.ts'
import { needsConsent } from './grants.ts'
import { describeInstall } from './install-request.ts'
import type { LoadedBundle, LoadOptions, ModuleLoader } from './loader.ts'
import { ModuleEntry } from './module-entry.ts'
import { checkLimits, limitBounds, type MachineMeans } from './operator-limits.ts'
import { PendingInstalls } from './pending-installs.ts'
import { storePath } from './store-path.ts'

export interface RegistryOptions {
  readonly services: EngineServices
  readonly settings: SettingsPort
  readonly loader: ModuleLoader
  readonly storesDirectory: string
  readonly measureMeans: () => Promise<MachineMeans>
  /** A bundle waits for the operator: show it. */
  readonly onConsentNeeded: (name: string) => void
}

export class ModuleRegistry {
  private readonly options: RegistryOptions
  private readonly entries = new Map<string, ModuleEntry>()
  private readonly pending = new PendingInstalls()
  private readonly stateListeners = new Set<(module: ModuleView) => void>()
  private readonly dispatchListeners = new Set<(module: string, dispatch: Dispatch) => void>()
  private isClosed = false

  constructor(options: RegistryOptions) {
    this.options = options
  }

  /** Takes every installed module in, without starting any. */
  open(): void {
    for (const record of this.options.settings.get().modules) this.addEntry(record)
  }

  /** Starts every module that should run and is not quarantined. Settles when each runs, waits or died; never rejects. */
  async startEnabled(): Promise<void> {
    const enabled = this.all().filter((entry) => entry.record.enabled)
    await Promise.all(enabled.map((entry) => entry.supervisor.resume()))
  }

  /** Stops all modules at once; none starts any more. */
  async stopAll(): Promise<void> {
    this.isClosed = true
    await Promise.all([...this.entries.values()].map((entry) => entry.supervisor.dispose()))
  }

  views(): ModuleView[] {
    return [...this.entries.values()].map((entry) => entry.view())
  }

  all(): readonly ModuleEntry[] {
    return [...this.entries.values()]
  }

  /** Throws `module.unknown`. */
  entry(name: string): ModuleEntry {
    const entry = this.entries.get(name)
    if (entry === undefined) throw new PaddockError('module.unknown', `There is no module named ${name}.`)
    return entry
  }

  onStateChange(listener: (module: ModuleView) => void): () => void {
    this.stateListeners.add(listener)
    return () => this.stateListeners.delete(listener)
  }

  onAnyDispatch(listener: (module: string, dispatch: Dispatch) => void): () => void {
    this.dispatchListeners.add(listener)
    return () => this.dispatchListeners.delete(listener)
  }

  /**
   * Reads, hashes and judges a bundle; nothing of it runs. The answer waits until it is installed or
   * discarded. Throws the bundle's own faults and `module.duplicate`.
   */
  async inspect(path: string, options: LoadOptions): Promise<InstallRequest> {
    const loaded = await this.options.loader.load(path, options, (name) => this.limitsOf(name))
    this.refuseDuplicate(loaded)
    return this.pending.add(loaded, describeInstall(loaded, this.entries.get(loaded.assessment.manifest.name)?.view() ?? null))
  }

  /**
   * Installs an inspected bundle with the capabilities granted, or puts it in place of the version that
   * runs. Throws `module.consent_required` when a required capability was not granted.
   */
  async install(requestId: string, granted: readonly string[], start: boolean): Promise<string> {
    this.refuseWhenClosed()
    const { loaded } = this.pending.get(requestId)
    const { assessment } = loaded
    const { name } = assessment.manifest
    this.refuseDuplicate(loaded)
    const missing = assessment.asks.filter((ask) => ask.required && !ask.harmless && !granted.includes(ask.capability))
    if (missing.length > 0) {
      const names = missing.map((ask) => ask.capability).join(', ')
      throw new PaddockError('module.consent_required', `${name} does not start without ${names}.`)
    }
    this.pending.remove(requestId)
    // What a watched folder told of this bundle has had its answer.
    this.options.services.state.clear(`watch ${loaded.bundlePath}`)
    const existing = this.entries.get(name)
    const record: InstalledModule = {
      name,
      bundlePath: loaded.bundlePath,
      componentSha256: assessment.componentSha256,
      granted: assessment.asks.map((ask) => ask.capability).filter((capability) => granted.includes(capability)),
      reviewed: [...assessment.scopes],
      enabled: start,
      limits: existing?.record.limits ?? {},
    }
    if (existing !== undefined) {
      await this.upgrade(existing, record, loaded)
      if (start) await existing.supervisor.start()
      return name
    }
    this.saveRecord(record)
    const entry = this.addEntry(record)
    entry.preload(loaded)
    if (start) await entry.supervisor.start()
    return name
  }

  /** The request that waits under this id. Throws `module.unknown`. */
  requested(requestId: string): InstallRequest {
    return this.pending.get(requestId).request
  }

  discard(requestId: string): void {
    this.pending.remove(requestId)
  }

  pendingOf(name: string): InstallRequest | null {
    return this.entry(name).pending
  }

  async start(name: string): Promise<void> {
    this.refuseWhenClosed()
    const entry = this.entry(name)
    this.setEnabled(entry, true)
    await entry.supervisor.start()
  }

  async stop(name: string): Promise<void> {
    const entry = this.entry(name)
    this.setEnabled(entry, false)
    await entry.supervisor.stop()
  }

  /** What an operator may set as limits of the module on this machine. Throws `module.unknown`. */
  async limitBounds(name: string): Promise<LimitBounds> {
    const entry = this.entry(name)
    return limitBounds(await this.options.measureMeans(), entry.metrics.store ?? 0)
  }

  /**
   * Sets limits in place of the manifest's and the engine's: these and no others; null takes all back. Throws
   * `module.unknown` and `module.bad_limits`.
   */
  async setLimits(name: string, limits: Partial<ModuleLimits> | null): Promise<void> {
    const bounds = await this.limitBounds(name)
    if (limits !== null) checkLimits(limits, bounds)
    this.refuseWhenClosed()
    const entry = this.entry(name)
    entry.record = { ...entry.record, limits: limits ?? {} }
    this.saveRecord(entry.record)
    this.options.services.state.note('ok', name, 'limits_set', `Limits of ${name} ${Object.keys(entry.record.limits).length === 0 ? 'taken back' : 'set'} by you`)
    await entry.applyLimits()
  }

  async restart(name: string): Promise<void> {
    this.refuseWhenClosed()
    await this.entry(name).supervisor.restart()
  }

  /**
   * Reads the bundle again and runs the new version on the state of the old one. When the new version
   * asks for more, the old one runs on until the operator has answered. Throws the new version's fault;
   * the old one then runs on too (spec nexum-host 12.5).
   */
  async reload(name: string): Promise<{ changed: boolean; consentNeeded: boolean }> {
    const entry = this.entry(name)
    const { services, loader } = this.options
    const loaded = await loader.load(entry.record.bundlePath, {}, (each) => this.limitsOf(each))
    this.refuseWhenClosed()
    if (loaded.assessment.manifest.name !== name) {
      throw new PaddockError('module.duplicate', `The bundle of ${name} now names itself ${loaded.assessment.manifest.name}.`, {
        remedy: 'Unload the module and load the bundle again.',
      })
    }
    const changed = loaded.assessment.componentSha256 !== entry.record.componentSha256
    if (needsConsent(entry.record, loaded.assessment).needed) {
      entry.pending = this.pending.add(loaded, describeInstall(loaded, entry.view()))
      services.state.raise(
        `consent ${name}`,
        'warn',
        { kind: 'module', name },
        new PaddockError('module.consent_required', `${name} ${loaded.assessment.manifest.version} asks for more; the version before runs on.`).toReport(),
      )
      this.options.onConsentNeeded(name)
      return { changed, consentNeeded: true }
    }
    const { assessment } = loaded
    await this.upgrade(entry, { ...entry.record, componentSha256: assessment.componentSha256 }, loaded)
    services.state.note('ok', name, 'reloaded', `${name} reloaded${changed ? '' : ', unchanged'}`)
    return { changed, consentNeeded: false }
  }

  /** Unloads it. The store stays unless purged. */
  async remove(name: string, purgeStore: boolean): Promise<void> {
    const entry = this.entry(name)
    const { settings, services } = this.options
    await entry.supervisor.dispose()
    this.entries.delete(name)
    services.supervision.remove(name)
    services.state.clear(`consent ${name}`)
    settings.set({ ...settings.get(), modules: settings.get().modules.filter((record) => record.name !== name) })
    if (purgeStore) {
      const file = this.storePathOf(name)
      await Promise.all(['', '-wal', '-shm'].map((suffix) => rm(file + suffix, { force: true })))
    }
    services.state.note('idle', name, 'removed', `${name} removed${purgeStore ? ' with its store' : ''}`)
  }

  storePathOf(name: string): string {
    return storePath(this.options.storesDirectory, name)
  }

  /** Puts a version in the place of the one that runs; when it is rejected, that one and its record stay. */
  private async upgrade(entry: ModuleEntry, record: InstalledModule, loaded: LoadedBundle): Promise<void> {
    const before = entry.record
    entry.record = record
    this.saveRecord(record)
    entry.pending = null
    this.options.services.state.clear(`consent ${entry.name}`)
    try {
      await entry.replace(loaded)
    } catch (error) {
      entry.record = before
      this.saveRecord(before)
      throw error
    }
  }

  private limitsOf(name: string): InstalledModule['limits'] {
    return this.entries.get(name)?.record.limits ?? {}
  }

  private refuseWhenClosed(): void {
    if (this.isClosed) throw new PaddockError('sandbox.cancelled', 'Paddock is stopping.')
  }

  private refuseDuplicate(loaded: LoadedBundle): void {
    const { name } = loaded.assessment.manifest
    const existing = this.entries.get(name)
    if (existing === undefined || existing.record.bundlePath === loaded.bundlePath) return
    throw new PaddockError('module.duplicate', `A module named ${name} is loaded already, from ${existing.record.bundlePath}.`)
  }

  private addEntry(record: InstalledModule): ModuleEntry {
    const { services } = this.options
    const entry = new ModuleEntry({
      services,
      record,
      storePath: this.storePathOf(record.name),
      load: (each) => this.loadInstalled(each),
      onChange: (each) => {
        if (this.stateListeners.size === 0) return
        const view = each.view()
        for (const listener of this.stateListeners) listener(view)
      },
      onDispatch: (each, dispatch) => {
        for (const listener of this.dispatchListeners) listener(each.name, dispatch)
      },
    })
    this.entries.set(record.name, entry)
    services.state.touch()
    return entry
  }

  /** The bundle of an installed module at its start; throws when it now asks for more than was granted. */
  private async loadInstalled(entry: ModuleEntry): Promise<LoadedBundle> {
    const { record } = entry
    const loaded = await this.options.loader.load(record.bundlePath, {}, (name) => this.limitsOf(name))
    const { name } = loaded.assessment.manifest
    if (name !== record.name) {
      throw new PaddockError('module.duplicate', `The bundle of ${record.name} now names itself ${name}.`)
    }
    if (needsConsent(record, loaded.assessment).needed) {
      entry.pending = this.pending.add(loaded, describeInstall(loaded, null))
      this.options.onConsentNeeded(name)
      throw new PaddockError('module.consent_required', `${name} asks for more than was granted.`)
    }
    this.acceptVersion(entry, loaded)
    return loaded
  }

  private acceptVersion(entry: ModuleEntry, loaded: LoadedBundle): void {
    const { assessment } = loaded
    if (entry.record.componentSha256 === assessment.componentSha256) return
    entry.record = { ...entry.record, componentSha256: assessment.componentSha256 }
    this.saveRecord(entry.record)
  }

  private setEnabled(entry: ModuleEntry, enabled: boolean): void {
    if (entry.record.enabled === enabled) return
    entry.record = { ...entry.record, enabled }
    this.saveRecord(entry.record)
  }

  /** A settings file that cannot be written is told, and does not keep a module from running. */
  private saveRecord(record: InstalledModule): void {
    const { settings, services } = this.options
    const others = settings.get().modules.filter((each) => each.name !== record.name)
    try {
      settings.set({ ...settings.get(), modules: [...others, record] })
    } catch (error) {
      services.state.raise('settings unwritable', 'warn', { kind: 'settings' }, toErrorReport(error))
    }
  }
}
