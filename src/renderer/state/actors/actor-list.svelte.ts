import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { ActorPage, ActorView } from '../../../shared/domain/actor.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'

const firstLimit = 200
/** As many as one answer may hold. */
export const mostListed = 1_000
const everyMs = 2_000

/** The actors of one module that have a text in their key, looked at again every 2 s. */
export class ActorList {
  contains = $state('')
  actors = $state.raw<readonly ActorView[]>([])
  page = $state.raw<ActorPage | null>(null)
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  /** Set while the pointer or the focus is in the list: rows then keep their order. */
  held = false

  readonly name: string
  readonly #client: PaddockClient
  #limit = firstLimit
  #serial = 0

  constructor(client: PaddockClient, name: string) {
    this.#client = client
    this.name = name
  }

  /** Looks again and again until the returned function is called. */
  start(): () => void {
    void this.refresh()
    const timer = window.setInterval(() => void this.refresh(), everyMs)
    return () => {
      window.clearInterval(timer)
      this.#serial += 1
    }
  }

  /** Shows the actors with this text in their key, in any case. */
  filter(contains: string): Promise<void> {
    this.contains = contains
    this.#limit = firstLimit
    return this.refresh()
  }

  /** Lists more, up to what one answer may hold. */
  async more(): Promise<void> {
    const total = this.page?.total ?? 0
    if (this.actors.length >= Math.min(total, mostListed) || this.#limit > this.actors.length) return
    this.#limit = Math.min(mostListed, this.#limit * 2)
    await this.refresh()
  }

  async refresh(): Promise<void> {
    const serial = ++this.#serial
    const { contains } = this
    try {
      const page = await this.#client.actors.search({ name: this.name, contains, limit: this.#limit })
      if (serial !== this.#serial) return
      this.actors = this.held && this.page !== null ? inOrderOf(this.actors, page.actors) : page.actors
      this.page = page
      this.error = null
      this.phase = 'ready'
    } catch (thrown) {
      if (serial !== this.#serial) return
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }
}

/** What is listed stays where it is, with its new values; what is new comes last. */
function inOrderOf(shown: readonly ActorView[], fresh: readonly ActorView[]): ActorView[] {
  const left = new Map(fresh.map((actor) => [actor.id, actor]))
  const kept = shown.flatMap(({ id }) => {
    const actor = left.get(id)
    left.delete(id)
    return actor === undefined ? [] : [actor]
  })
  return [...kept, ...left.values()]
}
