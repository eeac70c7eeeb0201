/** Where the stages of a flow stand, and the ways between them. Depends on its shape only, so that nothing jumps. */
import { graphlib, layout } from '@dagrejs/dagre'
import type { FlowGraph } from '../../../shared/domain/flow.ts'

export const stageWidth = 156
export const stageHeight = 98
const margin = 20

export interface PlacedStage {
  readonly name: string
  readonly left: number
  readonly top: number
  readonly column: number
}

export interface PlacedEdge {
  /** Index in the graph. */
  readonly index: number
  readonly path: string
  readonly head: string
  /** Middle of the label, and the line it stands on. */
  readonly labelX: number
  readonly labelY: number
}

export interface PlacedGraph {
  readonly width: number
  readonly height: number
  readonly stages: readonly PlacedStage[]
  readonly edges: readonly PlacedEdge[]
}

export interface FlowShape {
  readonly nodes: readonly { readonly name: string }[]
  readonly edges: readonly { readonly from: string; readonly to: string }[]
}

interface Point {
  readonly x: number
  readonly y: number
}

/** Lays a flow out from left to right. Edges to a stage that is not there are left out. */
export function placeGraph({ nodes, edges }: FlowShape): PlacedGraph {
  const graph = new graphlib.Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'LR', nodesep: 20, ranksep: 72, edgesep: 14, marginx: margin, marginy: margin })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { name } of nodes) graph.setNode(name, { width: stageWidth, height: stageHeight })
  edges.forEach(({ from, to }, index) => {
    if (from !== to && graph.hasNode(from) && graph.hasNode(to)) graph.setEdge(from, to, {}, String(index))
  })
  layout(graph)
  const places = new Map(nodes.map(({ name }) => [name, graph.node(name) as Point]))
  const columns = [...new Set([...places.values()].map(({ x }) => Math.round(x)))].sort((a, b) => a - b)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return {
    width: Math.max(width, stageWidth + 2 * margin),
    height: Math.max(height, stageHeight + 2 * margin),
    stages: nodes.map(({ name }) => {
      const { x, y } = places.get(name) ?? { x: 0, y: 0 }
      return {
        name,
        left: Math.round(x - stageWidth / 2),
        top: Math.round(y - stageHeight / 2),
        column: columns.indexOf(Math.round(x)),
      }
    }),
    edges: edges.flatMap(({ from, to }, index) => {
      const start = places.get(from)
      const end = places.get(to)
      if (from === to || start === undefined || end === undefined) return []
      const { points = [] } = graph.edge(from, to, String(index)) as { points?: Point[] }
      const meet = edges.filter((edge) => edge.to === to).length
      return [placeEdge(index, start, end, points, meet > 1)]
    }),
  }
}

const headLength = 8
/** From the end of an edge to the middle of its label. */
const labelRoom = 16

function isLevel(a: Point, b: Point): boolean {
  return Math.abs(a.y - b.y) < 1
}

/** A curve that leaves and enters level; through the layout's own points where it has to pass other stages. */
function placeEdge(
  index: number,
  start: Point,
  end: Point,
  points: readonly Point[],
  atStart: boolean,
): PlacedEdge {
  const from = { x: start.x + stageWidth / 2, y: start.y }
  const to = { x: end.x - stageWidth / 2 - headLength, y: end.y }
  const isForward = to.x > from.x
  const between = isForward
    ? points.slice(1, -1).filter(({ x }) => x > from.x + stageWidth / 2 && x < to.x - stageWidth / 2)
    : []
  const way = [from, ...between, to]
  let path = `M${round(from.x)} ${round(from.y)}`
  for (let at = 1; at < way.length; at += 1) {
    const a = way[at - 1] ?? from
    const b = way[at] ?? to
    const bend = isForward ? (b.x - a.x) / 2 : 60
    path += `C${round(a.x + bend)} ${round(a.y)} ${round(b.x - bend)} ${round(b.y)} ${round(b.x)} ${round(b.y)}`
  }
  const tip = to.x + headLength
  // Above a level part of the way: in the middle of a straight one, else at the end where no other edge meets it.
  const label = isLevel(from, to) ? (from.x + to.x) / 2 : atStart ? from.x + labelRoom : to.x - labelRoom
  // On the side that the way does not come from.
  const isFree = isLevel(from, to) || from.y > to.y !== atStart
  return {
    index,
    path,
    head: `M${round(tip)} ${round(to.y)}l-9 -5v10z`,
    labelX: round(label),
    labelY: round((atStart ? from.y : to.y) + (isFree ? -7 : 16)),
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** The stage that an arrow key leads to; null where there is none. */
export function neighbour(
  placed: PlacedGraph,
  edges: FlowGraph['edges'],
  from: string,
  key: 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown',
): string | null {
  const own = placed.stages.find(({ name }) => name === from)
  if (own === undefined) return null
  if (key === 'ArrowUp' || key === 'ArrowDown') {
    const column = placed.stages.filter((stage) => stage.column === own.column).sort((a, b) => a.top - b.top)
    return column[column.indexOf(own) + (key === 'ArrowDown' ? 1 : -1)]?.name ?? null
  }
  const linked = edges.flatMap((edge) =>
    key === 'ArrowRight' ? (edge.from === from ? [edge.to] : []) : edge.to === from ? [edge.from] : [],
  )
  const near = placed.stages
    .filter(({ name }) => linked.includes(name))
    .sort((a, b) => Math.abs(a.top - own.top) - Math.abs(b.top - own.top))
  return near[0]?.name ?? null
}
