import type { FlowFigures, FlowPlan, FlowState } from '../../../shared/contracts/flow.ts'

/** The figures of a flow that has done nothing. */
export function emptyFigures(
  { nodes, edges }: Pick<FlowPlan, 'nodes' | 'edges'>,
  state: FlowState,
): FlowFigures {
  return {
    state,
    paused: false,
    elements: 0,
    delivered: 0,
    errors: 0,
    dropped: 0,
    copies: 0,
    copyBytes: 0,
    latencyNs: null,
    activeNs: 0,
    liveBuffers: 0,
    pool: { allocated: 0, returned: 0, reused: 0, fallbacks: 0, liveBytes: 0 },
    nodes: nodes.map(({ name }) => ({
      name,
      state: 'waiting',
      invocations: 0,
      elementsIn: 0,
      elementsOut: 0,
      errors: {},
      dropped: {},
      callNs: null,
      busyNs: 0,
      fuel: 0,
      memoryBytes: 0,
      ownedBytes: 0,
      copies: 0,
      copyBytes: 0,
      restarts: 0,
    })),
    edges: edges.map((_, edge) => ({
      edge,
      transferred: 0,
      depth: 0,
      peakDepth: 0,
      pressed: false,
      pressures: 0,
      pressedNs: 0,
      dropped: 0,
    })),
  }
}

/**
 * The last figures of a flow whose process or thread is gone: what was in its queues is lost and counted, and no buffer
 * outlives it (spec flows 7.4).
 */
export function lostFigures(last: FlowFigures, state: FlowState): FlowFigures {
  let lost = 0
  const edges = last.edges.map((edge) => {
    lost += edge.depth
    return { ...edge, depth: 0, pressed: false, dropped: edge.dropped + edge.depth }
  })
  return {
    ...last,
    state,
    paused: false,
    dropped: last.dropped + lost,
    liveBuffers: 0,
    pool: { ...last.pool, liveBytes: 0 },
    nodes: last.nodes.map((node) => ({ ...node, state: 'dead', ownedBytes: 0, memoryBytes: 0 })),
    edges,
  }
}
