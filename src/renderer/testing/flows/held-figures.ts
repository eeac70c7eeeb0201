import type { FlowFigures } from '../../../shared/contracts/flow.ts'
import { figuresOf, logStats } from './sample-flows.ts'

/** Figures of log-stats with a stage that cannot keep up. */
export function heldFigures(): FlowFigures {
  const figures = figuresOf(logStats())
  figures.elements = 9_000
  figures.delivered = 6_400
  figures.latencyNs = { p50: 1e6, p90: 4e6, p99: 6.4e6, max: 2e7 }
  figures.activeNs = 1e10
  Object.assign(figures.nodes[4] ?? {}, {
    invocations: 400,
    elementsIn: 400,
    elementsOut: 388,
    errors: { unavailable: 12 },
    callNs: { p50: 3e6, p99: 6.4e6, max: 9e6 },
    busyNs: 5e9,
    fuel: 4_000_000,
    copies: 800,
    copyBytes: 51_200,
    restarts: 1,
  })
  Object.assign(figures.edges[3] ?? {}, { depth: 64, peakDepth: 64, pressed: true, pressures: 3 })
  Object.assign(figures.edges[2] ?? {}, { depth: 41, peakDepth: 64, pressed: true })
  return figures
}
