/** Flows for the console's double: shapes as the engine reads them from files, figures as it counts them. */
import type { FlowFigures, NodeFigures, StageRole, TraceSpan } from '../../../shared/contracts/flow.ts'
import type { FlowGraph, FlowProblem, FlowView } from '../../../shared/domain/flow.ts'

type NodeView = FlowGraph['nodes'][number]

export function sampleNode(name: string, role: StageRole, change: Partial<NodeView> = {}): NodeView {
  return {
    name,
    role,
    body: `file://${name}.wasm`,
    isHost: false,
    config: '',
    ports: null,
    queueWatermark: 0.5,
    memoryBytes: 16 * 1_048_576,
    fuel: 1_000_000,
    grants: [],
    errorPolicy: { base: { kind: 'fail-fast' }, perCase: {}, maxErrorsPerMinute: null },
    callMs: 5_000,
    ...change,
  }
}

/** Edges as `a > b` or `a.port > b`, each with a queue of 64 that makes its producer wait. */
export function sampleGraph(name: string, nodes: NodeView[], edges: readonly string[]): FlowGraph {
  return {
    name,
    description: '',
    nodes,
    edges: edges.map((edge) => {
      const [from = '', to = ''] = edge.split(' > ')
      const [node = '', port = 'output'] = from.split('.')
      return { from: node, port, to, capacity: 64, policy: 'block-producer' }
    }),
  }
}

/** Logs, decoded, sorted by token: eight stages, a router and a join. */
export function logStats(): FlowGraph {
  return {
    ...sampleGraph(
      'log-stats',
      [
        sampleNode('arb-logs', 'source', { body: 'logs of chain 42161', isHost: true }),
        sampleNode('decode', 'processor'),
        sampleNode('drop-dust', 'filter'),
        sampleNode('by-token', 'router', { ports: ['known', 'fresh', 'raw'] }),
        sampleNode('enrich', 'processor', {
          config: '{"prices": "https://prices.example.org"}',
          grants: ['network:egress:prices.example.org:443'],
          errorPolicy: {
            base: {
              kind: 'retry',
              max: 3,
              backoffMs: 100,
              factor: 2,
              maxBackoffMs: 5_000,
              then: 'dead-letter',
            },
            perCase: { 'invalid-input': 'skip' },
            maxErrorsPerMinute: 60,
          },
        }),
        sampleNode('per-minute', 'aggregator'),
        sampleNode('raw-out', 'sink', { body: 'topic raw-logs', isHost: true }),
        sampleNode('stats-out', 'sink', { body: 'store stats', isHost: true }),
      ],
      [
        'arb-logs > decode',
        'decode > drop-dust',
        'drop-dust > by-token',
        'by-token.fresh > enrich',
        'by-token.known > per-minute',
        'by-token.raw > raw-out',
        'enrich > stats-out',
        'per-minute > stats-out',
      ],
    ),
    description: 'Transfers of known tokens, counted by the minute.',
  }
}

export function smallGraph(name = 'main'): FlowGraph {
  return sampleGraph(
    name,
    [sampleNode('source', 'source'), sampleNode('flip', 'processor'), sampleNode('sink', 'sink')],
    ['source > flip', 'flip > sink'],
  )
}

function nodeFigures(name: string, change: Partial<NodeFigures> = {}): NodeFigures {
  return {
    name,
    state: 'ready',
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
    ...change,
  }
}

export function figuresOf(graph: FlowGraph): FlowFigures {
  return {
    state: 'running',
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
    nodes: graph.nodes.map(({ name }) => nodeFigures(name)),
    edges: graph.edges.map((_, edge) => ({
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

export function sampleFlow(graph: FlowGraph, change: Partial<FlowView> = {}): FlowView {
  return {
    id: `flows.${graph.name}`,
    file: `/home/ops/flows/${graph.name}/Torvyn.toml`,
    graph,
    problems: [],
    state: 'idle',
    since: Date.now() - 60_000,
    startedAt: null,
    paused: false,
    enabled: false,
    priority: 'normal',
    level: 'production',
    traceRate: 0.01,
    pid: null,
    residentBytes: null,
    figures: null,
    rate: 0,
    end: null,
    error: null,
    ...change,
  }
}

export function sampleProblem(change: Partial<FlowProblem> = {}): FlowProblem {
  return {
    code: 'E0902',
    severity: 'error',
    message: 'Flow "main", edge 2, field to.node: there is no node "sunk". Did you mean "sink"?',
    key: 'flow.main.edges[1].to.node',
    node: null,
    port: null,
    line: 12,
    column: 15,
    expected: 'the name of a node',
    found: '"sunk"',
    help: 'Name a node of the flow.',
    ...change,
  }
}

/** What an element came through: a call for each stage, each the child of the one before. */
export function sampleSpans(graph: FlowGraph, sequence: number): TraceSpan[] {
  const calls = {
    source: 'pull',
    processor: 'process',
    filter: 'evaluate',
    router: 'route',
    aggregator: 'ingest',
    sink: 'push',
  }
  const path = graph.nodes.slice(0, 3)
  return path.map((node, index) => ({
    span: (sequence * 16 + index + 1).toString(16).padStart(16, '0'),
    parent: index === 0 ? null : (sequence * 16 + index).toString(16).padStart(16, '0'),
    node: node.name,
    function: calls[node.role],
    sequence,
    startNs: sequence * 1_000_000 + index * 1_000,
    durationNs: 700 + index * 200,
    outcome: 'emit',
    copies: index === 0 ? [{ kind: 'write', bytes: 64 }] : [{ kind: 'read', bytes: 64 }],
    buffer: { id: sequence % 8, capacity: 256, size: 64 },
  }))
}
