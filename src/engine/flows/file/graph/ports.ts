/** Rules for the ports of nodes (spec flows 3.2: E0925, E0931, E0932). */
import { list } from '../../../modules/manifest/table-reader.ts'
import type { Graph } from './graph.ts'

/** Edges that may start or end at one port. */
const maxEdgesAtPort = 16

export function checkPorts(graph: Graph): void {
  reportCrowded(graph, 'outgoing')
  reportCrowded(graph, 'incoming')
  reportUnknown(graph)
  reportPromises(graph)
}

function reportCrowded({ edges, report }: Graph, direction: 'outgoing' | 'incoming'): void {
  const counts = new Map<string, { node: string; port: string; count: number; last: number }>()
  for (const { edge, index } of edges) {
    const [node, port] = direction === 'outgoing' ? [edge.from, edge.port] : [edge.to, edge.toPort]
    const key = JSON.stringify([node, port])
    const count = (counts.get(key)?.count ?? 0) + 1
    counts.set(key, { node, port, count, last: index })
  }
  for (const { node, port, count, last } of counts.values()) {
    if (count <= maxEdgesAtPort) continue
    report(
      'E0925',
      `Port "${port}" of "${node}" has ${count} ${direction} edges; ${maxEdgesAtPort} are allowed.`,
      { edge: last },
      { node, port, expected: `at most ${maxEdgesAtPort}`, found: String(count) },
    )
  }
}

/** Every node takes by "input"; all but routers give by "output". */
function reportUnknown({ nodes, edges, report }: Graph): void {
  for (const { edge, index } of edges) {
    const role = nodes.get(edge.from)?.role
    if (role !== null && role !== 'router' && role !== 'sink' && edge.port !== 'output') {
      report(
        'E0931',
        `"${edge.from}" has no port "${edge.port}"; it has "output".`,
        { edge: index, below: ['from', 'port'] },
        { node: edge.from, port: edge.port, expected: '"output"', found: `"${edge.port}"` },
      )
    }
    if (nodes.get(edge.to)?.role !== 'source' && edge.toPort !== 'input') {
      report(
        'E0931',
        `"${edge.to}" has no port "${edge.toPort}"; it has "input".`,
        { edge: index, below: ['to', 'port'] },
        { node: edge.to, port: edge.toPort, expected: '"input"', found: `"${edge.toPort}"` },
      )
    }
  }
}

/** What a router promises and what its edges take are the same names. */
function reportPromises({ flow, edges, report }: Graph): void {
  for (const { name, role, ports } of flow.nodes) {
    if (role !== 'router' || ports === null) continue
    const own = edges.filter(({ edge }) => edge.from === name)
    for (const port of new Set(ports)) {
      if (own.some(({ edge }) => edge.port === port)) continue
      report(
        'E0932',
        `Router "${name}" promises port "${port}" but no edge starts there.`,
        { node: name, below: ['ports'] },
        { port, help: 'Add an edge from this port, or take the name out of ports.' },
      )
    }
    for (const { edge, index } of own) {
      if (ports.includes(edge.port)) continue
      report(
        'E0932',
        `Router "${name}" does not promise port "${edge.port}", where edge ${index + 1} starts.`,
        { edge: index, below: ['from', 'port'] },
        { node: name, port: edge.port, expected: list(ports), found: `"${edge.port}"` },
      )
    }
  }
}
