/** The figures of deciders as Prometheus reads them (spec decider 14): dots become underscores, milliseconds seconds. */
import { Counter, type Registry } from 'prom-client'
import type { MetricPoint } from '../../contracts/decider/metrics.ts'

interface Family {
  /** As spec decider 14 names it. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** What is measured each time; null for what is only counted. */
  readonly measure: 'seconds' | 'units' | null
}

const module = ['module_name', 'module_version']
const command = [...module, 'command_type']
const phase = [...module, 'guest_phase']

const families: readonly Family[] = [
  {
    name: 'decider.command.executions',
    help: 'Commands that ended.',
    labels: [...command, 'decision_outcome', 'write_precondition'],
    measure: null,
  },
  { name: 'decider.replay.events', help: 'Events replayed.', labels: command, measure: 'units' },
  { name: 'decider.replay.duration', help: 'Time of a replay.', labels: command, measure: 'seconds' },
  { name: 'decider.append.duration', help: 'Time of an append.', labels: command, measure: 'seconds' },
  { name: 'decider.append.conflicts', help: 'Appends that lost.', labels: command, measure: 'units' },
  {
    name: 'decider.command.conflict_retries',
    help: 'Rounds after the first.',
    labels: command,
    measure: 'units',
  },
  {
    name: 'decider.snapshot.reads',
    help: 'Snapshots looked for.',
    labels: [...module, 'snapshot_outcome'],
    measure: null,
  },
  {
    name: 'decider.snapshot.writes',
    help: 'Snapshots taken.',
    labels: [...module, 'success'],
    measure: null,
  },
  {
    name: 'decider.wasm.execution.duration',
    help: 'Time in the guest.',
    labels: phase,
    measure: 'seconds',
  },
  { name: 'decider.wasm.fuel.consumed', help: 'Fuel of guest calls.', labels: phase, measure: 'units' },
  {
    name: 'decider.wasm.traps',
    help: 'Guest calls that trapped.',
    labels: [...phase, 'kind'],
    measure: null,
  },
]

/** Registers them; `points` is read at each scrape. No label is a stream: of those there is no end. */
export function observeDeciders(registry: Registry, points: () => readonly MetricPoint[]): void {
  for (const { name, help, labels, measure } of families) {
    const base = name.replaceAll('.', '_') + (measure === 'seconds' ? '_seconds' : '')
    const show = (suffix: string, value: (point: MetricPoint) => number): void => {
      new Counter({
        name: `${base}_${suffix}`,
        help,
        labelNames: labels,
        registers: [registry],
        collect() {
          this.reset()
          for (const point of points())
            if (point.name === name) this.inc({ ...point.attributes }, value(point))
        },
      })
    }
    if (measure === null) {
      show('total', ({ count }) => count)
      continue
    }
    show('count', ({ count }) => count)
    show('sum', ({ sum }) => (measure === 'seconds' ? sum / 1_000 : sum))
  }
}
