/** Ways through a graph: circles, and what can be reached. Iterative, because a hostile file may be deep. */

export interface Way {
  readonly from: string
  readonly to: string
}

/** Nodes that can be reached from some, these included, along the edges or against them. */
export function reachedFrom(
  starts: readonly string[],
  edges: readonly Way[],
  direction: 'forward' | 'backward',
): Set<string> {
  const next = neighbours(
    direction === 'forward' ? edges : edges.map(({ from, to }) => ({ from: to, to: from })),
  )
  const reached = new Set(starts)
  const open = [...reached]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const neighbour of next.get(node) ?? []) {
      if (reached.has(neighbour)) continue
      reached.add(neighbour)
      open.push(neighbour)
    }
  }
  return reached
}

/**
 * One circle of each group of nodes that can all reach each other: the shortest through the node with the lowest name,
 * beginning there.
 */
export function circlesOf(edges: readonly Way[]): string[][] {
  const next = neighbours(edges)
  const circles: string[][] = []
  const told = new Set<string>()
  for (const node of [...next.keys()].sort()) {
    if (told.has(node)) continue
    const circle = shortestWayBack(node, next)
    if (circle === null) continue
    circles.push(circle)
    const forward = reachedFrom([node], edges, 'forward')
    for (const other of reachedFrom([node], edges, 'backward')) if (forward.has(other)) told.add(other)
  }
  return circles
}

function shortestWayBack(start: string, next: ReadonlyMap<string, readonly string[]>): string[] | null {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at] ?? start
    for (const neighbour of next.get(node) ?? []) {
      if (neighbour === start) return wayTo(node, start, cameFrom)
      if (cameFrom.has(neighbour)) continue
      cameFrom.set(neighbour, node)
      queue.push(neighbour)
    }
  }
  return null
}

function wayTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way: string[] = []
  for (let node: string | undefined = end; node !== undefined && node !== start; node = cameFrom.get(node))
    way.unshift(node)
  return [start, ...way]
}

function neighbours(edges: readonly Way[]): Map<string, string[]> {
  const next = new Map<string, string[]>()
  for (const { from, to } of edges) {
    const list = next.get(from)
    if (list === undefined) next.set(from, [to])
    else if (!list.includes(to)) list.push(to)
  }
  for (const list of next.values()) list.sort()
  return next
}
