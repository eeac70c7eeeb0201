/**
 * Owns the databases of other engines' actors: one request table, permits taken in turns between actors, and the checks of
 * every request in their order (spec actors-sql 3.2, 11).
 */
import { PaddockError } from '../../../../shared/errors.ts'
import { ActorFiles } from '../files.ts'
import type { ActorHosts } from '../hosts/actor-hosts.ts'
import { faultAnswer, type RemoteFacts, type SqlAnswer, type ToHost } from './messages.ts'
import { OwnedActor, type Work } from './owned-actor.ts'

/** `actors`: known at once, of all namespaces. */
export const ownerLimits = { permits: 32, queuePerActor: 128, queue: 4_096, actors: 65_536 } as const

export interface SqlOwnerOptions {
  /** Where the databases are kept. */
  readonly directory: string
  /** Processes are never shared between namespaces. */
  readonly createHosts: (namespace: string) => ActorHosts
  readonly log: (message: string) => void
}

interface Namespace {
  readonly hosts: ActorHosts
  readonly files: ActorFiles
  readonly actors: Map<string, OwnedActor>
  /** Generations of actors that were destroyed: none below is taken again. */
  readonly destroyed: Map<string, number>
}

type SqlRequest = Extract<ToHost, { type: 'sql' }>

export class SqlOwner {
  private readonly options: SqlOwnerOptions
  private readonly namespaces = new Map<string, Namespace>()
  /** Actors with queued work and none running, in the order of their turns. */
  private readonly turns: OwnedActor[] = []
  private permits: number = ownerLimits.permits
  private queued = 0
  /** For figures. */
  refusedByFence = 0

  constructor(options: SqlOwnerOptions) {
    this.options = options
  }

  get permitsInUse(): number {
    return ownerLimits.permits - this.permits
  }

  get waiting(): number {
    return this.queued
  }

  /** Open files. */
  get executors(): number {
    let count = 0
    for (const { actors } of this.namespaces.values()) {
      for (const actor of actors.values()) count += actor.executors
    }
    return count
  }

  /** This generation is current from now on. Throws `sqlite.remote_fence_mismatch` for one below what was. */
  async announce(facts: RemoteFacts): Promise<void> {
    const namespace = this.namespaceOf(facts.namespace)
    await namespace.files.prepare()
    for (;;) {
      const known = namespace.actors.get(facts.actorId)
      const current = known?.facts.generation ?? (namespace.destroyed.get(facts.actorId) ?? -1) + 1
      if (facts.generation < current) {
        this.refusedByFence += 1
        throw new PaddockError(
          'sqlite.remote_fence_mismatch',
          'A later generation of this actor was announced.',
          {
            details: { presented: facts.generation, current },
          },
        )
      }
      if (known !== undefined && facts.generation === current) {
        known.gateOpen = true
        return
      }
      if (known === undefined) break
      await this.stop(known)
      // Another announcement may have come first: then it is looked at anew.
      if (namespace.actors.get(facts.actorId) === known) break
    }
    this.refuseWhenFull(namespace, facts.actorId)
    const path = namespace.files.database(facts.actorId)
    namespace.actors.set(facts.actorId, new OwnedActor(facts, namespace.hosts, path))
    namespace.destroyed.delete(facts.actorId)
  }

  /** Shuts the gate: what waits is told `closed`, what runs may end, the file is closed. */
  async retire(namespace: string, actorId: string, generation: number): Promise<void> {
    const actor = this.namespaces.get(namespace)?.actors.get(actorId)
    if (actor === undefined || actor.facts.generation !== generation) return
    await this.stop(actor)
  }

  async destroy(namespace: string, actorId: string, generation: number): Promise<void> {
    await this.retire(namespace, actorId, generation)
    const known = this.namespaceOf(namespace)
    if ((known.actors.get(actorId)?.facts.generation ?? 0) > generation) return
    known.actors.delete(actorId)
    if (known.destroyed.size < ownerLimits.actors) known.destroyed.set(actorId, generation)
    await known.files.remove(actorId)
  }

  /** Checks and queues one request. Never rejects: a refusal is an answer. */
  submit(request: SqlRequest, source: object, isAbandonment = false): Promise<SqlAnswer> {
    const actor = this.namespaces.get(request.namespace)?.actors.get(request.actorId)
    if (actor === undefined) return Promise.resolve(notFound())
    const { generation } = actor.facts
    if (request.generation !== generation) {
      this.refusedByFence += 1
      return Promise.resolve(
        faultAnswer('stale-generation', { presented: request.generation, current: generation }),
      )
    }
    const isFull = actor.queue.length >= ownerLimits.queuePerActor || this.queued >= ownerLimits.queue
    if (isFull && !isAbandonment) {
      const full = actor.queue.length >= ownerLimits.queuePerActor
      const capacity = full ? ownerLimits.queuePerActor : ownerLimits.queue
      const waiting = full ? actor.queue.length : this.queued
      return Promise.resolve(faultAnswer('overloaded', { capacity, waiting }))
    }
    return new Promise((resolve) => {
      const release = actor.inFlight.guard(() =>
        this.options.log(`Work of ${request.actorId} was counted down twice.`),
      )
      // The gate is looked at after counting: a stop sees this request, or this request the stop.
      if (!actor.gateOpen) {
        release()
        resolve(faultAnswer('closed'))
        return
      }
      const { method, args } = request
      const { generation: presented } = request
      actor.queue.push({ method, args, generation: presented, source, isAbandonment, resolve, release })
      this.queued += 1
      if (actor.running === undefined && !this.turns.includes(actor)) this.turns.push(actor)
      this.dispatch()
    })
  }

  /** The connection of these actors is gone: their transactions go with it (spec actors-sql 9.8). */
  async abandonTransactions(
    source: object,
    actors: Iterable<{ namespace: string; actorId: string }>,
  ): Promise<void> {
    for (const { namespace, actorId } of actors) {
      const actor = this.namespaces.get(namespace)?.actors.get(actorId)
      if (actor === undefined) continue
      const isBusy = actor.running?.source === source || actor.queue.some((work) => work.source === source)
      if (!isBusy && !actor.holdsTransaction(source)) continue
      const { generation } = actor.facts
      const end = {
        type: 'sql',
        id: 1,
        namespace,
        actorId,
        generation,
        method: 'endInvocation',
        args: [],
      } as const
      await this.submit({ ...end, args: [] }, source, true)
    }
  }

  async close(): Promise<void> {
    for (const { actors } of this.namespaces.values()) {
      await Promise.all([...actors.values()].map((actor) => this.stop(actor)))
    }
    await Promise.all([...this.namespaces.values()].map(({ hosts }) => hosts.close(0)))
    this.namespaces.clear()
  }

  private async stop(actor: OwnedActor): Promise<void> {
    actor.gateOpen = false
    this.queued -= actor.queue.length
    for (const work of actor.queue.splice(0)) finish(work, faultAnswer('closed'))
    await actor.shut()
  }

  private dispatch(): void {
    while (this.permits > 0) {
      const actor = this.turns.shift()
      if (actor === undefined) return
      const work = actor.queue.shift()
      if (work === undefined || actor.running !== undefined) continue
      this.queued -= 1
      // The generation again when it is taken out (spec actors-sql 3.7).
      if (!actor.gateOpen || work.generation !== actor.facts.generation) {
        finish(work, faultAnswer('closed'))
        if (actor.queue.length > 0) this.turns.push(actor)
        continue
      }
      this.permits -= 1
      actor.running = work
      void this.perform(actor, work)
    }
  }

  private async perform(actor: OwnedActor, work: Work): Promise<void> {
    try {
      finish(work, await actor.run(work))
    } catch (error) {
      finish(work, faultAnswer('not-reached', error instanceof Error ? error.message : String(error)))
    } finally {
      actor.running = undefined
      this.permits += 1
      // Behind all others: its next one waits a whole round.
      if (actor.queue.length > 0) this.turns.push(actor)
      this.dispatch()
    }
  }

  /** Throws `sqlite.overloaded`. */
  private refuseWhenFull(namespace: Namespace, actorId: string): void {
    if (namespace.actors.has(actorId)) return
    let waiting = 0
    for (const { actors } of this.namespaces.values()) waiting += actors.size
    if (waiting < ownerLimits.actors) return
    throw new PaddockError('sqlite.overloaded', `${waiting} actors have their databases here already.`, {
      details: { capacity: ownerLimits.actors, waiting },
    })
  }

  private namespaceOf(name: string): Namespace {
    let namespace = this.namespaces.get(name)
    if (namespace === undefined) {
      namespace = {
        hosts: this.options.createHosts(name),
        files: new ActorFiles(this.options.directory, name),
        actors: new Map(),
        destroyed: new Map(),
      }
      this.namespaces.set(name, namespace)
    }
    return namespace
  }
}

function finish(work: Work, answer: SqlAnswer): void {
  work.release()
  work.resolve(answer)
}

/** The same for a namespace and for an actor that is not there, so that neither shows. */
function notFound(): SqlAnswer {
  const error = new PaddockError('actor.not_found', 'There is no such actor.').toReport()
  return { outcome: { kind: 'report', error }, inTransaction: false, closed: false }
}
