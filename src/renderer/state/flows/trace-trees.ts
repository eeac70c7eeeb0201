import type { TraceSpan } from '../../../shared/contracts/flow.ts'

/** A call of a stage with the calls that its output led to. */
export interface ElementTree {
  readonly span: TraceSpan
  readonly children: ElementTree[]
}

/** Calls that handle no element stand in no tree. */
const withoutElement = new Set(['init', 'teardown', 'notify-backpressure', 'complete'])

/** A row of the list: a call, how deep it stands under its element, and whether it is the element's own. */
export interface TraceRow {
  readonly span: TraceSpan
  readonly depth: number
  readonly isRoot: boolean
  /** Calls under it. */
  readonly below: number
  /** Of a root: time in stages that the element took altogether, in nanoseconds. */
  readonly totalNs: number
}

/** Calls by the call whose output they took; a tree for each element, the one that was called for last first. */
export function treesOf(spans: readonly TraceSpan[]): ElementTree[] {
  const trees = new Map<string, ElementTree>()
  const places = new Map<string, number>()
  spans.forEach((span, place) => {
    if (withoutElement.has(span.function)) return
    trees.set(span.span, { span, children: [] })
    places.set(span.span, place)
  })
  const roots: ElementTree[] = []
  for (const tree of trees.values()) {
    const parent = tree.span.parent === null ? undefined : trees.get(tree.span.parent)
    if (parent === undefined || parent === tree) roots.push(tree)
    else parent.children.push(tree)
  }
  const last = (tree: ElementTree): number =>
    tree.children.reduce((most, child) => Math.max(most, last(child)), places.get(tree.span.span) ?? 0)
  const order = new Map(roots.map((root) => [root, last(root)]))
  return roots.sort((a, b) => (order.get(b) ?? 0) - (order.get(a) ?? 0))
}

/** Rows in the order they stand; elements in `closed`, by the span of their first call, show that call only. */
export function rowsOf(trees: readonly ElementTree[], closed: ReadonlySet<string>): TraceRow[] {
  const rows: TraceRow[] = []
  const add = (tree: ElementTree, depth: number): void => {
    const below = countOf(tree) - 1
    rows.push({ span: tree.span, depth, isRoot: depth === 0, below, totalNs: totalNs(tree) })
    if (depth === 0 && closed.has(tree.span.span)) return
    for (const child of tree.children) add(child, depth + 1)
  }
  for (const tree of trees) add(tree, 0)
  return rows
}

function countOf({ children }: ElementTree): number {
  return children.reduce((sum, child) => sum + countOf(child), 1)
}

function totalNs({ span, children }: ElementTree): number {
  return children.reduce((sum, child) => sum + totalNs(child), span.durationNs)
}
