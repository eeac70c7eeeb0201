/** `paddock flow trace`: what became of each element, call by call (spec flows 12). */
import { writeFile } from 'node:fs/promises'
import type { TraceSpan } from '../shared/contracts/flow.ts'
import {
  exitOf,
  runToEnd,
  throughputOf,
  withFlow,
  type FlowRunOutcome,
  type FlowTarget,
} from './flow-session.ts'
import { warningsOf } from './flow-run.ts'
import { notMeasured, number, rate, time } from './flow-text.ts'
import { otlpTrace } from './flow-otlp.ts'
import type { Output } from './output.ts'

export const traceFormats = ['pretty', 'json', 'otlp'] as const

export interface FlowTraceOptions extends FlowTarget {
  readonly limit: number
  readonly timeoutMs: number | undefined
  readonly format: (typeof traceFormats)[number]
  /** A file that takes the trace in place of stdout. */
  readonly outputTrace: string | undefined
  readonly showBuffers: boolean
  readonly showBackpressure: boolean
}

interface ElementTree {
  readonly span: TraceSpan
  readonly children: ElementTree[]
}

export function flowTrace(options: FlowTraceOptions, output: Output): Promise<number> {
  return withFlow(options, output, async (added) => {
    const { engine, view, start } = added
    const spans: TraceSpan[] = []
    const unwatch = engine.flows.watchTrace(view.id, (more) => spans.push(...more))
    const pressure: string[] = []
    const unfollow = engine.logs.follow({ module: `flow/${view.id}`, minLevel: 'debug' }, (records) => {
      for (const { event, node, message } of records)
        if (event?.startsWith('backpressure.') === true) pressure.push(`${event} ${node ?? ''} ${message}`)
    })
    let outcome: FlowRunOutcome
    try {
      outcome = await runToEnd(
        added,
        { ...start, elementLimit: options.limit, level: 'diagnostic', traceRate: 1 },
        { timeoutMs: options.timeoutMs },
      )
    } finally {
      unwatch()
      unfollow()
    }
    const trees = treesOf(spans)
    const summary = summaryOf(trees, outcome)
    const warnings = warningsOf(view)
    const success = outcome.end.state !== 'failed'
    const texts = {
      pretty: () =>
        [
          ...trees.map((tree) => showTree(tree, options)),
          summaryText(summary),
          ...pressureLines(pressure, options),
        ].join('\n'),
      json: () =>
        JSON.stringify({
          success,
          command: 'flow trace',
          data: { elements: trees.map(treeData), summary, ...(options.showBackpressure ? { pressure } : {}) },
          warnings,
        }),
      otlp: () => JSON.stringify(otlpTrace(view.graph.name, spans)),
    }
    const text = texts[options.format]()
    if (options.outputTrace === undefined) output.raw(text)
    else await writeFile(options.outputTrace, `${text}\n`)
    if (outcome.end.failure !== null) output.error(outcome.end.failure.error)
    return exitOf(outcome)
  })
}

/** Calls by the call whose output they took, in the order they were made; a tree for each pull. */
export function treesOf(spans: readonly TraceSpan[]): ElementTree[] {
  const trees = new Map<string, ElementTree>()
  for (const span of spans) trees.set(span.span, { span, children: [] })
  const roots: ElementTree[] = []
  for (const tree of trees.values()) {
    const parent = tree.span.parent === null ? undefined : trees.get(tree.span.parent)
    if (parent === undefined || parent === tree) roots.push(tree)
    else parent.children.push(tree)
  }
  return roots.filter(({ span, children }) => children.length > 0 || isOfElement(span))
}

/** Calls that handle no element stand in no tree. */
function isOfElement({ function: name, outcome }: TraceSpan): boolean {
  return name === 'pull'
    ? outcome === 'emit'
    : !['init', 'teardown', 'notify-backpressure', 'complete'].includes(name)
}

interface TraceSummary {
  readonly elements: number
  readonly calls: number
  readonly averageNs: number | null
  readonly p50Ns: number | null
  readonly p99Ns: number | null
  readonly copies: number
  readonly copyBytes: number
  /** Share of buffers that were given out again. */
  readonly reuse: number | null
  readonly pressures: number
  readonly elementsPerSecond: number | null
  readonly state: string
}

function summaryOf(trees: readonly ElementTree[], { end }: FlowRunOutcome): TraceSummary {
  const { figures } = end
  const totals = trees.map(totalNs).sort((a, b) => a - b)
  const at = (share: number): number | null =>
    totals[Math.min(totals.length - 1, Math.floor(totals.length * share))] ?? null
  const { allocated, reused } = figures.pool
  return {
    elements: trees.length,
    calls: trees.reduce((sum, tree) => sum + countOf(tree), 0),
    averageNs: totals.length === 0 ? null : totals.reduce((sum, each) => sum + each, 0) / totals.length,
    p50Ns: at(0.5),
    p99Ns: at(0.99),
    copies: figures.copies,
    copyBytes: figures.copyBytes,
    reuse: allocated === 0 ? null : reused / allocated,
    pressures: figures.edges.reduce((sum, edge) => sum + edge.pressures, 0),
    elementsPerSecond: throughputOf(figures),
    state: end.state,
  }
}

/** Time in stages that an element took altogether. */
function totalNs({ span, children }: ElementTree): number {
  return children.reduce((sum, child) => sum + totalNs(child), span.durationNs)
}

function countOf({ children }: ElementTree): number {
  return children.reduce((sum, child) => sum + countOf(child), 1)
}

function showTree(tree: ElementTree, options: FlowTraceOptions): string {
  const lines: string[] = [`element ${tree.span.sequence}  total ${time(totalNs(tree))}`]
  const show = (each: ElementTree, lead: string, isLast: boolean): void => {
    const { span, children } = each
    const buffer = span.buffer
    const bytes = buffer === null ? '' : `  buffer ${buffer.id} (${buffer.capacity} B, ${buffer.size} used)`
    const copies =
      options.showBuffers && span.copies.length > 0
        ? `  ${span.copies.map(({ kind, bytes: count }) => `${kind} ${count} B`).join(', ')}`
        : ''
    lines.push(
      `${lead}${isLast ? '└─' : '├─'} ${span.node}  ${span.function}  ${time(span.durationNs)}  ${span.outcome}${bytes}${copies}`,
    )
    for (const [index, child] of children.entries())
      show(child, `${lead}${isLast ? '   ' : '│  '}`, index === children.length - 1)
  }
  show(tree, '', true)
  return lines.join('\n')
}

function summaryText(summary: TraceSummary): string {
  const { elements, calls, averageNs, p50Ns, p99Ns, copies, reuse, pressures, elementsPerSecond } = summary
  const share = reuse === null ? notMeasured : `${(reuse * 100).toFixed(1)} %`
  return [
    '',
    `${number(elements)} elements traced in ${number(calls)} calls; flow ${summary.state}, ${rate(elementsPerSecond)}`,
    `  per element  avg ${time(averageNs)}, p50 ${time(p50Ns)}, p99 ${time(p99Ns)}`,
    `  copies ${number(copies)}, buffers reused ${share}, pressure ${number(pressures)} times`,
  ].join('\n')
}

function pressureLines(pressure: readonly string[], { showBackpressure }: FlowTraceOptions): string[] {
  if (!showBackpressure) return []
  return pressure.length === 0 ? ['  no back-pressure'] : pressure.map((line) => `  ${line}`)
}

function treeData({ span, children }: ElementTree): Record<string, unknown> {
  return { ...span, children: children.map(treeData) }
}
