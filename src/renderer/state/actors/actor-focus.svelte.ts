import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { ActorInfo } from '../../../shared/contracts/actor.ts'
import type { TablesAnswer } from '../../../shared/contracts/actor-inspect.ts'
import type { ActorView } from '../../../shared/domain/actor.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { isAsleep } from './actor-words.ts'

const everyMs = 1_000

export type TableFacts = TablesAnswer['tables'][number]

/**
 * One actor under the operator's eyes. Looking at a database wakes its actor, so that tables are read only while it is
 * awake, when it served something, or when the operator asks.
 */
export class ActorFocus {
  readonly name: string
  readonly key: readonly string[]
  actor = $state.raw<ActorView | null>(null)
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  tables = $state.raw<readonly TableFacts[] | null>(null)
  /** Keys beside the tables. */
  keyValue = $state<number | null>(0)
  info = $state.raw<ActorInfo | null>(null)
  tablesError = $state.raw<ErrorReport | null>(null)
  looking = $state(false)
  /** Rises whenever the actor may have changed something, so that rows are read again. */
  changes = $state(0)

  readonly #client: PaddockClient
  #seen = ''
  #stopped = false

  constructor(client: PaddockClient, name: string, key: readonly string[]) {
    this.#client = client
    this.name = name
    this.key = key
  }

  /** What calls about this actor name it by. */
  get ref(): { name: string; id: string } {
    return { name: this.name, id: this.actor?.id ?? '-' }
  }

  /** Watches until the returned function is called. */
  start(): () => void {
    void this.refresh()
    const timer = window.setInterval(() => void this.refresh(), everyMs)
    return () => {
      this.#stopped = true
      window.clearInterval(timer)
    }
  }

  async refresh(): Promise<void> {
    try {
      const actor = await this.#client.actors.view({ name: this.name, key: [...this.key] })
      if (this.#stopped) return
      this.actor = actor
      this.error = null
      this.phase = 'ready'
      if (actor === null) {
        this.tables = null
        this.#seen = ''
        return
      }
      const now = `${actor.generation} ${actor.requests} ${actor.running ? 'runs' : ''}`
      if (actor.state !== 'running' || actor.running || now === this.#seen || this.looking) return
      this.#seen = now
      await this.look()
    } catch (thrown) {
      if (this.#stopped) return
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  /** Reads tables and figures; wakes the actor when it sleeps. */
  async look(): Promise<void> {
    if (this.looking || this.actor === null) return
    this.looking = true
    try {
      const [tables, info] = await Promise.all([
        this.#client.actors.tables(this.ref),
        this.#client.actors.info(this.ref),
      ])
      if (this.#stopped) return
      this.tables = tables.tables
      this.keyValue = tables.keyValue
      this.info = info
      this.tablesError = null
      this.changes += 1
    } catch (thrown) {
      if (!this.#stopped) this.tablesError = toErrorReport(thrown)
    } finally {
      this.looking = false
    }
  }

  /** Whether what is shown of the database is of an earlier time. */
  get sleeps(): boolean {
    return this.actor !== null && isAsleep(this.actor)
  }
}
