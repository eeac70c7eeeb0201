import type { Dispatch } from '../../shared/domain/module.ts'
import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'

const kept = 300

/** The last dispatches of one module, newest first, live unless held. */
export class DispatchFeed {
  list = $state.raw<readonly Dispatch[]>([])
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  following = $state(true)
  held = $state(0)
  dropped = $state(0)

  readonly #client: PaddockClient
  #pending: Dispatch[] = []

  constructor(client: PaddockClient) {
    this.#client = client
  }

  /** Follows a module until the returned function is called. */
  start(name: string): () => void {
    let wanted = true
    const stop = this.#client.modules.watchDispatches({ name }, (items, dropped) => {
      this.dropped += dropped
      this.#pending = [...this.#pending, ...items].slice(-kept)
      if (this.phase === 'ready' && this.following) this.#flush()
      else if (this.phase === 'ready') this.held += items.length
    })
    this.#client.modules.dispatches({ name, limit: kept }).then(
      (list) => {
        if (!wanted) return
        this.list = list
        this.phase = 'ready'
        this.#flush()
      },
      (thrown: unknown) => {
        if (!wanted) return
        this.error = toErrorReport(thrown)
        this.phase = 'failed'
      },
    )
    return () => {
      wanted = false
      stop()
    }
  }

  toggle(): void {
    this.following = !this.following
    if (this.following) this.#flush()
  }

  #flush(): void {
    // Numbers of dispatches start again with each run, so a dispatch is known by both.
    const known = new Set(this.list.map((each) => `${each.run}.${each.dispatch}`))
    const fresh = this.#pending.filter((each) => !known.has(`${each.run}.${each.dispatch}`))
    this.#pending = []
    this.held = 0
    if (fresh.length > 0) this.list = [...fresh.reverse(), ...this.list].slice(0, kept)
  }
}
