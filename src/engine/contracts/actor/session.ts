/** An actor module while it lives: its actors are served, its processes come and go with them. */
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { LoadSpec } from '../../../shared/sandbox/protocol.ts'
import type { ContractSession, InitOutcome, OwnProcesses, SessionContext } from '../session.ts'
import { readActorConfig } from './config.ts'
import { ActorDirectory } from './directory/directory.ts'
import { ActorFigures } from './figures.ts'
import { ActorFiles } from './files.ts'
import { ActorHosts } from './hosts/actor-hosts.ts'
import { ActorNamespace } from './namespace.ts'
import { RemoteClient } from './remote/client.ts'
import { RemoteOwner } from './remote/remote-owner.ts'
import { readToken } from './remote/token.ts'
import { isRejection } from '../../supervisor/rejections.ts'

/** How long the control side waits in a state (spec actors-sql 16.3), in milliseconds. */
const thresholds = { allocatingMs: 2_000, startingMs: 30_000, leavingMs: 60_000 } as const

export class ActorSession implements ContractSession {
  readonly processes: OwnProcesses
  private readonly context: SessionContext
  private namespace: ActorNamespace | undefined

  constructor(context: SessionContext, predecessor: ContractSession | undefined) {
    // Its actors are stopped by now; whoever comes next finds them in the directory.
    predecessor?.close()
    this.context = context
    const pids = (): number[] => (this.namespace?.context.hosts.all ?? []).flatMap(({ pid }) => pid ?? [])
    this.processes = {
      get pids() {
        return pids()
      },
      start: (spec, run) => this.start(spec, run),
      stop: (graceMs) => this.stop(graceMs),
    }
  }

  get queued(): number {
    return this.namespace?.queued ?? 0
  }

  initialise(): Promise<InitOutcome> {
    const error = new PaddockError('internal.bug', 'Actors have processes of their own.')
    return Promise.resolve({ kind: 'failed', error: error.toReport() })
  }

  open(): void {
    // `start` did all there is.
  }

  detach(): void {
    // `stop` does it.
  }

  close(): void {
    void this.stop(0)
  }

  private async start(spec: LoadSpec, run: number): Promise<InitOutcome> {
    try {
      const namespace = this.createNamespace(spec, await this.createOwner())
      await namespace.open()
      this.namespace = namespace
      this.context.services.actors.register(this.context.name, namespace)
      this.context.log('debug', 'actors_served', `${this.context.name} serves actors (run ${run})`)
      return { kind: 'ok' }
    } catch (error) {
      const report = toErrorReport(error)
      return { kind: isRejection(report.code) ? 'rejected' : 'failed', error: report }
    }
  }

  private async stop(graceMs: number): Promise<void> {
    const { namespace } = this
    this.namespace = undefined
    if (namespace === undefined) return
    this.context.services.actors.unregister(this.context.name, namespace)
    await namespace.close(graceMs)
  }

  /** The engine that owns the databases, where the operator named one. Throws `wasm.invalid_config`. */
  private async createOwner(): Promise<RemoteOwner | null> {
    const { name, clock, grants } = this.context
    const { actorEngine } = grants
    if (actorEngine === undefined) return null
    const token = await readToken(actorEngine.tokenFile)
    const log = (message: string): void => this.context.log('warn', 'actor_engine', message)
    return new RemoteOwner(name, new RemoteClient({ url: actorEngine.url, token, clock, log }))
  }

  private createNamespace(spec: LoadSpec, owner: RemoteOwner | null): ActorNamespace {
    const { context } = this
    const { name, clock, manifest, services } = context
    const config = readActorConfig(manifest.contractTable)
    const files = new ActorFiles(services.actors.directory, name)
    const figures = new ActorFigures()
    let dispatches = 0
    const hosts = new ActorHosts({
      namespace: name,
      clock,
      preparing: context.preparing,
      capacity: config.actorsPerHost,
      memoryCeilingBytes: config.memoryCeilingBytes,
      launch: (handlers) =>
        context.launch({
          purpose: 'actors',
          residentLimitBytes: Number.MAX_SAFE_INTEGER,
          shared: true,
          handlers,
        }),
      onLost: (error) =>
        context.log('warn', 'actor_host_lost', `A process with actors ended: ${error.message}`, error.code),
      onCrashLoop: (error) => context.onFailed(error),
    })
    return new ActorNamespace({
      namespace: name,
      clock,
      config,
      thresholds,
      // The program of this contract keeps its own files and watches its own statements.
      spec: { ...spec, storePath: null, watchStatements: true },
      hasDatabase: spec.capabilities['database'] === 'provided',
      settings: manifest.config,
      hosts,
      directory: new ActorDirectory({
        file: files.journal,
        onDamage: (report) => context.log('error', 'actor_directory', report.message, report.code),
      }),
      files,
      figures,
      owner,
      createAdmission: () => context.createAdmission(),
      log: (level, event, message, code) => context.log(level, event, message, code),
      guestLogs: (records, dropped) => context.guestLogs(records, dropped),
      recordDispatch: (dispatch, reply) =>
        context.recordDispatch({ ...dispatch, dispatch: dispatches++, run: spec.run }, reply),
      onHealthy: () => {
        hosts.noteHealthy()
        context.onHealthy()
      },
      onNotice: (actorId, error) => services.actors.notice(name, actorId, error),
    })
  }
}
