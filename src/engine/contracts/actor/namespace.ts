/** The actors of one module in this engine: found by key, made on first use (spec actors-sql 1, 3). */
import type { ActorAnswer, ActorPayload } from '../../../shared/contracts/actor.ts'
import type { ActorFiguresView, ActorPage, ActorView } from '../../../shared/domain/actor.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { actorIdOf, checkedKey } from './actor-id.ts'
import { actorView } from './actor-view.ts'
import type { ActorContext } from './control/actor-context.ts'
import { Actor } from './control/actor.ts'
import type { StopCommand } from './control/instance-state.ts'
import type { WorkOperation } from './control/work.ts'
import type { ActorRecord } from './directory/record.ts'

/** Names an actor: by key, or by the id that lists show; with the generation it must have, if any. */
export type ActorAddress = (
  | { readonly key: readonly string[]; readonly id?: undefined }
  | { readonly id: string; readonly key?: undefined }
) & { readonly generation?: number | undefined }

export interface NamespaceFigure {
  readonly awake: number
  readonly queued: number
  readonly processes: number
  readonly figures: ActorFiguresView
}

export class ActorNamespace {
  readonly context: ActorContext
  private readonly actors = new Map<string, Actor>()
  private closed = false

  constructor(context: ActorContext) {
    this.context = context
  }

  /** Reads the directory and ends destructions that a crash broke off. Throws `state.unwritable`. */
  async open(): Promise<void> {
    const { directory, files } = this.context
    await directory.open()
    const { owner, log } = this.context
    for (const record of directory.unfinished()) {
      try {
        await owner?.destroy(record.id, record.generation)
      } catch (error) {
        // It stays as it is, and refuses work, until it is destroyed once more.
        const code = error instanceof PaddockError ? error.code : undefined
        log('warn', 'actor_destroy', `The destruction of actor ${record.id} was not ended.`, code)
        continue
      }
      await files.remove(record.id)
      await directory.put({ ...record, state: 'destroyed', started: false })
    }
  }

  /** Does one piece of work in the actor; `create` makes one that is not there. Throws `actor.*`, `sqlite.*`, `guest.error`. */
  async submit<O extends WorkOperation>(
    address: ActorAddress,
    operation: O,
    payload: ActorPayload<O>,
    create: boolean,
  ): Promise<ActorAnswer<O>> {
    return this.find(address, create).submit(operation, payload)
  }

  /** Stops the instance of an actor that is there. Throws `actor.*`. */
  async stop(address: ActorAddress, command: StopCommand): Promise<void> {
    await this.find(address, false).stop(command)
  }

  /** An actor that is there. Throws `actor.not_found` and `sqlite.remote_fence_mismatch`. */
  actor(address: ActorAddress, create = false): Actor {
    return this.find(address, create)
  }

  async page(after: string | null, limit: number): Promise<ActorPage> {
    const all = this.live()
    const rest = after === null ? all : all.filter(({ id }) => id > after)
    const chosen = rest.slice(0, limit)
    const next = rest.length > limit ? (chosen.at(-1)?.id ?? null) : null
    return this.pageOf(chosen, next, all.length)
  }

  /** Actors with this text in their key, in any case: those that are awake first, then by key; at most `limit`. */
  async search(contains: string, limit: number): Promise<ActorPage> {
    const wanted = contains.toLowerCase()
    const found = this.live()
      .map((record) => ({ record, text: record.key.join('/'), isAwake: this.isAwake(record.id) }))
      .filter(({ text }) => text.toLowerCase().includes(wanted))
      .sort((a, b) => Number(b.isAwake) - Number(a.isAwake) || (a.text < b.text ? -1 : 1))
    const chosen = found.slice(0, limit).map(({ record }) => record)
    return this.pageOf(chosen, null, found.length)
  }

  /** The actor with this key as the operator sees it, or null. Throws `wasm.invalid_config` for what is no key. */
  async view(key: readonly string[]): Promise<ActorView | null> {
    const id = actorIdOf(checkedKey(key))
    const record = this.context.directory.get(id)
    return record === undefined || record.state === 'destroyed' ? null : this.viewOf(id, record.key)
  }

  private live(): ActorRecord[] {
    return this.context.directory.live().filter(({ state }) => state === 'live')
  }

  private isAwake(id: string): boolean {
    return (this.actors.get(id)?.state ?? 'sleeping') !== 'sleeping'
  }

  private async pageOf(
    records: readonly ActorRecord[],
    next: string | null,
    total: number,
  ): Promise<ActorPage> {
    const { figures, owner, hosts, config } = this.context
    return {
      actors: await Promise.all(records.map((record) => this.viewOf(record.id, record.key))),
      next,
      total,
      awake: this.awake,
      quotaBytes: config.databaseBytes,
      idleMs: config.idleMs,
      placement: owner === null ? config.placement : 'remote',
      figures: figures.view(),
      processes: hosts.all.length,
    }
  }

  private get awake(): number {
    return [...this.actors.keys()].filter((id) => this.isAwake(id)).length
  }

  /** As it stands, in numbers (spec actors-sql 18). */
  get figure(): NamespaceFigure {
    const { figures, hosts } = this.context
    return {
      awake: this.awake,
      queued: this.queued,
      processes: hosts.all.length,
      figures: figures.view(),
    }
  }

  /** Work that waits, of all actors. */
  get queued(): number {
    let queued = 0
    for (const actor of this.actors.values()) queued += actor.queue.size
    return queued
  }

  /** Stops every instance within `graceMs`, then every process; 0 ends all at once. Never rejects. */
  async close(graceMs: number): Promise<void> {
    this.closed = true
    const { hosts, directory, owner, log } = this.context
    if (graceMs > 0) {
      await Promise.all([...this.actors.values()].map((actor) => actor.stop('stop').catch(() => undefined)))
    }
    for (const actor of this.actors.values()) actor.close()
    await hosts.close(0)
    await owner?.close()
    await directory.close().catch((error: unknown) => {
      log(
        'error',
        'actors_closed',
        `The directory of actors was not closed: ${String(error)}`,
        'state.unwritable',
      )
    })
  }

  private find(address: ActorAddress, create: boolean): Actor {
    if (this.closed) throw new PaddockError('sqlite.closed', 'The module is stopping.')
    const { directory } = this.context
    const key = address.key === undefined ? undefined : checkedKey(address.key)
    const id = key === undefined ? (address.id ?? '') : actorIdOf(key)
    const record = directory.get(id)
    const isThere = record !== undefined && record.state !== 'destroyed'
    if (!isThere && (!create || key === undefined)) {
      const known = this.actors.get(id)
      if (known === undefined || known.state === 'sleeping') throw notFound()
    }
    const current = record?.generation ?? 0
    const { generation } = address
    if (generation !== undefined && generation !== current) {
      throw new PaddockError(
        'sqlite.remote_fence_mismatch',
        `Generation ${generation} was asked for; it is ${current}.`,
        {
          details: { presented: generation, current },
        },
      )
    }
    let actor = this.actors.get(id)
    if (actor === undefined) {
      actor = new Actor(id, key ?? record?.key ?? [], record, this.context)
      this.actors.set(id, actor)
    }
    return actor
  }

  private viewOf(id: string, key: readonly string[]): Promise<ActorView> {
    const known = this.actors.get(id)
    return actorView(known ?? new Actor(id, key, this.context.directory.get(id), this.context))
  }
}

export function notFound(): PaddockError {
  return new PaddockError('actor.not_found', 'There is no such actor.')
}
