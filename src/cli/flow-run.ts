/** `paddock flow run`: one flow from start to end, with what it did (spec flows 12). */
import type { FlowView } from '../shared/domain/flow.ts'
import type { LogLevel } from '../shared/domain/primitives.ts'
import {
  exitOf,
  runToEnd,
  throughputOf,
  withFlow,
  type FlowRunOutcome,
  type FlowTarget,
} from './flow-session.ts'
import { bytes, notMeasured, number, peakQueue, rate, table, time } from './flow-text.ts'
import type { Output } from './output.ts'

export interface FlowRunOptions extends FlowTarget {
  readonly limit: number | undefined
  readonly timeoutMs: number | undefined
  readonly logLevel: LogLevel
  readonly json: boolean
}

/** Without a terminal a line comes only so often, in milliseconds. */
const plainLineMs = 1_000

export function flowRun(options: FlowRunOptions, output: Output): Promise<number> {
  return withFlow(options, output, async (added) => {
    const { engine, view, start } = added
    const live = liveLine()
    // Lines of the flow must not mix with what a sink writes, nor with JSON.
    const lines = options.json || options.output === '-' ? process.stderr : process.stdout
    const unfollow = engine.logs.follow(
      { module: `flow/${view.id}`, minLevel: options.logLevel },
      (records) => {
        live.clear()
        for (const { node, message } of records) lines.write(`[${node ?? view.graph.name}] ${message}\n`)
      },
    )
    let outcome: FlowRunOutcome
    try {
      outcome = await runToEnd(
        added,
        { ...start, ...(options.limit === undefined ? {} : { elementLimit: options.limit }) },
        { timeoutMs: options.timeoutMs, onTick: (now) => live.show(liveText(now)) },
      )
    } finally {
      unfollow()
      live.clear()
    }
    const data = summaryData(view, outcome)
    const text = summaryText(view, outcome)
    if (options.json)
      output.result(
        { success: outcome.end.state !== 'failed', command: 'flow run', data, warnings: warningsOf(view) },
        text,
      )
    else if (options.output === '-') process.stderr.write(`${text}\n`)
    else output.raw(text)
    return exitOf(outcome)
  })
}

export function warningsOf({ problems }: FlowView): FlowView['problems'] {
  return problems.filter(({ severity }) => severity === 'warning')
}

/** What was measured, for programs. Null where nothing was. */
export function summaryData({ graph, file }: FlowView, outcome: FlowRunOutcome): Record<string, unknown> {
  const { end, startMs, ranMs, residentBytes, endedBy } = outcome
  const { figures } = end
  return {
    flow: graph.name,
    file,
    state: end.state,
    endedBy,
    failure: end.failure,
    startMs: round(startMs),
    durationMs: round(ranMs),
    activeMs: round(figures.activeNs / 1e6),
    elements: figures.elements,
    delivered: figures.delivered,
    dropped: figures.dropped,
    errors: figures.errors,
    elementsPerSecond: roundOrNull(throughputOf(figures)),
    latencyNs: figures.latencyNs,
    copies: figures.copies,
    copyBytes: figures.copyBytes,
    peakQueue: peakQueue(figures, graph.edges),
    pressures: figures.edges.reduce((sum, edge) => sum + edge.pressures, 0),
    residentBytes,
    leaked: end.leaked,
    nodes: figures.nodes,
    edges: figures.edges,
  }
}

function summaryText(view: FlowView, outcome: FlowRunOutcome): string {
  const { end, startMs, ranMs, residentBytes, endedBy } = outcome
  const { figures, failure } = end
  const { latencyNs } = figures
  const peak = peakQueue(figures, view.graph.edges)
  const how = endedBy === 'time' ? ' (its time was over)' : endedBy === 'signal' ? ' (by a signal)' : ''
  const rows = [
    [
      '  elements',
      `${number(figures.elements)} in, ${number(figures.delivered)} delivered, ${number(figures.dropped)} dropped, ${number(figures.errors)} errors`,
    ],
    ['  throughput', rate(throughputOf(figures))],
    [
      '  latency',
      latencyNs === null
        ? notMeasured
        : `p50 ${time(latencyNs.p50)}, p99 ${time(latencyNs.p99)}, max ${time(latencyNs.max)}`,
    ],
    ['  copies', `${number(figures.copies)} (${bytes(figures.copyBytes)})`],
    ['  peak queue', peak === null ? notMeasured : `${peak.peak} of ${peak.capacity} (${peak.edge})`],
    ['  peak memory', bytes(residentBytes)],
    ['  started in', time(startMs * 1e6)],
  ]
  const width = Math.max(...rows.map(([name = '']) => name.length))
  const lines = rows.map(([name = '', value = '']) => `${name.padEnd(width)}  ${value}`)
  const head = `flow ${view.graph.name} ${end.state} after ${time(ranMs * 1e6)}${how}`
  const fault = failure === null ? [] : [`  ${failure.error.message} ${failure.error.remedy}`]
  return [head, ...fault, ...lines, '', nodeTable(outcome)].join('\n')
}

function nodeTable({ end }: FlowRunOutcome): string {
  return table([
    ['  node', 'calls', 'in', 'out', 'dropped', 'errors', 'p50', 'p99', 'copies'],
    ...end.figures.nodes.map((node) => [
      `  ${node.name}`,
      number(node.invocations),
      number(node.elementsIn),
      number(node.elementsOut),
      number(Object.values(node.dropped).reduce((sum, count) => sum + count, 0)),
      number(Object.values(node.errors).reduce((sum, count) => sum + count, 0)),
      node.callNs === null ? notMeasured : time(node.callNs.p50),
      node.callNs === null ? notMeasured : time(node.callNs.p99),
      number(node.copies),
    ]),
  ])
}

function liveText({ figures, rate: perSecond, state, graph }: FlowView): string {
  if (figures === null) return `${graph.name}: ${state}`
  const deepest = Math.max(0, ...figures.edges.map(({ depth }) => depth))
  const pressed = figures.edges.filter((edge) => edge.pressed).length
  return (
    `${graph.name}: ${state}, ${number(figures.elements)} elements, ${number(perSecond)} el/s, ` +
    `${figures.errors} errors, ${figures.dropped} dropped, queue ${deepest}, pressure on ${pressed} edges`
  )
}

/** One line on stderr that is written over; where nobody sees it as such, a line a second. */
function liveLine(): { show(text: string): void; clear(): void } {
  const { stderr } = process
  const isTerminal = stderr.isTTY
  let shown = false
  let writtenAt = Number.NEGATIVE_INFINITY
  return {
    show(text) {
      if (isTerminal) {
        stderr.write(`\r\u001b[2K${text}`)
        shown = true
        return
      }
      const now = performance.now()
      if (now - writtenAt < plainLineMs) return
      writtenAt = now
      stderr.write(`${text}\n`)
    },
    clear() {
      if (shown) stderr.write('\r\u001b[2K')
      shown = false
    },
  }
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000
}

export function roundOrNull(value: number | null): number | null {
  return value === null ? null : round(value)
}
