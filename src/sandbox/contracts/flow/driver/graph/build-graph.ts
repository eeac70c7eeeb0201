/** Turns a plan into nodes and edges, and says in which order nodes are looked at (spec flows 5.2). */
import type { FlowPlan } from '../../../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../../../shared/errors.ts'
import { EdgeRing } from './edge-state.ts'
import type { EdgeState, NodeState } from './node-state.ts'

export interface FlowGraph {
  readonly nodes: readonly NodeState[]
  readonly edges: readonly EdgeState[]
  /** Producers before consumers: the order of `init`. */
  readonly topological: readonly NodeState[]
  /** Consumers before producers, sources left out: the order in which nodes are looked at. */
  readonly consumers: readonly NodeState[]
  /** By priority, then name. */
  readonly sources: readonly NodeState[]
}

/** Joins `nodes` by the plan's edges. Throws `internal.bug` for a plan that the engine must not send. */
export function buildGraph(plan: FlowPlan, nodes: readonly NodeState[]): FlowGraph {
  const byName = new Map(nodes.map((node) => [node.plan.name, node]))
  if (byName.size !== nodes.length) throw invalid('two nodes have the same name')
  const find = (name: string): NodeState => {
    const node = byName.get(name)
    if (node === undefined) throw invalid(`there is no node "${name}"`)
    return node
  }
  const edges = plan.edges.map(
    (edge, index) => new EdgeRing<NodeState>(index, edge, find(edge.from), find(edge.to)),
  )
  for (const edge of edges) connect(edge)
  for (const node of nodes) checkRole(node)
  const levels = levelsOf(nodes)
  const level = (node: NodeState): number => levels.get(node) ?? 0
  const reversed = [...nodes].sort((a, b) => level(a) - level(b) || byRank(a, b))
  return {
    nodes,
    edges,
    topological: [...reversed].reverse(),
    consumers: reversed.filter(({ role }) => role !== 'source'),
    sources: nodes.filter(({ role }) => role === 'source').sort(byRank),
  }
}

function connect(edge: EdgeState): void {
  const { from, to, plan } = edge
  from.outputs.push(edge)
  to.inputs.push(edge)
  to.openInputs += 1
  if (edge.intervalMs > 0) to.isRated = true
  const port = from.ports.get(plan.port)
  if (port === undefined) from.ports.set(plan.port, [edge])
  else port.push(edge)
}

function checkRole({ plan, role, inputs, outputs }: NodeState): void {
  const takes = role !== 'source'
  const gives = role !== 'sink'
  if (takes !== inputs.length > 0 || gives !== outputs.length > 0)
    throw invalid(`the edges of "${plan.name}" do not fit a ${role}`)
}

/** Longest way to a sink, so that every consumer has a lower level than its producers. */
function levelsOf(nodes: readonly NodeState[]): Map<NodeState, number> {
  const levels = new Map<NodeState, number>()
  const open = new Set<NodeState>()
  const visit = (node: NodeState): number => {
    const known = levels.get(node)
    if (known !== undefined) return known
    if (open.has(node)) throw invalid(`the flow runs in a circle through "${node.plan.name}"`)
    open.add(node)
    let level = 0
    for (const { to } of node.outputs) level = Math.max(level, visit(to) + 1)
    open.delete(node)
    levels.set(node, level)
    return level
  }
  for (const node of nodes) visit(node)
  return levels
}

function byRank(a: NodeState, b: NodeState): number {
  return b.plan.priority - a.plan.priority || (a.plan.name < b.plan.name ? -1 : 1)
}

function invalid(reason: string): PaddockError {
  return new PaddockError('internal.bug', `The plan of the flow is malformed: ${reason}.`)
}
