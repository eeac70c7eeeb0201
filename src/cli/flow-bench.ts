/** `paddock flow bench`: how fast a flow is, measured after a warm-up (spec flows 12). */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { FlowFigures } from '../shared/contracts/flow.ts'
import type { FlowView } from '../shared/domain/flow.ts'
import { PaddockError } from '../shared/errors.ts'
import { benchReportSchema, type BenchFormat, type BenchReport } from './flow-bench-report.ts'
import { showBench } from './flow-bench-text.ts'
import { exitOf, runToEnd, withFlow, type FlowTarget } from './flow-session.ts'
import { peakQueue } from './flow-text.ts'
import { warningsOf } from './flow-run.ts'
import type { Output } from './output.ts'

export interface FlowBenchOptions extends FlowTarget {
  readonly durationMs: number
  readonly warmupMs: number
  readonly format: BenchFormat
  /** A file for the report beside the one that is always kept. */
  readonly report: string | undefined
  /** An earlier report to compare with. */
  readonly baseline: string | undefined
}

/** A flow that is slower than this share of its baseline fails the comparison. */
const tolerated = 0.9
const slowerExit = 3

interface Sample {
  readonly figures: FlowFigures
}

export function flowBench(options: FlowBenchOptions, output: Output): Promise<number> {
  return withFlow(options, output, async (added) => {
    const baseline = options.baseline === undefined ? null : await readReport(options.baseline)
    const { view, start } = added
    let runningAt = Number.POSITIVE_INFINITY
    const samples: Sample[] = []
    const outcome = await runToEnd(added, start, {
      timeoutMs: options.warmupMs + options.durationMs,
      onRunning: () => {
        runningAt = performance.now()
      },
      onTick: ({ figures, state }) => {
        if (figures === null || state !== 'running' || performance.now() - runningAt < options.warmupMs)
          return
        if (samples.length > 1) samples.pop()
        samples.push({ figures })
      },
    })
    if (outcome.end.failure !== null) output.error(outcome.end.failure.error)
    // One that ended by itself is measured up to its end, and as a whole if that came before the warm-up was over.
    const { figures } = outcome.end
    const isWhole = outcome.endedBy === 'itself'
    const first = samples[0] ?? null
    const last = isWhole ? { figures } : (samples[samples.length - 1] ?? null)
    const window = windowOf(first, last, isWhole)
    const report: BenchReport = {
      flow: view.graph.name,
      state: outcome.end.state,
      ...window,
      latencyNs: figures.latencyNs,
      nodes: figures.nodes.map(({ name, invocations, callNs, copies, copyBytes, memoryBytes }) => ({
        name,
        calls: invocations,
        callNs,
        copies,
        copyBytes,
        memoryBytes,
      })),
      pressures: figures.edges.reduce((sum, edge) => sum + edge.pressures, 0),
      peakQueue: peakQueue(figures, view.graph.edges),
      residentBytes: outcome.residentBytes,
      startMs: outcome.startMs,
      against: null,
      ...sourceBytes(view, first, window.windowMs, last ?? { figures }),
    }
    const told = { ...report, against: against(report, baseline) }
    const kept = await keep(told, view, options.report)
    if (options.format === 'json')
      output.raw(
        JSON.stringify({
          success: outcome.end.state !== 'failed',
          command: 'flow bench',
          data: { ...told, report: kept },
          warnings: warningsOf(view),
        }),
      )
    else output.raw(showBench(told, options.format))
    const code = exitOf(outcome)
    return code === 0 && told.against !== null && told.against < tolerated ? slowerExit : code
  })
}

type Window = Pick<
  BenchReport,
  'windowMs' | 'elements' | 'elementsPerSecond' | 'copies' | 'copiesPerElement' | 'allocations' | 'reuse'
>

/** What happened between two samples of the figures; between start and end when there is no first one. */
function windowOf(first: Sample | null, last: Sample | null, isWhole: boolean): Window {
  const none: Window = {
    windowMs: null,
    elements: null,
    elementsPerSecond: null,
    copies: null,
    copiesPerElement: null,
    allocations: null,
    reuse: null,
  }
  if (last === null || (first === null && !isWhole)) return none
  const { figures } = last
  const before = first?.figures
  const windowMs = (figures.activeNs - (before?.activeNs ?? 0)) / 1e6
  const elements = figures.elements - (before?.elements ?? 0)
  const copies = figures.copies - (before?.copies ?? 0)
  const allocations = figures.pool.allocated - (before?.pool.allocated ?? 0)
  const reused = figures.pool.reused - (before?.pool.reused ?? 0)
  if (windowMs <= 0) return none
  return {
    windowMs,
    elements,
    elementsPerSecond: (elements * 1_000) / windowMs,
    copies,
    copiesPerElement: elements === 0 ? null : copies / elements,
    allocations,
    reuse: allocations === 0 ? null : reused / allocations,
  }
}

function sourceBytes(
  { graph }: FlowView,
  first: Sample | null,
  windowMs: number | null,
  { figures }: Sample,
): Pick<BenchReport, 'bytesPerSecond'> {
  if (windowMs === null) return { bytesPerSecond: null }
  const sources = graph.nodes
    .filter(({ role, isHost }) => role === 'source' && !isHost)
    .map(({ name }) => name)
  const written = (of: FlowFigures): number =>
    of.nodes.reduce((sum, node) => sum + (sources.includes(node.name) ? node.copyBytes : 0), 0)
  if (sources.length === 0) return { bytesPerSecond: null }
  const bytes = written(figures) - (first === null ? 0 : written(first.figures))
  return { bytesPerSecond: (bytes * 1_000) / windowMs }
}

function against(report: BenchReport, baseline: BenchReport | null): number | null {
  if (baseline === null || baseline.elementsPerSecond === null || report.elementsPerSecond === null)
    return null
  return report.elementsPerSecond / baseline.elementsPerSecond
}

async function keep(report: BenchReport, { file }: FlowView, given: string | undefined): Promise<string> {
  const folder = path.join(path.dirname(file), '.torvyn', 'bench')
  const kept =
    given === undefined
      ? path.join(folder, `${new Date().toISOString().replaceAll(':', '-')}.json`)
      : path.resolve(given)
  try {
    await mkdir(path.dirname(kept), { recursive: true })
    await writeFile(kept, `${JSON.stringify(report, null, 2)}\n`)
  } catch (cause) {
    throw new PaddockError('flow.unwritable', `The report ${kept} could not be written.`, { cause })
  }
  return kept
}

async function readReport(file: string): Promise<BenchReport> {
  try {
    return benchReportSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    throw new PaddockError('usage.invalid', `${file} is no report of paddock flow bench.`, { cause })
  }
}
