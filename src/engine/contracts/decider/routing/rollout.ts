/** Which versions of deciders are loaded and which of them is active (spec decider 3). */
import type { DeciderView, RouteView } from '../../../../shared/contracts/decider-views.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { EngineLog } from '../../../telemetry/engine-log.ts'
import type { DeciderHost, DeciderRegistrar } from '../decider-host.ts'
import type { DeciderMemory } from './memory.ts'
import { referenceOf, RoutingTable, type ActivationReport } from './routing-table.ts'

export interface RolloutOptions {
  readonly memory: DeciderMemory
  readonly log: EngineLog
}

export class Rollout implements DeciderRegistrar {
  private readonly options: RolloutOptions
  private readonly hosts = new Map<string, DeciderHost>()
  /** Replaced as a whole: whoever reads it sees all of a change or nothing. */
  private table = new RoutingTable<DeciderHost>()

  constructor(options: RolloutOptions) {
    this.options = options
  }

  /** The version that decides this type now. */
  routed(type: string): DeciderHost | undefined {
    return this.table.get(type)
  }

  /** By `name@version`, or by name alone: the active version, else the only one. Throws `decider.unroutable`. */
  host(reference: string): DeciderHost {
    const versions = [...this.hosts.values()].filter(({ name }) => name === reference)
    const found =
      this.hosts.get(reference) ??
      this.table.activeOf(reference) ??
      (versions.length === 1 ? versions[0] : undefined)
    if (found !== undefined) return found
    throw new PaddockError('decider.unroutable', `The decider ${JSON.stringify(reference)} is not loaded.`)
  }

  views(): DeciderView[] {
    return [...this.hosts.values()].map((host) => ({
      module: host.module,
      name: host.name,
      version: host.version,
      artifact: host.artifact,
      descriptor: host.descriptor,
      effectiveSnapshots: host.effectiveSnapshots,
      active: this.table.activeOf(host.name) === host,
      inFlight: host.inFlight,
      degraded: host.degraded,
    }))
  }

  routes(): RouteView[] {
    return this.table.entries().map(([type, { name, version, module, artifact, inFlight }]) => ({
      type,
      name,
      version,
      module,
      artifact,
      inFlight,
    }))
  }

  plan(reference: string, options: { readonly takeover: boolean }): ActivationReport {
    return this.table.activate(this.host(reference), options).report
  }

  activate(reference: string, options: { readonly takeover: boolean }): ActivationReport {
    const host = this.host(reference)
    const { table, report } = this.table.activate(host, options)
    this.table = table
    this.options.memory.setActive(host.name, { version: host.version, module: host.module, retired: [] })
    this.tell(host, report)
    return report
  }

  retire(type: string): boolean {
    const host = this.table.get(type)
    if (host === undefined) return false
    this.table = this.table.without((each) => each !== type)
    this.rememberRetired(host.name, [type])
    return true
  }

  retireModule(name: string): string[] {
    const types = this.table.entries().flatMap(([type, host]) => (host.name === name ? [type] : []))
    this.table = this.table.without((_type, host) => host.name !== name)
    if (types.length > 0) this.rememberRetired(name, types)
    return types
  }

  register(host: DeciderHost, predecessor: DeciderHost | null): void {
    const reference = referenceOf(host)
    const loaded = this.hosts.get(reference)
    if (loaded !== undefined && loaded.module !== host.module) {
      throw new PaddockError(
        'decider.duplicate_route',
        `${reference} is loaded already, by ${loaded.module}; ${host.module} brings it too.`,
        { details: { owner: loaded.module, newcomer: host.module } },
      )
    }
    this.table.refuseForeign(host)
    if (predecessor !== null && predecessor !== host) this.forget(predecessor)
    this.hosts.set(reference, host)
    this.noteArtifact(host)
    this.route(host)
  }

  unregister(host: DeciderHost): void {
    this.forget(host)
  }

  private forget(host: DeciderHost): void {
    for (const [reference, each] of this.hosts) if (each === host) this.hosts.delete(reference)
    this.table = this.table.without((_type, owner) => owner !== host)
  }

  private noteArtifact(host: DeciderHost): void {
    const reference = referenceOf(host)
    const before = this.options.memory.noteArtifact(reference, host.artifact)
    if (before === null) return
    this.options.log(
      'warn',
      'decider_rebuilt',
      `${reference} was rebuilt under the same version: ${before.slice(0, 12)} became ` +
        `${host.artifact.slice(0, 12)}; snapshots of the build before are not used.`,
    )
  }

  /** A new decider is active at once; of several versions the one that was, until the operator activates another. */
  private route(host: DeciderHost): void {
    const { memory, log } = this.options
    const remembered = memory.active(host.name)
    if (remembered !== undefined && remembered.module !== host.module) {
      log(
        'info',
        'decider_loaded',
        `${referenceOf(host)} is loaded beside ${host.name}@${remembered.version}, which stays active`,
      )
      return
    }
    const before = this.table.activeOf(host.name)
    const retired = remembered?.retired ?? []
    const { table, report } = this.table.activate(host, { takeover: false, except: retired })
    this.table = table
    memory.setActive(host.name, { version: host.version, module: host.module, retired })
    // A sandbox that came again changes nothing.
    if (before !== host) this.tell(host, report)
  }

  private rememberRetired(name: string, types: readonly string[]): void {
    const active = this.options.memory.active(name)
    if (active !== undefined) {
      this.options.memory.setActive(name, { ...active, retired: [...new Set([...active.retired, ...types])] })
    }
    this.options.log('info', 'decider_retired', `No longer routed: ${types.join(', ')}`)
  }

  private tell(host: DeciderHost, { dropped, takenOver }: ActivationReport): void {
    const notes = [
      ...(dropped.length > 0 ? [`no longer routed: ${dropped.join(', ')}`] : []),
      ...takenOver.map(({ type, from }) => `${type} taken from ${from}`),
    ]
    const end = notes.length === 0 ? '' : `; ${notes.join('; ')}`
    this.options.log('info', 'decider_activated', `${referenceOf(host)} is active${end}`)
  }
}
