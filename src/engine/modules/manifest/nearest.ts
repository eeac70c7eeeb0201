/** The allowed word closest to `word`, or null when none is close: at most a third of its letters differ. */
export function nearest(word: string, allowed: readonly string[]): string | null {
  const reach = Math.max(1, Math.floor(word.length / 3))
  // A hostile key may be long; nothing allowed is.
  if (word.length > 64) return null
  let best: string | null = null
  let bestDistance = reach + 1
  for (const candidate of allowed) {
    const distance = editDistance(normal(word), normal(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function normal(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '')
}

/** Letters to insert, remove, change or swap with their neighbour to get from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let older: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const change = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      let best = Math.min(change, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) best = Math.min(best, (older[column - 2] ?? 0) + 1)
      current.push(best)
    }
    older = previous
    previous = current
  }
  return previous[b.length] ?? 0
}
