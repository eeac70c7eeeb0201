/** A snapshot of a flow for the engine (spec flows 11). */
import type { EdgeFigures, FlowFigures, NodeFigures } from '../../../../../shared/contracts/flow.ts'
import type { FlowRun } from '../flow-run.ts'
import type { EdgeState, NodeState } from '../graph/node-state.ts'
import type { Histogram } from './histogram.ts'

const nsPerMs = 1_000_000

/** How the flow stands now; `activeMs` is how long it has been running. */
export function figuresOf(run: FlowRun, activeMs: number): FlowFigures {
  const nodes = run.graph.nodes.map((node) => nodeFigures(node, run.nowMs))
  const { latency, buffers } = run
  return {
    state: run.reporter.state,
    paused: run.isPaused,
    elements: run.elements,
    delivered: run.delivered,
    errors: run.errors,
    dropped: run.dropped,
    copies: nodes.reduce((sum, { copies }) => sum + copies, 0),
    copyBytes: nodes.reduce((sum, { copyBytes }) => sum + copyBytes, 0),
    latencyNs: latency.count === 0 ? null : { ...shares(latency), p90: latency.percentile(0.9) },
    activeNs: activeMs * nsPerMs,
    liveBuffers: buffers.live,
    pool: { ...buffers.figures },
    nodes,
    edges: run.graph.edges.map((edge) => edgeFigures(edge, run.nowMs)),
  }
}

function shares(histogram: Histogram): { p50: number; p99: number; max: number } {
  return { p50: histogram.percentile(0.5), p99: histogram.percentile(0.99), max: histogram.maxNs }
}

function nodeFigures(node: NodeState, nowMs: number): NodeFigures {
  const { meter } = node
  const counters = node.hasStage ? node.stage.counters : none
  return {
    name: node.plan.name,
    state: stateOf(node, nowMs),
    invocations: meter.invocations,
    elementsIn: meter.elementsIn,
    elementsOut: meter.elementsOut,
    errors: meter.errors,
    dropped: meter.dropped,
    callNs: meter.calls.count === 0 ? null : shares(meter.calls),
    busyNs: meter.busyNs,
    fuel: meter.formerFuel + counters.fuelUsed,
    memoryBytes: counters.memoryBytes,
    ownedBytes: counters.ownedBytes,
    copies: meter.formerCopies + counters.copies,
    copyBytes: meter.formerCopyBytes + counters.copyBytes,
    restarts: meter.restarts,
  }
}

const none = { copies: 0, copyBytes: 0, fuelUsed: 0, memoryBytes: 0, ownedBytes: 0 }

function stateOf(node: NodeState, nowMs: number): NodeFigures['state'] {
  if (node.isDead) return 'dead'
  if (node.isDone) return 'done'
  if (!node.isInitialised) return 'waiting'
  if (node.circuit?.state === 'open' && nowMs < node.circuit.opensUntilMs) return 'circuit-open'
  if (node.isRetrying) return 'retrying'
  return node.isPaused ? 'paused' : 'ready'
}

function edgeFigures(edge: EdgeState, nowMs: number): EdgeFigures {
  const openMs = edge.isPressed ? nowMs - edge.pressedSinceMs : 0
  return {
    edge: edge.index,
    transferred: edge.transferred,
    depth: edge.length,
    peakDepth: edge.peakDepth,
    pressed: edge.isPressed,
    pressures: edge.pressures,
    pressedNs: Math.max(0, (edge.pressedMs + openMs) * nsPerMs),
    waitNs: Math.max(0, edge.waitedMs * nsPerMs),
    dropped: edge.dropped,
  }
}
