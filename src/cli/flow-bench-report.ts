/** What a bench of a flow came to; null where nothing was measured. */
import { z } from 'zod'

export const benchFormats = ['pretty', 'json', 'csv', 'markdown'] as const
export type BenchFormat = (typeof benchFormats)[number]

const percentiles = z.object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() })
export const benchReportSchema = z.object({
  flow: z.string(),
  state: z.string(),
  /** Of the window that was measured, warm-up left out; null when the flow ended before. */
  windowMs: z.number().nullable(),
  elements: z.number().nullable(),
  elementsPerSecond: z.number().nullable(),
  /** What sources wrote, a second. */
  bytesPerSecond: z.number().nullable(),
  /** Of the whole run, in nanoseconds. */
  latencyNs: percentiles.nullable(),
  nodes: z.array(
    z.object({
      name: z.string(),
      calls: z.number(),
      callNs: z.object({ p50: z.number(), p99: z.number(), max: z.number() }).nullable(),
      copies: z.number(),
      copyBytes: z.number(),
      memoryBytes: z.number(),
    }),
  ),
  copies: z.number().nullable(),
  copiesPerElement: z.number().nullable(),
  allocations: z.number().nullable(),
  /** Share of buffers given out that had been used before. */
  reuse: z.number().nullable(),
  pressures: z.number(),
  peakQueue: z.object({ edge: z.string(), peak: z.number(), capacity: z.number() }).nullable(),
  residentBytes: z.number().nullable(),
  startMs: z.number(),
  /** Throughput against the baseline's; null without one. */
  against: z.number().nullable(),
})
export type BenchReport = z.infer<typeof benchReportSchema>
