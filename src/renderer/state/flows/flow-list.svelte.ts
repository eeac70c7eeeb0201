import { untrack } from 'svelte'
import type { FlowFigures } from '../../../shared/contracts/flow.ts'
import type { FlowGraph, FlowView } from '../../../shared/domain/flow.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { FlowMeter, type FlowPoint, type FlowRates } from './flow-meter.ts'

/** A flow with what was measured of it. */
export interface LiveFlow {
  readonly view: FlowView
  /** Null while it does not run, and until two figures of it came. */
  readonly rates: FlowRates | null
  readonly history: readonly FlowPoint[]
}

/** Every flow, as the engine tells of it: at most four times a second. */
export class FlowList {
  flows = $state.raw<readonly LiveFlow[]>([])
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  readonly #client: PaddockClient
  readonly #meters = new Map<string, FlowMeter>()
  #views: readonly FlowView[] = []

  constructor(client: PaddockClient) {
    this.#client = client
  }

  start(): () => void {
    void this.refresh()
    const stop = this.#client.flows.watch(undefined, (lists) => {
      const last = lists[lists.length - 1]
      if (last !== undefined) this.#take(last)
    })
    const timer = window.setInterval(() => this.#tick(), 1_000)
    return () => {
      stop()
      window.clearInterval(timer)
    }
  }

  find(id: string): LiveFlow | null {
    return this.flows.find(({ view }) => view.id === id) ?? null
  }

  async refresh(): Promise<void> {
    try {
      this.#take(await this.#client.flows.list())
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      if (this.phase === 'loading') this.phase = 'failed'
    }
  }

  #take(views: readonly FlowView[]): void {
    this.#views = views
    const now = Date.now()
    for (const id of [...this.#meters.keys()])
      if (!views.some((view) => view.id === id)) this.#meters.delete(id)
    for (const view of views) {
      const meter = this.#meter(view.id)
      if (view.figures !== null && isLive(view)) meter.sample(view.figures, now)
      else meter.rest()
    }
    this.error = null
    this.phase = 'ready'
    this.#show()
  }

  #tick(): void {
    const now = Date.now()
    let moved = false
    for (const view of this.#views) {
      if (!isLive(view)) continue
      moved = true
      this.#meter(view.id).tick(now, (figures) => queuedOf(view.graph, figures))
    }
    if (moved) this.#show()
  }

  #show(): void {
    this.flows = this.#views.map((view) => {
      const meter = this.#meter(view.id)
      return { view, rates: meter.rates, history: meter.history }
    })
  }

  #meter(id: string): FlowMeter {
    const known = this.#meters.get(id)
    if (known !== undefined) return known
    const meter = new FlowMeter()
    untrack(() => this.#meters.set(id, meter))
    return meter
  }
}

/** Whether a flow has a process that counts. */
export function isLive(view: Pick<FlowView, 'state'>): boolean {
  return view.state === 'running' || view.state === 'draining' || view.state === 'instantiated'
}

/** Whether a flow runs, or is about to. */
export function isActive(view: Pick<FlowView, 'state'>): boolean {
  return isLive(view) || view.state === 'preparing' || view.state === 'created' || view.state === 'validated'
}

/** Elements that wait before each stage, in the order of the graph. */
export function queuedOf(graph: FlowGraph, figures: FlowFigures): readonly number[] {
  return graph.nodes.map(({ name }) =>
    graph.edges.reduce(
      (sum, edge, index) => (edge.to === name ? sum + (figures.edges[index]?.depth ?? 0) : sum),
      0,
    ),
  )
}
