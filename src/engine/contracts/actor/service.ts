/** The actors of one engine: what the command, the console and other engines ask of them, by module (spec actors-sql 1). */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { ActorAnswer, ActorPayload } from '../../../shared/contracts/actor.ts'
import type { ExportManifest } from '../../../shared/contracts/actor-files.ts'
import type { InspectAnswer, RowsAnswer, TablesAnswer } from '../../../shared/contracts/actor-inspect.ts'
import type { ActorPage, ActorView } from '../../../shared/domain/actor.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { Gate } from '../../sandboxes/gates/gate.ts'
import { launchProcess, type ProcessMeans } from '../../sandboxes/launch-process.ts'
import type { EngineLog } from '../../telemetry/engine-log.ts'
import { ActorFiles } from './files.ts'
import { ActorHosts } from './hosts/actor-hosts.ts'
import { ActorListener } from './remote/listener.ts'
import { SqlOwner } from './remote/sql-owner.ts'
import type { WorkOperation } from './control/work.ts'
import { guestFault } from './control/faults.ts'
import { notFound, type ActorAddress, type ActorNamespace } from './namespace.ts'

/** Pages of one step of a copy: a few milliseconds. */
const backupPages = 256
/** Judging and swapping the largest file. */
const importMs = 300_000

export interface ActorServiceOptions {
  /** Where the engine keeps its state. */
  readonly stateDir: string
  readonly clock: Clock
  readonly processes: ProcessMeans
  readonly preparing: Gate
  readonly log: EngineLog
  /** Tells the operator of an actor whose file is damaged, or, with null, that it is sound again. */
  readonly onNotice?: (module: string, actorId: string, error: PaddockError | null) => void
}

const actorsPerHost = 16
const memoryCeilingBytes = 512 * 1_048_576

export interface ServeOptions {
  readonly host?: string | undefined
  readonly port: number
  readonly token: string
}

export interface ServedActors {
  readonly owner: SqlOwner
  readonly url: string
  /** Of other engines, now. */
  readonly connections: number
  close(): Promise<void>
}

export class ActorService {
  /** Databases of actors, one folder for each module. */
  readonly directory: string
  private readonly options: ActorServiceOptions
  private readonly namespaces = new Map<string, ActorNamespace>()
  private readonly served = new Set<ActorListener>()

  constructor(options: ActorServiceOptions) {
    this.options = options
    this.directory = path.join(options.stateDir, 'actors')
  }

  /** A module serves its actors from now on. */
  register(name: string, namespace: ActorNamespace): void {
    this.namespaces.set(name, namespace)
  }

  notice(module: string, actorId: string, error: PaddockError): void {
    this.options.onNotice?.(module, actorId, error)
  }

  unregister(name: string, namespace: ActorNamespace): void {
    if (this.namespaces.get(name) === namespace) this.namespaces.delete(name)
  }

  /**
   * Owns databases for the actors of other engines, until the answer is closed. On the loopback address unless told
   * otherwise: encryption is left to a proxy in front. Throws `wasm.invalid_config` for a token that is too short.
   */
  async serve(options: ServeOptions): Promise<ServedActors> {
    const { clock, processes, preparing, log } = this.options
    const tell = (message: string): void => log('warn', 'actors_served', message)
    const owner = new SqlOwner({
      directory: path.join(this.options.stateDir, 'remote-actors'),
      log: tell,
      createHosts: (namespace) =>
        new ActorHosts({
          namespace,
          clock,
          preparing,
          capacity: actorsPerHost,
          memoryCeilingBytes,
          launch: (handlers) =>
            launchProcess(processes, namespace, {
              purpose: 'databases',
              residentLimitBytes: Number.MAX_SAFE_INTEGER,
              shared: true,
              handlers,
            }),
          onLost: (error) => tell(`A process with databases of ${namespace} ended: ${error.message}`),
          onCrashLoop: (error) => tell(`Processes of ${namespace} end again and again: ${error.message}`),
        }),
    })
    const listener = new ActorListener({
      host: options.host ?? '127.0.0.1',
      port: options.port,
      token: options.token,
      owner,
      clock,
      log: tell,
    })
    const { address, port } = await listener.listen()
    this.served.add(listener)
    return {
      owner,
      get connections() {
        return listener.connections
      },
      url: `ws://${address.includes(':') ? `[${address}]` : address}:${port}`,
      close: async () => {
        this.served.delete(listener)
        await listener.close()
      },
    }
  }

  /** Ends what serves other engines. */
  async close(): Promise<void> {
    await Promise.all([...this.served].map((listener) => listener.close()))
    this.served.clear()
  }

  /** Modules whose actors are served. */
  get modules(): string[] {
    return [...this.namespaces.keys()]
  }

  /**
   * Sends a request to the actor, which is made on first use. The answer is the guest's bytes. Throws `guest.error` with the
   * user's error in its details, `actor.*`, `sqlite.*` and `wasm.trap`.
   */
  async request(
    module: string,
    address: ActorAddress,
    method: string,
    payload: Uint8Array,
  ): Promise<Uint8Array> {
    const answer = await this.namespace(module).submit(address, 'request', { method, payload }, true)
    return done<'request'>(answer)
  }

  /** A page of actors by id. Throws `actor.not_registered`. */
  list(module: string, after: string | null, limit: number): Promise<ActorPage> {
    return this.namespace(module).page(after, limit)
  }

  /** Actors with a text in their key, awake ones first. Throws `actor.not_registered`. */
  search(module: string, contains: string, limit: number): Promise<ActorPage> {
    return this.namespace(module).search(contains, limit)
  }

  /** One actor, or null. Throws `actor.not_registered` and `wasm.invalid_config`. */
  view(module: string, key: readonly string[]): Promise<ActorView | null> {
    return this.namespace(module).view(key)
  }

  /** Puts it to sleep; success when it sleeps already. */
  sleep(module: string, address: ActorAddress): Promise<void> {
    return this.namespace(module).stop(address, 'sleep')
  }

  /** Removes the actor with its database; the next of its key begins empty on a higher generation. */
  destroy(module: string, address: ActorAddress): Promise<void> {
    return this.namespace(module).stop(address, 'destroy')
  }

  async tables(module: string, address: ActorAddress): Promise<TablesAnswer> {
    return this.ask(module, address, 'tables', {})
  }

  async rows(module: string, address: ActorAddress, page: ActorPayload<'rows'>): Promise<RowsAnswer> {
    return this.ask(module, address, 'rows', page)
  }

  /** Runs a reading statement of the operator. */
  async query(
    module: string,
    address: ActorAddress,
    query: ActorPayload<'inspect-sql'>,
  ): Promise<InspectAnswer> {
    return this.ask(module, address, 'inspect-sql', query)
  }

  /** Statements, sizes and slow statements of the running instance. */
  async info(module: string, address: ActorAddress): Promise<Answered<'info'>> {
    return this.ask(module, address, 'info', {})
  }

  /** Copies the database of an actor while it runs, to a new file. Throws `sqlite.*`. */
  async backup(
    module: string,
    address: ActorAddress,
    targetPath: string,
  ): Promise<{ readonly pages: number }> {
    this.checkTarget(targetPath)
    const step = (payload: ActorPayload<'backup'>): Promise<Answered<'backup'>> =>
      this.ask(module, address, 'backup', payload)
    try {
      let progress = await step({ action: 'start', targetPath })
      // Each step is a piece of work of its own: requests come between.
      while (!progress.done) progress = await step({ action: 'step', pages: backupPages })
      return { pages: progress.totalPages }
    } catch (error) {
      await step({ action: 'cancel' }).catch(() => undefined)
      throw error
    }
  }

  /** Writes one file without any trace of this host, and what it is beside it. Throws `sqlite.*`. */
  async export(module: string, address: ActorAddress, targetPath: string): Promise<ExportManifest> {
    this.checkTarget(targetPath)
    return this.ask(module, address, 'export', { targetPath })
  }

  /**
   * Puts an exported database in place of the actor's, which is put to sleep for it and gets a higher generation; on
   * failure the old one stays. `sha256` is what the file must have. Throws `sqlite.*`.
   */
  async import(
    module: string,
    address: ActorAddress,
    sourcePath: string,
    sha256: string,
  ): Promise<ActorImport> {
    const actor = this.namespace(module).actor(address, true)
    const imported = await actor.apart(async (instance) => {
      const payload = { sourcePath, sha256, apply: true } as const
      const { answer } = await instance.call('import-check', payload, importMs)
      return done<'import-check'>(answer)
    })
    this.options.onNotice?.(module, actor.id, null)
    return imported
  }

  /** Removes the databases of all actors of a module that is gone. */
  async purge(module: string): Promise<void> {
    await rm(new ActorFiles(this.directory, module).directory, { recursive: true, force: true })
  }

  /** The namespace of a module. Throws `actor.not_registered`. */
  namespace(module: string): ActorNamespace {
    const namespace = this.namespaces.get(module)
    if (namespace === undefined) {
      throw new PaddockError('actor.not_registered', `No module ${module} serves actors now.`)
    }
    return namespace
  }

  /** A copy never takes the place of a file of the engine's own. Throws `wasm.invalid_config`. */
  private checkTarget(targetPath: string): void {
    const inside = path.relative(this.options.stateDir, targetPath)
    const isOutside = inside === '..' || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside)
    if (path.isAbsolute(targetPath) && isOutside) return
    throw new PaddockError('wasm.invalid_config', 'A copy cannot be written among the files of Paddock.', {
      details: { field: 'path', reason: 'in the state directory' },
      remedy: 'Name a file in another folder.',
    })
  }

  private async ask<O extends WorkOperation>(
    module: string,
    address: ActorAddress,
    operation: O,
    payload: ActorPayload<O>,
  ): Promise<Answered<O>> {
    const namespace = this.namespace(module)
    const answer = await namespace.submit(address, operation, payload, false)
    return done(answer)
  }
}

export type ActorImport = Answered<'import-check'>

export type Answered<O extends WorkOperation | 'import-check'> = Extract<
  ActorAnswer<O>,
  { status: 'done' }
>['value']

/** The value of an answer. Throws the guest's error as its caller may see it, or what was refused. */
export function done<O extends WorkOperation | 'import-check'>(answer: ActorAnswer<O>): Answered<O> {
  switch (answer.status) {
    case 'done':
      return answer.value
    case 'guest-error':
      throw guestFault(answer.error)
    case 'refused':
      throw PaddockError.fromReport(answer.error)
  }
  throw notFound()
}
