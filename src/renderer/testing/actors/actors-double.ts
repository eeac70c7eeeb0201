/** Actors in memory with tables of their own: they wake, answer, sleep and go as those of an engine do. */
import type { ActorPage, ActorView } from '../../../shared/domain/actor.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import { answerQuery, contentOf, infoOf, type ActorDouble } from './actor-content.ts'
import { sampleHash } from '../samples.ts'

const idleMs = 30_000

export class ActorsDouble {
  readonly actors = new Map<string, ActorDouble>()
  readonly calls: { readonly call: string; readonly input: unknown }[] = []
  placement: ActorPage['placement'] = 'inline'
  quotaBytes = 50 * 1_048_576
  /** What a request answers, by method; it may throw. */
  readonly methods = new Map<string, (payload: Uint8Array, actor: ActorDouble) => Uint8Array>()
  /** Files that the dialogs answer. */
  target: string | null = '/tmp/alice.db'
  source: string | null = '/tmp/alice-export.db'
  saved: { suggestion: string; text: string } | null = null

  add(key: readonly string[], change: Partial<ActorView> = {}): ActorDouble {
    const id = sampleHash(JSON.stringify(key)).slice(0, 40)
    const actor: ActorDouble = {
      view: {
        id,
        key: [...key],
        generation: 1,
        state: 'sleeping',
        since: Date.now(),
        createdAt: Date.now() - 86_400_000,
        lastRequestAt: null,
        requests: 0,
        queued: 0,
        running: false,
        sizeBytes: 28_672,
        pid: null,
        lastError: null,
        ...change,
      },
      tables: [],
      entries: [],
      recent: [],
      slow: [],
    }
    this.actors.set(id, actor)
    return actor
  }

  handlers(): PaddockHandlers['actors'] {
    return {
      list: ({ limit }) => this.#page([...this.actors.values()], limit),
      search: ({ contains, limit }) => {
        const wanted = contains.toLowerCase()
        const found = [...this.actors.values()]
          .filter(({ view }) => view.key.join('/').toLowerCase().includes(wanted))
          .sort((a, b) => Number(a.view.state === 'sleeping') - Number(b.view.state === 'sleeping'))
        return this.#page(found, limit)
      },
      view: ({ key }) => this.#byKey(key)?.view ?? null,
      request: ({ key, method, payload }) => {
        this.calls.push({
          call: 'request',
          input: { key, method, payload: new TextDecoder().decode(payload) },
        })
        const actor = this.#byKey(key) ?? this.add(key)
        this.#wake(actor)
        const { view } = actor
        actor.view = { ...view, requests: view.requests + 1, lastRequestAt: Date.now() }
        try {
          const served = this.methods.get(method)
          if (served === undefined)
            throw new PaddockError('actor.invalid_operation', `The actor has no method "${method}".`)
          return { ok: true, answer: served(payload, actor) }
        } catch (error) {
          if (!(error instanceof PaddockError)) throw error
          return { ok: false, error: error.toReport() }
        }
      },
      sleep: ({ id }) => {
        this.#set(this.#find(id), 'sleeping')
      },
      destroy: ({ id }) => {
        this.calls.push({ call: 'destroy', input: id })
        this.actors.delete(this.#find(id).view.id)
      },
      tables: ({ id }) => {
        const actor = this.#awake(id)
        return { tables: actor.tables.map(({ facts }) => facts), keyValue: actor.entries.length }
      },
      rows: ({ id, table, offset, limit }) => {
        const { columns, rows } = contentOf(this.#awake(id), table)
        return { columns, rows: rows.slice(offset, offset + limit), more: rows.length > offset + limit }
      },
      query: ({ id, sql, maxRows }) => {
        this.calls.push({ call: 'query', input: sql })
        return answerQuery(this.#awake(id), sql, maxRows)
      },
      info: ({ id }) => infoOf(this.#awake(id), this.quotaBytes),
      pickTarget: () => this.target,
      pickSource: () => this.source,
      saveRows: (input) => {
        this.saved = input
        return this.target
      },
      backup: (input) => {
        this.calls.push({ call: 'backup', input: input.path })
        return { pages: 7 }
      },
      export: ({ id, name, path }) => {
        this.calls.push({ call: 'export', input: path })
        const { view } = this.#find(id)
        return {
          format: 'paddock-actor-export',
          version: 1,
          namespace: name,
          actorId: id,
          generation: view.generation,
          schemaVersion: 2,
          engineVersion: '3.51.0',
          bytes: view.sizeBytes,
          sha256: sampleHash(id),
        }
      },
      import: ({ id, path }) => {
        this.calls.push({ call: 'import', input: path })
        const actor = this.#find(id)
        actor.view = { ...actor.view, generation: actor.view.generation + 1 }
        return { schemaVersion: 2, bytes: actor.view.sizeBytes, tables: actor.tables.length, applied: true }
      },
    }
  }

  #page(found: readonly ActorDouble[], limit: number): ActorPage {
    return {
      actors: found.slice(0, limit).map(({ view }) => view),
      next: null,
      total: found.length,
      awake: [...this.actors.values()].filter(({ view }) => view.state !== 'sleeping').length,
      quotaBytes: this.quotaBytes,
      idleMs,
      placement: this.placement,
      figures: {
        requests: {},
        refusals: {},
        times: [],
        slower: 0,
        drains: 0,
        drainTimeouts: 0,
        indeterminate: 0,
        starts: 0,
        losses: 0,
      },
      processes: 1,
    }
  }

  #byKey(key: readonly string[]): ActorDouble | undefined {
    return [...this.actors.values()].find(({ view }) => view.key.join('\0') === key.join('\0'))
  }

  #find(id: string): ActorDouble {
    const actor = this.actors.get(id)
    if (actor === undefined) throw new PaddockError('actor.not_found', 'There is no such actor.')
    return actor
  }

  #set(actor: ActorDouble, state: ActorView['state']): void {
    if (actor.view.state !== state) actor.view = { ...actor.view, state, since: Date.now() }
  }

  #wake(actor: ActorDouble): void {
    if (actor.view.state === 'sleeping') {
      actor.view = { ...actor.view, generation: actor.view.generation + 1 }
      actor.recent = []
    }
    this.#set(actor, 'running')
  }

  /** Looking at a database wakes its actor, as in an engine. */
  #awake(id: string): ActorDouble {
    const actor = this.#find(id)
    this.#wake(actor)
    return actor
  }
}
