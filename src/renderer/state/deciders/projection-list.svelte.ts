import type { ProjectionView } from '../../../shared/contracts/decider-views.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import type { ToastState } from '../toasts.svelte.ts'

export interface ProjectionRow {
  readonly projection: ProjectionView
  /** Positions between what it handled and the last event, of whatever type; null when the decider is not loaded. */
  readonly behind: number | null
}

const everyMs = 2_000
const order: Readonly<Record<ProjectionView['state'], number>> = {
  poisoned: 0,
  retrying: 1,
  following: 2,
  closed: 3,
}

/** Who follows deciders' events; those that stopped come first. */
export class ProjectionList {
  rows = $state.raw<readonly ProjectionRow[]>([])
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  /** The projection whose event the operator may skip. */
  skipping = $state.raw<ProjectionView | null>(null)
  readonly #client: PaddockClient
  readonly #toasts: ToastState

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  start(): () => void {
    void this.load()
    const timer = setInterval(() => void this.load(), everyMs)
    return () => clearInterval(timer)
  }

  async load(): Promise<void> {
    try {
      const projections = await this.#client.deciders.projections()
      const names = [...new Set(projections.map(({ decider }) => decider))]
      const last = new Map(
        await Promise.all(names.map(async (name) => [name, await this.#last(name)] as const)),
      )
      this.rows = projections
        .map((projection) => {
          const end = last.get(projection.decider) ?? null
          return { projection, behind: end === null ? null : Math.max(0, end - projection.position) }
        })
        .sort(
          (a, b) =>
            order[a.projection.state] - order[b.projection.state] ||
            (b.behind ?? 0) - (a.behind ?? 0) ||
            a.projection.module.localeCompare(b.projection.module),
        )
      this.error = null
      this.phase = 'ready'
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  retry({ module, source }: ProjectionView): Promise<void> {
    return this.#run(`${module} was not told again`, `${module} is told the event again`, () =>
      this.#client.deciders.retryProjection({ module, source }),
    )
  }

  skip({ module, source, poison }: ProjectionView): Promise<void> {
    this.skipping = null
    return this.#run(
      `${module} still stands`,
      `${module} skipped event ${poison?.position ?? ''}`.trim(),
      () => this.#client.deciders.skipProjection({ module, source }),
    )
  }

  async #run(failure: string, done: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.#toasts.done(done)
    } catch (thrown) {
      this.#toasts.failed(failure, toErrorReport(thrown))
    }
    await this.load()
  }

  async #last(name: string): Promise<number | null> {
    try {
      const page = await this.#client.deciders.streams({ reference: name, prefix: '', after: null, limit: 1 })
      return page.totals.lastPosition
    } catch {
      // A decider that is not loaded has no end to compare with.
      return null
    }
  }
}
