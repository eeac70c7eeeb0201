import type { FlowFigures } from '../../../shared/contracts/flow.ts'

/** Rates are over the last so many milliseconds. */
const rateSpanMs = 3_000
/** Nothing is said of a shorter time: a few elements would look like a great rate. */
const leastSpanMs = 500
/** Points of the history: one a second, five minutes. */
const mostPoints = 300

export interface NodeRates {
  /** Elements a second into the stage and out of it. */
  readonly in: number
  readonly out: number
}

export interface FlowRates {
  /** From sources, elements a second. */
  readonly elements: number
  readonly nodes: ReadonlyMap<string, NodeRates>
  /** Elements a second over each edge, in the order of the graph. */
  readonly edges: readonly number[]
  /** Share of the time in which each edge held its producer back, 0 to 1. */
  readonly held: readonly number[]
}

/** One second of a flow, for its chart. */
export interface FlowPoint {
  readonly at: number
  readonly elements: number
  /** Elements in all queues. */
  readonly depth: number
  /** Elements a second that each stage handled, in the order of the graph. */
  readonly nodes: readonly number[]
  /** Elements that wait before each stage, in the order of the graph. */
  readonly queued: readonly number[]
}

interface Sample {
  readonly at: number
  readonly figures: FlowFigures
}

/** Turns the counters of one flow, as they come, into rates and a history. */
export class FlowMeter {
  history: readonly FlowPoint[] = []
  rates: FlowRates | null = null
  #samples: Sample[] = []

  /** Takes what the engine counted by `at`, in milliseconds. */
  sample(figures: FlowFigures, at: number): void {
    const last = this.#samples[this.#samples.length - 1]
    // A new run counts from 0 again; its chart begins anew.
    if (last !== undefined && isOtherRun(last.figures, figures)) this.clear()
    this.#samples.push({ at, figures })
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) <= at - rateSpanMs) this.#samples.shift()
    const first = this.#samples[0]
    if (first !== undefined && at - first.at >= leastSpanMs) this.rates = ratesOf(first, { at, figures })
  }

  /** Once a second: counts on when nothing was told, and keeps a point of the history. */
  tick(at: number, queuedOf: (figures: FlowFigures) => readonly number[]): void {
    const last = this.#samples[this.#samples.length - 1]
    if (last === undefined) return
    if (at - last.at >= 1_000) this.sample(last.figures, at)
    const { rates } = this
    if (rates === null) return
    const point: FlowPoint = {
      at,
      elements: rates.elements,
      depth: last.figures.edges.reduce((sum, { depth }) => sum + depth, 0),
      nodes: last.figures.nodes.map(({ name }) => {
        const node = rates.nodes.get(name)
        return node === undefined ? 0 : Math.max(node.in, node.out)
      }),
      queued: queuedOf(last.figures),
    }
    this.history = [...this.history, point].slice(-mostPoints)
  }

  /** Rates of a flow that stands still; its history stays. */
  rest(): void {
    this.#samples = []
    this.rates = null
  }

  clear(): void {
    this.rest()
    this.history = []
  }
}

function isOtherRun(before: FlowFigures, after: FlowFigures): boolean {
  return (
    after.elements < before.elements ||
    after.nodes.length !== before.nodes.length ||
    after.edges.length !== before.edges.length ||
    after.nodes.some(({ name, invocations }, index) => {
      const node = before.nodes[index]
      return node === undefined || node.name !== name || invocations < node.invocations
    })
  )
}

function ratesOf(first: Sample, last: Sample): FlowRates {
  const seconds = (last.at - first.at) / 1_000
  const perSecond = (before: number | undefined, after: number): number =>
    Math.max(0, (after - (before ?? 0)) / seconds)
  return {
    elements: perSecond(first.figures.elements, last.figures.elements),
    nodes: new Map(
      last.figures.nodes.map((node, index) => {
        const before = first.figures.nodes[index]
        return [
          node.name,
          {
            in: perSecond(before?.elementsIn, node.elementsIn),
            out: perSecond(before?.elementsOut, node.elementsOut),
          },
        ]
      }),
    ),
    edges: last.figures.edges.map((edge, index) =>
      perSecond(first.figures.edges[index]?.transferred, edge.transferred),
    ),
    held: last.figures.edges.map((edge, index) =>
      Math.min(1, perSecond(first.figures.edges[index]?.pressedNs, edge.pressedNs) / 1e9),
    ),
  }
}
