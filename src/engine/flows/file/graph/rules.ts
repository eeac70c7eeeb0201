/** The rules for the graph of a flow, with their codes and texts (spec flows 3.2). */
import type { StageRole } from '../../../../shared/contracts/flow.ts'
import { nearest } from '../../../modules/manifest/nearest.ts'
import type { EdgeDefinition } from '../model.ts'
import type { Problems } from '../reading/problems.ts'
import type { Graph, GraphDefinition } from './graph.ts'
import { circlesOf, reachedFrom } from './paths.ts'
import { checkPorts } from './ports.ts'

/**
 * Checks a graph. A role that is not known yet breaks no rule; the rules are asked again when it is. What is missing
 * altogether (E0900) ends the check, and reachability is left out after a circle.
 */
export function checkGraph(flow: GraphDefinition, problems: Pick<Problems, 'add'>): void {
  const report: Graph['report'] = (code, message, { node, edge, below = [] }, facts = {}) => {
    const place = edge !== undefined ? ['edges', edge] : node !== undefined ? ['nodes', node] : []
    problems.add(code, ['flow', flow.name, ...place, ...below], message, { node: node ?? null, ...facts })
  }
  if (flow.nodes.length < 2 || flow.edges.length === 0) {
    report(
      'E0900',
      `Flow "${flow.name}" cannot run: it needs at least one source and one sink, joined by an edge.`,
      {},
    )
    return
  }
  reportSameNames(flow, report)
  const nodes = new Map(flow.nodes.map((node) => [node.name, node]))
  const edges = flow.edges.map((edge, index) => ({ edge, index }))
  const standing = edges.filter(({ edge, index }) => joins(edge, index, nodes, flow, report))
  const graph: Graph = { flow, nodes, edges: standing, report }
  reportSameEdges(graph)
  const isSourced = reportRoles(graph, 'source', 'E0926')
  const isSunk = reportRoles(graph, 'sink', 'E0927')
  reportEnds(graph)
  checkPorts(graph)
  if (!reportCircles(graph)) reportUnreached(graph, isSourced, isSunk)
  reportLosses(graph)
}

function reportSameNames(flow: GraphDefinition, report: Graph['report']): void {
  const names = flow.nodes.map(({ name }) => name)
  for (const name of new Set(names.filter((each, index) => names.indexOf(each) !== index))) {
    report('E0901', `Flow "${flow.name}" defines node "${name}" more than once.`, { node: name })
  }
}

function joins(
  { from, to }: EdgeDefinition,
  index: number,
  nodes: Graph['nodes'],
  { name }: GraphDefinition,
  report: Graph['report'],
): boolean {
  const number = index + 1
  for (const [end, node] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (nodes.has(node)) continue
    const suggestion = nearest(node, [...nodes.keys()])
    const hint = suggestion === null ? '' : ` Did you mean "${suggestion}"?`
    report(
      'E0902',
      `Flow "${name}", edge ${number}, field ${end}.node: there is no node "${node}".${hint}`,
      { edge: index, below: [end, 'node'] },
      { found: node, help: suggestion === null ? 'Name a node of the flow.' : `Write "${suggestion}".` },
    )
  }
  if (from === to) {
    report(
      'E0903',
      `Flow "${name}", edge ${number} leads from "${from}" back to itself.`,
      { edge: index },
      { node: from },
    )
  }
  return from !== to && nodes.has(from) && nodes.has(to)
}

function reportSameEdges({ flow, edges, report }: Graph): void {
  const first = new Map<string, number>()
  for (const { edge, index } of edges) {
    const key = JSON.stringify([edge.from, edge.port, edge.to, edge.toPort])
    const earlier = first.get(key)
    if (earlier === undefined) first.set(key, index)
    else
      report('E0933', `Edges ${earlier + 1} and ${index + 1} of flow "${flow.name}" are the same.`, {
        edge: index,
      })
  }
}

/** Whether there is a node of the role, or one that may have it; reports where there is none. */
function reportRoles({ flow, report }: Graph, role: StageRole, code: string): boolean {
  if (flow.nodes.some((node) => node.role === role || node.role === null)) return true
  report(code, `Flow "${flow.name}" has no ${role}.`, {})
  return false
}

/** Whether nodes have the edges that their roles ask for. */
function reportEnds({ flow, edges, report }: Graph): void {
  for (const { name, role } of flow.nodes) {
    if (role === null) continue
    const isFed = edges.some(({ edge }) => edge.to === name)
    const feeds = edges.some(({ edge }) => edge.from === name)
    if (role === 'source') {
      if (isFed) report('E0922', `"${name}" is a source and cannot take input.`, { node: name })
    } else if (role === 'sink') {
      if (feeds) report('E0923', `"${name}" is a sink and cannot have output.`, { node: name })
    } else {
      if (!isFed) report('E0924', `"${name}" (${role}) has no incoming edge.`, { node: name })
      if (!feeds) report('E0924', `"${name}" (${role}) has no outgoing edge.`, { node: name })
    }
  }
}

function reportCircles({ flow, edges, report }: Graph): boolean {
  const circles = circlesOf(edges.map(({ edge }) => edge))
  for (const circle of circles) {
    const [start = ''] = circle
    report(
      'E0920',
      `Flow "${flow.name}" runs in a circle: ${[...circle, start].join(' → ')}. Keep feedback inside one component.`,
      {},
      { node: start },
    )
  }
  return circles.length > 0
}

/** Middle nodes without the edge itself are named by E0924 already. */
function reportUnreached({ flow, edges, report }: Graph, isSourced: boolean, isSunk: boolean): void {
  const all = edges.map(({ edge }) => edge)
  const starts = flow.nodes.filter(
    ({ role, name }) => role === 'source' || (role === null && !all.some(({ to }) => to === name)),
  )
  const ends = flow.nodes.filter(
    ({ role, name }) => role === 'sink' || (role === null && !all.some(({ from }) => from === name)),
  )
  const fed = reachedFrom(
    starts.map(({ name }) => name),
    all,
    'forward',
  )
  const drained = reachedFrom(
    ends.map(({ name }) => name),
    all,
    'backward',
  )
  for (const { name, role } of flow.nodes) {
    const isMiddle = role !== 'source' && role !== 'sink' && role !== null
    if (isSourced && !fed.has(name) && !(isMiddle && !all.some(({ to }) => to === name))) {
      report('E0921', `Flow "${flow.name}": no source ever reaches "${name}".`, { node: name })
    }
    if (isSunk && !drained.has(name) && !(isMiddle && !all.some(({ from }) => from === name))) {
      report('E0930', `What "${name}" produces never reaches a sink.`, { node: name })
    }
  }
}

/** What is dropped before an aggregate or a sink is missed by nobody until it is too late. */
function reportLosses({ nodes, edges, report }: Graph): void {
  for (const { edge, index } of edges) {
    const role = nodes.get(edge.to)?.role
    if (
      (edge.policy !== 'drop-oldest' && edge.policy !== 'drop-newest') ||
      (role !== 'aggregator' && role !== 'sink')
    )
      continue
    report(
      'E0938',
      `Edge ${index + 1} may lose elements (${edge.policy}).`,
      { edge: index },
      { severity: 'warning', node: edge.to, help: 'Use block-producer where no element may be lost.' },
    )
  }
}
