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
import { deciderMemoryFile, DeciderMemory } from './routing/memory.ts'
import { DeciderMetrics } from './metrics.ts'
import { OutcomeHistory } from './outcome-history.ts'
import { Permits } from './permits.ts'
import { Rollout } from './routing/rollout.ts'
import type { ActivationReport } from './routing/routing-table.ts'

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
  private readonly rollout: Rollout
  private authoriser: Authoriser | null = null

  constructor(options: DeciderServiceOptions) {
    this.options = options
    this.permits = new Permits(options.executions ?? deciderLimits.executions)
    this.memory = new DeciderMemory(path.join(options.stateDir, deciderMemoryFile), (error) =>
      options.log('warn', 'decider_memory', `${deciderMemoryFile}: ${toErrorReport(error).message}`),
    )
    this.rollout = new Rollout({ memory: this.memory, log: options.log })
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
    return this.rollout.host(reference).stateAt(streamId, at)
  }

  /** A page of a decider's store. Throws `decider.unroutable`, `store.*`. */
  read(reference: string, query: StoreQuery): Promise<StoreAnswer> {
    return this.rollout.host(reference).read(query)
  }

  outcomes(name: string | null, limit: number): OutcomeRecord[] {
    return this.history.list(name, limit)
  }

  /** Calls the listener with every command that ends; of one decider, or of all with null. */
  onOutcome(name: string | null, listener: (record: OutcomeRecord) => void): () => void {
    return this.history.onAdd((record) => {
      if (name === null || record.name === name) listener(record)
    })
  }

  /** Every version that is loaded. */
  views(): DeciderView[] {
    return this.rollout.views()
  }

  routes(): RouteView[] {
    return this.rollout.routes()
  }

  /** What activating a loaded version would change. Throws as `activate` does. */
  planActivation(reference: string, options: { readonly takeover: boolean }): ActivationReport {
    return this.rollout.plan(reference, options)
  }

  /**
   * Routes all types of a loaded version to it, and none any more to another version of its decider. Throws
   * `decider.unroutable`, and `decider.duplicate_route` for types of another decider unless `takeover` confirms that.
   */
  activate(reference: string, options: { readonly takeover: boolean }): ActivationReport {
    return this.rollout.activate(reference, options)
  }

  /** Stops routing one type. Answers false when it was not routed. */
  retire(type: string): boolean {
    return this.rollout.retire(type)
  }

  /** Stops routing every type of a decider, in one step. Answers the types. */
  retireModule(name: string): string[] {
    return this.rollout.retireModule(name)
  }

  register(host: DeciderHost, predecessor: DeciderHost | null): void {
    this.rollout.register(host, predecessor)
  }

  unregister(host: DeciderHost): void {
    this.rollout.unregister(host)
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
      const host = this.rollout.host(command.reference)
      if (host.types.includes(command.type)) return host
    }
    const routed = (command.reference ?? null) === null ? this.rollout.routed(command.type) : undefined
    if (routed !== undefined) return routed
    throw new PaddockError(
      'decider.unroutable',
      `No decider is active for ${JSON.stringify(command.type)}.`,
      {
        details: { commandType: command.type },
      },
    )
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
