import type { FlowFigures } from '../../../shared/contracts/flow.ts'

/**
 * How many elements of a source the flow is surely done with: what it took, less all that may still be in queues, in a
 * stage's hands, or at a sink of the engine. What an aggregator has absorbed and not yet given counts as done. Pure.
 */
export function settledElements(figures: FlowFigures, source: string, pendingAtSinks: number): number {
  const node = figures.nodes.find(({ name }) => name === source)
  if (node === undefined) return 0
  let underWay = pendingAtSinks
  for (const { depth } of figures.edges) underWay += depth
  const isHeld = figures.nodes.some(({ state }) => state === 'retrying' || state === 'circuit-open')
  // Each stage may hold one in its hands (spec flows 6.6).
  if (underWay > 0 || isHeld) underWay += figures.nodes.length
  return Math.max(0, node.elementsOut - underWay)
}
