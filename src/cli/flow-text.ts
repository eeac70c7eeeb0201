/** Figures of flows as people read them. What was not measured is said to be so. */
import type { FlowEdge, FlowFigures } from '../shared/contracts/flow.ts'

export const notMeasured = 'not measured'

export function number(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export function rate(perSecond: number | null): string {
  return perSecond === null ? notMeasured : `${number(perSecond)} el/s`
}

/** Nanoseconds in the unit that suits them. */
export function time(ns: number | null | undefined): string {
  if (ns === null || ns === undefined) return notMeasured
  if (ns < 1_000) return `${ns.toFixed(0)} ns`
  if (ns < 1e6) return `${(ns / 1_000).toFixed(1)} µs`
  if (ns < 1e9) return `${(ns / 1e6).toFixed(2)} ms`
  return `${(ns / 1e9).toFixed(2)} s`
}

export function bytes(count: number | null): string {
  if (count === null) return notMeasured
  if (count < 1_024) return `${count} B`
  if (count < 1_048_576) return `${(count / 1_024).toFixed(1)} KiB`
  return `${(count / 1_048_576).toFixed(1)} MiB`
}

/** Columns side by side, the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

type NamedEdge = Pick<FlowEdge, 'from' | 'port' | 'to' | 'capacity'>

/** The queue that was deepest, with its edge; null when no element went over any. */
export function peakQueue(
  figures: FlowFigures,
  edges: readonly NamedEdge[],
): { readonly edge: string; readonly peak: number; readonly capacity: number } | null {
  let peak: { edge: string; peak: number; capacity: number } | null = null
  for (const { edge: index, peakDepth, transferred } of figures.edges) {
    const edge = edges[index]
    if (edge === undefined || (peakDepth === 0 && transferred === 0)) continue
    if (peak === null || peakDepth > peak.peak)
      peak = { edge: edgeName(edge), peak: peakDepth, capacity: edge.capacity }
  }
  return peak
}

export function edgeName({ from, port, to }: Pick<FlowEdge, 'from' | 'port' | 'to'>): string {
  return `${from}${port === 'output' ? '' : `.${port}`} -> ${to}`
}
