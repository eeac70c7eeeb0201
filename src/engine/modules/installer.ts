/**
 * How modules come in: a bundle is read and judged, waits for the operator, and is installed or put in
 * the place of the version that runs.
 */
import type { InstallRequest } from '../../shared/domain/module.ts'
import type { InstalledModule } from '../../shared/domain/settings.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { StateHub } from '../state-hub.ts'
import { needsConsent } from './grants.ts'
import { describeInstall } from './install-request.ts'
import type { InstalledRecords } from './installed-records.ts'
import type { LoadedBundle, LoadOptions, ModuleLoader } from './loader.ts'
import type { ModuleEntry } from './module-entry.ts'
import { PendingInstalls } from './pending-installs.ts'
import type { ModuleRegistry } from './registry.ts'
import { besideOthers, underName } from './side-by-side.ts'

export interface InstallerOptions {
  readonly registry: ModuleRegistry
  readonly records: InstalledRecords
  readonly loader: ModuleLoader
  readonly state: StateHub
}

/** What the operator decided beside the capabilities. */
export type InstallGiven = Partial<Pick<InstalledModule, 'grants' | 'limits'>>

export class Installer {
  private readonly options: InstallerOptions
  private readonly pending = new PendingInstalls()

  constructor(options: InstallerOptions) {
    this.options = options
  }

  /**
   * Reads, hashes and judges a bundle; nothing of it runs. The answer waits until it is installed or
   * discarded. Throws the bundle's own faults and `module.duplicate`.
   */
  async inspect(path: string, options: LoadOptions): Promise<InstallRequest> {
    const read = await this.options.loader.load(path, options, (name) => this.recordOf(name))
    const loaded = besideOthers(read, (name) => this.installedAs(name))
    this.refuseDuplicate(loaded)
    return this.pending.add(
      loaded,
      describeInstall(loaded, this.options.registry.find(loaded.assessment.manifest.name)?.view() ?? null),
    )
  }

  /**
   * Installs an inspected bundle with the capabilities granted, or puts it in place of the version that
   * runs. Throws `module.consent_required` when a required capability was not granted.
   */
  async install(
    requestId: string,
    granted: readonly string[],
    start: boolean,
    given: InstallGiven = {},
  ): Promise<string> {
    this.options.registry.refuseWhenClosed()
    const { loaded } = this.pending.get(requestId)
    const { assessment } = loaded
    const { name } = assessment.manifest
    this.refuseDuplicate(loaded)
    const missing = assessment.asks.filter(
      (ask) => ask.required && !ask.harmless && !granted.includes(ask.capability),
    )
    if (missing.length > 0) {
      const names = missing.map((ask) => ask.capability).join(', ')
      throw new PaddockError('module.consent_required', `${name} does not start without ${names}.`)
    }
    this.pending.remove(requestId)
    // What a watched folder told of this bundle has had its answer.
    this.options.state.clear(`watch ${loaded.bundlePath}`)
    const existing = this.options.registry.find(name)
    const record: InstalledModule = {
      name,
      bundlePath: loaded.bundlePath,
      componentSha256: assessment.componentSha256,
      granted: assessment.asks
        .map((ask) => ask.capability)
        .filter((capability) => granted.includes(capability)),
      reviewed: [...assessment.scopes],
      enabled: start,
      limits: given.limits ?? existing?.record.limits ?? {},
      ...optional('grants', given.grants ?? existing?.record.grants),
      ...optional('discoveredBy', loaded.discoveredBy ?? existing?.record.discoveredBy),
      ...optional('manifestFile', loaded.manifestFile ?? undefined),
    }
    if (existing !== undefined) {
      await this.upgrade(existing, record, loaded)
      if (start) await existing.supervisor.start()
      return name
    }
    this.options.records.save(record)
    const entry = this.options.registry.add(record)
    entry.preload(loaded)
    if (start) await entry.supervisor.start()
    return name
  }

  /**
   * Takes in what a source announced under `key` (spec nexum-host 15). A first version that is allowed is installed
   * with what it asks for; an update that asks for no more replaces the one that runs; everything else waits for the
   * operator. Throws what is wrong with the bundle.
   */
  async discover(
    reference: string,
    key: string,
    isAllowed: boolean,
  ): Promise<{ readonly name: string; readonly outcome: 'installed' | 'updated' | 'staged' | 'unchanged' }> {
    const { registry, loader } = this.options
    const options = { record: { discoveredBy: key } }
    const loaded = await loader.load(reference, options, (name) => this.recordOf(name))
    registry.refuseWhenClosed()
    this.refuseDuplicate(loaded)
    const { assessment } = loaded
    const { name } = assessment.manifest
    const existing = registry.find(name)
    if (existing === undefined) {
      const request = this.pending.add(loaded, describeInstall(loaded, null))
      if (!isAllowed) return { name, outcome: 'staged' }
      const asked = request.asks.map((ask) => ask.capability)
      await this.install(request.requestId, asked, true)
      return { name, outcome: 'installed' }
    }
    const { record } = existing
    if (record.componentSha256 === assessment.componentSha256 && record.bundlePath === reference) {
      return { name, outcome: 'unchanged' }
    }
    if (!isAllowed || needsConsent(record, assessment).needed) {
      this.stage(existing, loaded)
      return { name, outcome: 'staged' }
    }
    const { componentSha256 } = assessment
    await this.upgrade(existing, { ...record, bundlePath: reference, componentSha256 }, loaded)
    return { name, outcome: 'updated' }
  }

  /** The request that waits under this id. Throws `module.unknown`. */
  requested(requestId: string): InstallRequest {
    return this.pending.get(requestId).request
  }

  discard(requestId: string): void {
    this.pending.remove(requestId)
  }

  pendingOf(name: string): InstallRequest | null {
    return this.options.registry.entry(name).pending
  }

  /**
   * Reads the bundle again and runs the new version on the state of the old one. When the new version
   * asks for more, the old one runs on until the operator has answered. Throws the new version's fault;
   * the old one then runs on too (spec nexum-host 12.5). With `onlyIfChanged` another component is asked for.
   */
  async reload(
    name: string,
    { onlyIfChanged = false } = {},
  ): Promise<{ changed: boolean; consentNeeded: boolean }> {
    const { registry, loader, state } = this.options
    const entry = registry.entry(name)
    const read = await loader.load(entry.record.bundlePath, loadOptions(entry.record), (each) =>
      this.recordOf(each),
    )
    const loaded = underName(read, name)
    this.options.registry.refuseWhenClosed()
    if (loaded.assessment.manifest.name !== name) {
      throw new PaddockError(
        'module.duplicate',
        `The bundle of ${name} now names itself ${loaded.assessment.manifest.name}.`,
        {
          remedy: 'Unload the module and load the bundle again.',
        },
      )
    }
    const changed = loaded.assessment.componentSha256 !== entry.record.componentSha256
    if (onlyIfChanged && !changed) return { changed, consentNeeded: false }
    if (needsConsent(entry.record, loaded.assessment).needed) {
      this.stage(entry, loaded)
      return { changed, consentNeeded: true }
    }
    const { assessment } = loaded
    const wasDead = entry.supervisor.phase.name === 'dead'
    await this.upgrade(entry, { ...entry.record, componentSha256: assessment.componentSha256 }, loaded)
    // A reload is the operator's way out of death too (spec nexum-host 12.1).
    if (wasDead && entry.record.enabled) await entry.supervisor.start()
    state.note('ok', name, 'reloaded', `${name} reloaded${changed ? '' : ', unchanged'}`)
    return { changed, consentNeeded: false }
  }

  /** A version that the operator must look at first; the one before runs on. */
  private stage(entry: ModuleEntry, loaded: LoadedBundle): void {
    const { state } = this.options
    entry.pending = this.pending.add(loaded, describeInstall(loaded, entry.view()))
    const { name } = entry
    const waits = new PaddockError(
      'module.consent_required',
      `${name} ${loaded.assessment.manifest.version} asks for more; the version before runs on.`,
    )
    state.raise(`consent ${name}`, 'warn', { kind: 'module', name }, waits.toReport())
    state.touch()
  }

  /** The bundle of an installed module at its start; throws when it now asks for more than was granted. */
  async loadInstalled(entry: ModuleEntry): Promise<LoadedBundle> {
    const { record } = entry
    const read = await this.options.loader.load(record.bundlePath, loadOptions(record), (name) =>
      this.recordOf(name),
    )
    const loaded = underName(read, record.name)
    const { name } = loaded.assessment.manifest
    if (name !== record.name) {
      throw new PaddockError('module.duplicate', `The bundle of ${record.name} now names itself ${name}.`)
    }
    if (needsConsent(record, loaded.assessment).needed) {
      entry.pending = this.pending.add(loaded, describeInstall(loaded, null))
      this.options.state.touch()
      throw new PaddockError('module.consent_required', `${name} asks for more than was granted.`)
    }
    this.acceptVersion(entry, loaded)
    return loaded
  }

  private acceptVersion(entry: ModuleEntry, loaded: LoadedBundle): void {
    const { assessment } = loaded
    if (entry.record.componentSha256 === assessment.componentSha256) return
    entry.record = { ...entry.record, componentSha256: assessment.componentSha256 }
    this.options.records.save(entry.record)
  }

  /** Puts a version in the place of the one that runs; when it is rejected, that one and its record stay. */
  private async upgrade(entry: ModuleEntry, record: InstalledModule, loaded: LoadedBundle): Promise<void> {
    const before = entry.record
    entry.record = record
    this.options.records.save(record)
    entry.pending = null
    this.options.state.clear(`consent ${entry.name}`)
    try {
      await entry.replace(loaded)
    } catch (error) {
      entry.record = before
      this.options.records.save(before)
      entry.relink()
      throw error
    }
  }

  private installedAs(name: string): { bundlePath: string; version: string } | undefined {
    const entry = this.options.registry.find(name)
    return entry && { bundlePath: entry.record.bundlePath, version: entry.view().version }
  }

  private recordOf(name: string): InstalledModule | undefined {
    return this.options.registry.find(name)?.record
  }

  private refuseDuplicate(loaded: LoadedBundle): void {
    const { name } = loaded.assessment.manifest
    const existing = this.options.registry.find(name)
    if (existing === undefined || existing.record.bundlePath === loaded.bundlePath) return
    // What is announced has another address with each version.
    if (loaded.discoveredBy !== null && existing.record.discoveredBy === loaded.discoveredBy) return
    throw new PaddockError(
      'module.duplicate',
      `A module named ${name} is loaded already, from ${existing.record.bundlePath}.`,
    )
  }
}

function loadOptions({ manifestFile, grants, limits, discoveredBy }: InstalledModule): LoadOptions {
  return { manifestFile, record: { grants, limits, discoveredBy } }
}

/** The key with its value, or nothing where there is none. */
function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>)
}
