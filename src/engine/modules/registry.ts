/** Every installed module of one engine: what the operator does to them, by name. */
import type { Dispatch, ModuleView } from '../../shared/domain/module.ts'
import type { LimitBounds, ModuleLimits } from '../../shared/domain/limits.ts'
import type { InstalledModule } from '../../shared/domain/settings.ts'
import { moduleGrants, moduleGrantsSchema, type ModuleGrants } from '../../shared/domain/operator/grants.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { EngineServices } from './engine-services.ts'
import type { InstalledRecords } from './installed-records.ts'
import type { LoadedBundle } from './loader.ts'
import { ModuleEntry } from './module-entry.ts'
import { checkLimits, limitBounds, type MachineMeans } from './operator-limits.ts'
import { purgeStoreFiles, storePath } from './store-path.ts'

export interface RegistryOptions {
  readonly services: EngineServices
  readonly records: InstalledRecords
  /** Reads and judges the bundle of an installed module at its start. */
  readonly load: (entry: ModuleEntry) => Promise<LoadedBundle>
  readonly storesDirectory: string
  readonly measureMeans: () => Promise<MachineMeans>
}

export class ModuleRegistry {
  private readonly options: RegistryOptions
  private readonly entries = new Map<string, ModuleEntry>()
  private readonly stateListeners = new Set<(module: ModuleView) => void>()
  private readonly dispatchListeners = new Set<(module: string, dispatch: Dispatch) => void>()
  /** Modules whose store is being changed: they must not start. */
  private readonly held = new Set<string>()
  private isClosed = false

  constructor(options: RegistryOptions) {
    this.options = options
  }

  /** Takes every installed module in, without starting any. */
  open(): void {
    for (const record of this.options.records.all()) this.add(record)
  }

  /** Starts every module that should run and is not quarantined. Settles when each runs, waits or died; never rejects. */
  async startEnabled(): Promise<void> {
    const enabled = this.all().filter((entry) => entry.record.enabled && !this.held.has(entry.name))
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

  find(name: string): ModuleEntry | undefined {
    return this.entries.get(name)
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

  /** Throws `module.unknown`, and `module.busy` while its store is changed. */
  async start(name: string): Promise<void> {
    this.refuseWhenClosed()
    const entry = this.entry(name)
    this.refuseWhenHeld(name)
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
    this.options.records.save(entry.record)
    this.options.services.state.note(
      'ok',
      name,
      'limits_set',
      `Limits of ${name} ${Object.keys(entry.record.limits).length === 0 ? 'taken back' : 'set'} by you`,
    )
    await entry.applyLimits()
  }

  /** Throws `module.unknown` and `settings.invalid`. */
  setActorEngine(name: string, actorEngine: NonNullable<ModuleGrants['actorEngine']> | null): void {
    const entry = this.entry(name)
    const { actorEngine: _before, ...others } = moduleGrants(entry.record)
    const grants = moduleGrantsSchema.safeParse(actorEngine === null ? others : { ...others, actorEngine })
    if (!grants.success) {
      throw new PaddockError(
        'settings.invalid',
        `The remote engine: ${grants.error.issues[0]?.message ?? 'malformed'}.`,
      )
    }
    entry.record = { ...entry.record, grants: grants.data }
    this.options.records.save(entry.record)
  }

  async restart(name: string): Promise<void> {
    this.refuseWhenClosed()
    this.refuseWhenHeld(name)
    await this.entry(name).supervisor.restart()
  }

  /** Unloads it. The store stays unless purged. */
  async remove(name: string, purgeStore: boolean): Promise<void> {
    const entry = this.entry(name)
    const { services } = this.options
    this.refuseWhenHeld(name)
    await entry.supervisor.dispose()
    this.entries.delete(name)
    services.supervision.remove(name)
    services.state.clear(`consent ${name}`)
    this.options.records.remove(name)
    if (purgeStore) {
      await services.contracts.actors.purge(name)
      await purgeStoreFiles(this.storePathOf(name))
    }
    services.state.note('idle', name, 'removed', `${name} removed${purgeStore ? ' with its store' : ''}`)
  }

  /**
   * Runs work that the module must not run beside; it cannot be started meanwhile. Throws `module.unknown`,
   * `module.must_stop` and `module.busy`.
   */
  async whileStopped<T>(name: string, work: (entry: ModuleEntry) => Promise<T>): Promise<T> {
    const entry = this.entry(name)
    const phase = entry.supervisor.phase.name
    if (phase !== 'stopped' && phase !== 'dead') {
      throw new PaddockError(
        'module.must_stop',
        `${name} is ${phase}; its store can be changed only while it does not run.`,
      )
    }
    this.refuseWhenHeld(name)
    this.held.add(name)
    try {
      return await work(entry)
    } finally {
      this.held.delete(name)
    }
  }

  storePathOf(name: string): string {
    return storePath(this.options.storesDirectory, name)
  }

  /** Throws once the engine is stopping. */
  refuseWhenClosed(): void {
    if (this.isClosed) throw new PaddockError('sandbox.cancelled', 'Paddock is stopping.')
  }

  private refuseWhenHeld(name: string): void {
    if (this.held.has(name)) throw new PaddockError('module.busy', `The store of ${name} is being changed.`)
  }

  /** Takes a module in without starting it. */
  add(record: InstalledModule): ModuleEntry {
    const { services } = this.options
    const entry = new ModuleEntry({
      services,
      record,
      storePath: this.storePathOf(record.name),
      load: this.options.load,
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

  private setEnabled(entry: ModuleEntry, enabled: boolean): void {
    if (entry.record.enabled === enabled) return
    entry.record = { ...entry.record, enabled }
    this.options.records.save(entry.record)
  }
}
