/** What is to be said of each stage of a flow: one row for the graph, the table and the side panel alike. */
import type { NodeFigures, StageRole } from '../../../shared/contracts/flow.ts'
import type { FlowGraph, FlowView } from '../../../shared/domain/flow.ts'
import { rate, type Measure } from '../../format/numbers.ts'
import type { MarkKind } from '../standing.ts'
import { isLive, type LiveFlow } from './flow-list.svelte.ts'
import type { FlowRates } from './flow-meter.ts'

type GraphNode = FlowGraph['nodes'][number]

export interface StageFacts {
  readonly node: GraphNode
  readonly figures: NodeFigures | null
  readonly mark: MarkKind
  /** The mark in a word or two. */
  readonly word: string
  readonly trouble: boolean
  /** Elements a second; null while nothing is measured, and where the role has none. */
  readonly inRate: number | null
  readonly outRate: number | null
  /** Of one call, in milliseconds. */
  readonly p99Ms: number | null
  readonly errors: number
  /** Of the queues before it; null for a source. */
  readonly queue: StageQueue | null
  /** Share of the time in which it was held back by what comes after it, 0 to 1; null until measured. */
  readonly heldShare: number | null
  /** Share of its input that it lets through; of filters only. */
  readonly keeps: number | null
}

export interface StageQueue {
  readonly depth: number
  readonly peak: number
  readonly capacity: number
  /** Whether back-pressure is on. */
  readonly pressed: boolean
  readonly full: boolean
  readonly policies: readonly string[]
  readonly dropped: number
}

export interface EdgeFacts {
  readonly from: string
  readonly to: string
  readonly port: string
  /** Whether it holds its producer back. */
  readonly held: boolean
  readonly rate: number | null
}

export const roleNames: Readonly<Record<StageRole, string>> = {
  source: 'Source',
  processor: 'Transform',
  filter: 'Filter',
  router: 'Router',
  aggregator: 'Aggregator',
  sink: 'Sink',
}

/** Every stage of a flow, in the order of its file. */
export function stagesOf({ view, rates }: Pick<LiveFlow, 'view' | 'rates'>): StageFacts[] {
  return view.graph.nodes.map((node) => {
    const figures = view.figures?.nodes.find(({ name }) => name === node.name) ?? null
    const queue = queueOf(view, rates, node)
    const callNs = figures?.callNs ?? null
    const measured = rates?.nodes.get(node.name)
    const { mark, word } = standingOf(view, figures, queue)
    return {
      node,
      figures,
      mark,
      word,
      trouble: mark === 'degraded' || mark === 'dead' || mark === 'restarting',
      inRate: node.role === 'source' ? null : (measured?.in ?? null),
      outRate: node.role === 'sink' ? null : (measured?.out ?? null),
      p99Ms: callNs === null ? null : callNs.p99 / 1e6,
      errors: figures === null ? 0 : Object.values(figures.errors).reduce((sum, each) => sum + each, 0),
      queue,
      heldShare: rates === null ? null : heldShareOf(view, node, rates.held),
      keeps:
        node.role === 'filter' && figures !== null && figures.elementsIn > 0
          ? figures.elementsOut / figures.elementsIn
          : null,
    }
  })
}

export function edgesOf({ view, rates }: Pick<LiveFlow, 'view' | 'rates'>): EdgeFacts[] {
  return view.graph.edges.map((edge, index) => ({
    from: edge.from,
    to: edge.to,
    port: edge.port,
    held: isLive(view) && isHeld(view, rates, index),
    rate: rates?.edges[index] ?? null,
  }))
}

/** An edge that holds its producer back for at least this share of the last seconds is said to do so. */
const heldFrom = 0.1

/**
 * Whether an edge holds its producer back: over the last seconds where that is known, since pressure may come and go many
 * times a second.
 */
export function isHeld(view: FlowView, rates: FlowRates | null, edge: number): boolean {
  return rates === null ? (view.figures?.edges[edge]?.pressed ?? false) : (rates.held[edge] ?? 0) >= heldFrom
}

function queueOf(view: FlowView, rates: FlowRates | null, node: GraphNode): StageQueue | null {
  const queue = { depth: 0, peak: 0, capacity: 0, pressed: false, full: false, dropped: 0 }
  const policies = new Set<string>()
  view.graph.edges.forEach((edge, index) => {
    if (edge.to !== node.name) return
    const figures = view.figures?.edges[index]
    queue.capacity += edge.capacity
    policies.add(edge.policy)
    if (figures === undefined) return
    queue.depth += figures.depth
    queue.peak += figures.peakDepth
    queue.dropped += figures.dropped
    queue.pressed ||= isLive(view) && isHeld(view, rates, index)
    queue.full ||= figures.depth >= edge.capacity
  })
  return queue.capacity === 0 ? null : { ...queue, policies: [...policies] }
}

function heldShareOf(view: FlowView, node: GraphNode, held: readonly number[]): number | null {
  const shares = view.graph.edges.flatMap((edge, index) =>
    edge.from === node.name ? [held[index] ?? 0] : [],
  )
  return shares.length === 0 ? null : Math.max(...shares)
}

function standingOf(
  view: FlowView,
  figures: NodeFigures | null,
  queue: StageQueue | null,
): { mark: MarkKind; word: string } {
  const failed = view.end?.failure?.node ?? null
  if (failed !== null && failed === figures?.name) return { mark: 'dead', word: 'Failed' }
  if (figures?.state === 'dead') return { mark: 'dead', word: 'Dead' }
  if (!isLive(view) || figures === null) return { mark: 'stopped', word: 'Not running' }
  if (figures.state === 'waiting') return { mark: 'starting', word: 'Starting' }
  if (figures.state === 'done') return { mark: 'stopped', word: 'Done' }
  if (figures.state === 'retrying') return { mark: 'restarting', word: 'Retrying' }
  if (figures.state === 'circuit-open') return { mark: 'degraded', word: 'Circuit open' }
  if (queue?.full === true) return { mark: 'degraded', word: 'Queue full' }
  if (queue?.pressed === true) return { mark: 'degraded', word: 'Holds back' }
  if (figures.state === 'paused') return { mark: 'degraded', word: 'Asked for a pause' }
  if (view.paused) return { mark: 'stopped', word: 'Paused' }
  return { mark: 'running', word: 'Running' }
}

/** Elements a second that a stage handles: what comes in, or what a source gives. */
export function handledRate({ inRate, outRate }: StageFacts): number | null {
  return inRate ?? outRate
}

/** A rate that fits a narrow place: thousands as k, millions as M. */
export function shortRate(value: number): Measure {
  if (value >= 999_500) return { value: (value / 1e6).toFixed(value < 9_995_000 ? 2 : 1), unit: 'M/s' }
  if (value >= 9_995) return { value: (value / 1_000).toFixed(value < 99_950 ? 1 : 0), unit: 'k/s' }
  return rate(value)
}
