/** Reports of `paddock flow bench` for people and for tables. */
import type { BenchFormat, BenchReport } from './flow-bench-report.ts'
import { bytes, notMeasured, number, rate, table, time } from './flow-text.ts'

export function showBench(report: BenchReport, format: BenchFormat): string {
  const rows = figuresOf(report)
  const nodes = nodesOf(report)
  switch (format) {
    case 'csv':
      return [
        ['figure', 'value'],
        ...rows.map(([name, , value]) => [name, value === null ? '' : String(value)]),
      ]
        .map((row) => row.map(csvCell).join(','))
        .join('\n')
    case 'markdown':
      return [
        markdown([['Figure', 'Value'], ...rows.map(([name, text]) => [name, text])]),
        '',
        markdown(nodes),
      ].join('\n')
    case 'pretty':
    case 'json':
      return [
        `flow ${report.flow} (${report.state})`,
        table(rows.map(([name, text]) => [`  ${name}`, text])),
        '',
        table(nodes.map((row) => row.map((cell, index) => (index === 0 ? `  ${cell}` : cell)))),
      ].join('\n')
  }
}

type Row = readonly [name: string, text: string, value: number | null]

function figuresOf(report: BenchReport): Row[] {
  const { latencyNs, reuse, peakQueue, against } = report
  const count = (value: number | null): string => (value === null ? notMeasured : number(value))
  const latency = (name: string, value: number | undefined): Row => [
    `latency ${name}`,
    time(value),
    value ?? null,
  ]
  return [
    ['window', time(report.windowMs === null ? null : report.windowMs * 1e6), report.windowMs],
    ['elements', count(report.elements), report.elements],
    ['throughput', rate(report.elementsPerSecond), report.elementsPerSecond],
    [
      'bytes per second',
      report.bytesPerSecond === null ? notMeasured : `${bytes(Math.round(report.bytesPerSecond))}/s`,
      report.bytesPerSecond,
    ],
    latency('p50', latencyNs?.p50),
    latency('p90', latencyNs?.p90),
    latency('p95', undefined),
    latency('p99', latencyNs?.p99),
    latency('p99.9', undefined),
    latency('max', latencyNs?.max),
    ['copies', count(report.copies), report.copies],
    [
      'copies per element',
      report.copiesPerElement === null ? notMeasured : report.copiesPerElement.toFixed(2),
      report.copiesPerElement,
    ],
    ['buffers given out', count(report.allocations), report.allocations],
    ['buffers reused', reuse === null ? notMeasured : `${(reuse * 100).toFixed(1)} %`, reuse],
    ['pressure', number(report.pressures), report.pressures],
    [
      'peak queue',
      peakQueue === null ? notMeasured : `${peakQueue.peak} of ${peakQueue.capacity} (${peakQueue.edge})`,
      peakQueue?.peak ?? null,
    ],
    ['memory', bytes(report.residentBytes), report.residentBytes],
    ['wake-ups', notMeasured, null],
    ['start', time(report.startMs * 1e6), report.startMs],
    ...(against === null ? [] : [['against baseline', `${(against * 100).toFixed(1)} %`, against] as const]),
  ]
}

function nodesOf({ nodes }: BenchReport): string[][] {
  return [
    ['node', 'calls', 'p50', 'p99', 'max', 'copies', 'bytes', 'memory'],
    ...nodes.map(({ name, calls, callNs, copies, copyBytes, memoryBytes }) => [
      name,
      number(calls),
      time(callNs?.p50),
      time(callNs?.p99),
      time(callNs?.max),
      number(copies),
      bytes(copyBytes),
      bytes(memoryBytes),
    ]),
  ]
}

function markdown(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n')
}

function csvCell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
