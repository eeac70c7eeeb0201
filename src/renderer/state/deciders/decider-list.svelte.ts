import type { z } from 'zod'
import type { DeciderView, RouteView } from '../../../shared/contracts/decider-views.ts'
import type { activationReportSchema } from '../../../shared/contracts/decider-views.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { count } from '../../format/numbers.ts'
import type { ToastState } from '../toasts.svelte.ts'

export type ActivationReport = z.infer<typeof activationReportSchema>

/** What an activation would do, as the dialog asks about it. */
export interface ActivationPlan {
  readonly decider: DeciderView
  readonly report: ActivationReport
}

const everyMs = 2_000

/** `name@version`. */
export function referenceOf({ name, version }: Pick<DeciderView, 'name' | 'version'>): string {
  return `${name}@${version}`
}

/** Every version of a decider that is loaded, what is routed to it, and which is active. */
export class DeciderList {
  views = $state.raw<readonly DeciderView[]>([])
  routes = $state.raw<readonly RouteView[]>([])
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  /** Waits for the operator's yes. */
  plan = $state.raw<ActivationPlan | null>(null)
  /** The decider whose commands the operator may stop routing. */
  retiring = $state.raw<DeciderView | null>(null)
  busy = $state(false)
  readonly #client: PaddockClient
  readonly #toasts: ToastState

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  /** Keeps the list current until the returned function is called. */
  start(): () => void {
    void this.load()
    const timer = setInterval(() => void this.load(), everyMs)
    return () => clearInterval(timer)
  }

  async load(): Promise<void> {
    try {
      const [views, routes] = await Promise.all([
        this.#client.deciders.list(),
        this.#client.deciders.routes(),
      ])
      this.views = [...views].sort(
        (a, b) =>
          a.name.localeCompare(b.name) ||
          Number(b.active) - Number(a.active) ||
          a.module.localeCompare(b.module),
      )
      this.routes = routes
      this.error = null
      this.phase = 'ready'
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  of(module: string): DeciderView | undefined {
    return this.views.find((view) => view.module === module)
  }

  /** The types of a version that are routed to it now. */
  routedTo(view: DeciderView): string[] {
    return this.routes
      .filter(({ name, version }) => name === view.name && version === view.version)
      .map(({ type }) => type)
  }

  /** Works out what activating changes, and asks. */
  async askActivation(decider: DeciderView): Promise<void> {
    await this.#run('The activation could not be planned', async () => {
      const report = await this.#client.deciders.planActivation({
        reference: referenceOf(decider),
        takeover: true,
      })
      this.plan = { decider, report }
    })
  }

  /** Does what was asked; a takeover of another decider's types counts as confirmed. */
  async activate({ decider, report }: ActivationPlan): Promise<void> {
    this.plan = null
    const reference = referenceOf(decider)
    await this.#run(`${reference} could not be activated`, async () => {
      await this.#client.deciders.activate({ reference, takeover: report.takenOver.length > 0 })
      this.#toasts.done(`${reference} is active`)
    })
  }

  async retire(decider: DeciderView): Promise<void> {
    this.retiring = null
    await this.#run(`${decider.name} is still routed`, async () => {
      const types = await this.#client.deciders.retireModule({ name: decider.name })
      this.#toasts.done(`${decider.name} retired; ${count(types.length, 'command')} no longer routed`)
    })
  }

  async #run(failure: string, work: () => Promise<void>): Promise<void> {
    if (this.busy) return
    this.busy = true
    try {
      await work()
    } catch (thrown) {
      this.#toasts.failed(failure, toErrorReport(thrown))
    } finally {
      this.busy = false
    }
    await this.load()
  }
}
