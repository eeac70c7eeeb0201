/** Commands for deciders: which version decides them, how many at once, and what became of them (spec decider 3, 4, 9). */
import path from 'node:path'
import type { ExecutePayload, ExecutionOutcome, StateView } from '../../../shared/contracts/decider.ts'
import type {
  DeciderView,
  OutcomeRecord,
  RouteView,
  StoreAnswer,
  StoreQuery,
} from '../../../shared/contracts/decider-views.ts'
import { deciderLimits } from '../../../shared/contracts/decider-limits.ts'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { EngineLog } from '../../telemetry/engine-log.ts'
import { checkCommand, type DeciderCommand } from './command.ts'
import type { DeciderHost, DeciderRegistrar } from './decider-host.ts'
import { engineFailure } from './failures.ts'
import { DeciderMemory } from './memory.ts'
import { DeciderMetrics } from './metrics.ts'
import { OutcomeHistory } from './outcome-history.ts'
import { Permits } from './permits.ts'
import { referenceOf, RoutingTable, type ActivationReport } from './routing-table.ts'

/** Whether `principal` may send the command. Sees the command, not the stream, which only the guest can name. */
export type Authoriser = (principal: string, command: ExecutePayload) => boolean | Promise<boolean>

export interface DeciderServiceOptions {
  readonly clock: Clock
  readonly log: EngineLog
  readonly stateDir: string
  /** Executions at once; 64 unless said. */
  readonly executions?: number
}

export class DeciderService implements DeciderRegistrar {
  readonly metrics = new DeciderMetrics()
  private readonly options: DeciderServiceOptions
  private readonly permits: Permits
  private readonly memory: DeciderMemory
  private readonly history = new OutcomeHistory()
  private readonly hosts = new Map<string, DeciderHost>()
  /** Replaced as a whole: whoever reads it sees all of a change or nothing. */
  private table = new RoutingTable<DeciderHost>()
  private authoriser: Authoriser | null = null

  constructor(options: DeciderServiceOptions) {
    this.options = options
    this.permits = new Permits(options.executions ?? deciderLimits.executions)
    this.memory = new DeciderMemory(path.join(options.stateDir, 'deciders.json'), (error) =>
      options.log('warn', 'decider_memory', `deciders.json: ${toErrorReport(error).message}`),
    )
  }

  /** Reads what an engine before this one kept; call before modules start. */
  open(): Promise<void> {
    return this.memory.open()
  }

  /** Settles when what must outlive the engine is on disk. */
  close(): Promise<void> {
    return this.memory.flush()
  }

  /** From now on every command needs a principal that the authoriser lets through; null for none. */
  setAuthoriser(authoriser: Authoriser | null): void {
    this.authoriser = authoriser
  }

  /** Carries a command out. Never rejects: every end is an outcome (spec decider 9). */
  async execute(command: DeciderCommand): Promise<ExecutionOutcome> {
    let host: DeciderHost | undefined
    const outcome = await this.attempt(
      async () => {
        const payload = checkCommand(command)
        host = this.hostFor(command)
        const release = this.permits.take(host.module)
        try {
          await this.authorise(command, payload)
          return await host.execute(payload)
        } finally {
          release()
        }
      },
      () => host,
      command,
    )
    this.note(command, host, outcome)
    return outcome
  }

  /** Decides without appending; on the state as of revision `at` where given. Never rejects. */
  dryRun(command: DeciderCommand, at: number | null = null): Promise<ExecutionOutcome> {
    let host: DeciderHost | undefined
    return this.attempt(
      async () => {
        const payload = checkCommand(command)
        if (at !== null && !(Number.isSafeInteger(at) && at >= 0)) {
          throw new PaddockError('decider.malformed_request', `Revision ${at} is none.`)
        }
        host = this.hostFor(command)
        await this.authorise(command, payload)
        return host.dryRun({ ...payload, at })
      },
      () => host,
      command,
    )
  }

  /** State of a stream as of a revision, or now. Throws `decider.unroutable`, and what the replay fails with. */
  stateAt(reference: string, streamId: string, at: number | null): Promise<StateView> {
    return this.host(reference).stateAt(streamId, at)
  }

  /** A page of a decider's store. Throws `decider.unroutable`, `store.*`. */
  read(reference: string, query: StoreQuery): Promise<StoreAnswer> {
    return this.host(reference).read(query)
  }

  outcomes(name: string | null, limit: number): OutcomeRecord[] {
    return this.history.list(name, limit)
  }

  /** Every version that is loaded. */
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

  /** What activating a loaded version would change. Throws as `activate` does. */
  planActivation(reference: string, options: { readonly takeover: boolean }): ActivationReport {
    return this.table.activate(this.host(reference), options).report
  }

  /**
   * Routes all types of a loaded version to it, and none any more to another version of its decider. Throws
   * `decider.unroutable`, and `decider.duplicate_route` for types of another decider unless `takeover` confirms that.
   */
  activate(reference: string, options: { readonly takeover: boolean }): ActivationReport {
    const host = this.host(reference)
    const { table, report } = this.table.activate(host, options)
    this.table = table
    this.memory.setActive(host.name, { version: host.version, module: host.module, retired: [] })
    this.tell(host, report)
    return report
  }

  /** Stops routing one type. Answers false when it was not routed. */
  retire(type: string): boolean {
    const host = this.table.get(type)
    if (host === undefined) return false
    this.table = this.table.without((each) => each !== type)
    const active = this.memory.active(host.name)
    if (active !== undefined)
      this.memory.setActive(host.name, { ...active, retired: [...active.retired, type] })
    this.options.log('info', 'decider_retired', `${type} is no longer routed`)
    return true
  }

  /** Stops routing every type of a decider, in one step. Answers the types. */
  retireModule(name: string): string[] {
    const types = this.table.entries().flatMap(([type, host]) => (host.name === name ? [type] : []))
    this.table = this.table.without((_type, host) => host.name !== name)
    const active = this.memory.active(name)
    if (active !== undefined) this.memory.setActive(name, { ...active, retired: types })
    if (types.length > 0)
      this.options.log('info', 'decider_retired', `${types.join(', ')} are no longer routed`)
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
    const rebuilt = this.memory.noteArtifact(reference, host.artifact)
    if (rebuilt !== null) {
      this.options.log(
        'warn',
        'decider_rebuilt',
        `${reference} was rebuilt under the same version: ${rebuilt.slice(0, 12)} became ` +
          `${host.artifact.slice(0, 12)}; snapshots of the build before are not used.`,
      )
    }
    this.route(host)
  }

  unregister(host: DeciderHost): void {
    this.forget(host)
  }

  private forget(host: DeciderHost): void {
    if (this.hosts.get(referenceOf(host)) === host) this.hosts.delete(referenceOf(host))
    this.table = this.table.without((_type, owner) => owner !== host)
  }

  /** A new decider is active at once; of several versions the one that was, until the operator activates another. */
  private route(host: DeciderHost): void {
    const remembered = this.memory.active(host.name)
    const isActive = remembered === undefined || remembered.module === host.module
    if (!isActive) {
      this.options.log(
        'info',
        'decider_loaded',
        `${referenceOf(host)} is loaded beside ${host.name}@${remembered.version}, which stays active`,
      )
      return
    }
    const retired = remembered?.retired ?? []
    const { table, report } = this.table.activate(host, { takeover: false, except: retired })
    this.table = table
    this.memory.setActive(host.name, { version: host.version, module: host.module, retired })
    this.tell(host, report)
  }

  private tell(host: DeciderHost, { dropped, takenOver }: ActivationReport): void {
    const notes = [
      ...(dropped.length > 0 ? [`no longer routed: ${dropped.join(', ')}`] : []),
      ...takenOver.map(({ type, from }) => `${type} taken from ${from}`),
    ]
    const end = notes.length === 0 ? '' : `; ${notes.join('; ')}`
    this.options.log('info', 'decider_activated', `${referenceOf(host)} is active${end}`)
  }

  private async authorise({ principal }: DeciderCommand, payload: ExecutePayload): Promise<void> {
    const { authoriser } = this
    if (authoriser === null) return
    if (principal === undefined || principal === null || principal === '') {
      throw new PaddockError('decider.principal_missing', 'The command names nobody who sends it.')
    }
    if (await authoriser(principal, payload)) return
    throw new PaddockError('decider.principal_refused', `${principal} may not send ${payload.type}.`)
  }

  private hostFor(command: DeciderCommand): DeciderHost {
    if (command.reference !== undefined && command.reference !== null) {
      const host = this.host(command.reference)
      if (host.types.includes(command.type)) return host
    }
    const routed = command.reference == null ? this.table.get(command.type) : undefined
    if (routed !== undefined) return routed
    throw new PaddockError(
      'decider.unroutable',
      `No decider is active for ${JSON.stringify(command.type)}.`,
      {
        details: { commandType: command.type },
      },
    )
  }

  /** By `name@version`, or by name alone: the active version, else the only one. Throws `decider.unroutable`. */
  private host(reference: string): DeciderHost {
    const versions = [...this.hosts.values()].filter(({ name }) => name === reference)
    const found =
      this.hosts.get(reference) ??
      this.table.activeOf(reference) ??
      (versions.length === 1 ? versions[0] : undefined)
    if (found !== undefined) return found
    throw new PaddockError('decider.unroutable', `The decider ${JSON.stringify(reference)} is not loaded.`)
  }

  private async attempt(
    work: () => Promise<ExecutionOutcome>,
    host: () => DeciderHost | undefined,
    command: DeciderCommand,
  ): Promise<ExecutionOutcome> {
    try {
      return await work()
    } catch (error) {
      const about = host()
      return engineFailure(error, {
        commandType: command.type,
        ...(about === undefined ? {} : { module: about.name, version: about.version }),
      })
    }
  }

  private note(command: DeciderCommand, host: DeciderHost | undefined, outcome: ExecutionOutcome): void {
    const [name, version] = [host?.name ?? null, host?.version ?? null]
    const about = { module: name ?? '', version: version ?? '', type: host === undefined ? '' : command.type }
    this.metrics.record(about, outcome)
    this.history.add(
      {
        time: this.options.clock.now(),
        name,
        version,
        commandType: command.type,
        commandId: command.commandId ?? null,
      },
      outcome,
    )
  }
}
