/** The figures of tools as Prometheus reads them (spec tools 9, 10). No label is a call: of those there is no end. */
import { Counter, Gauge, type Registry } from 'prom-client'

export interface ToolsFigure {
  readonly tools: readonly {
    readonly module: string
    readonly running: number
    readonly queued: number
    /** Calls by how they ended: `ok` or the kind of the failure. */
    readonly results: ReadonlyMap<string, number>
  }[]
  /** Permits that are out and who waits, by the name of the gate. */
  readonly gates: readonly { readonly name: string; readonly inUse: number; readonly waiting: number }[]
  readonly processes: number
  readonly threads: number
  readonly idleThreads: number
  readonly preparations: number
}

/** Registers them; `figure` is read at each scrape. */
export function observeTools(registry: Registry, figure: () => ToolsFigure): void {
  const registers = [registry]
  const total = (name: string, help: string, value: (figure: ToolsFigure) => number): void => {
    new Gauge({
      name: `tool_${name}`,
      help,
      registers,
      collect() {
        this.set(value(figure()))
      },
    })
  }
  total('processes', 'Processes that carry guest threads of tools.', ({ processes }) => processes)
  total('threads', 'Guest threads of tools.', ({ threads }) => threads)
  total('idle_threads', 'Guest threads that wait for a call.', ({ idleThreads }) => idleThreads)
  const perTool = (
    name: string,
    help: string,
    value: (tool: ToolsFigure['tools'][number]) => number,
  ): void => {
    new Gauge({
      name: `tool_${name}`,
      help,
      labelNames: ['module'],
      registers,
      collect() {
        this.reset()
        for (const tool of figure().tools) this.set({ module: tool.module }, value(tool))
      },
    })
  }
  perTool('running', 'Calls that a guest acts for.', ({ running }) => running)
  perTool('queued', 'Calls that wait or are prepared.', ({ queued }) => queued)
  const perGate = (name: string, help: string, key: 'inUse' | 'waiting'): void => {
    new Gauge({
      name: `tool_gate_${name}`,
      help,
      labelNames: ['gate'],
      registers,
      collect() {
        this.reset()
        for (const gate of figure().gates) this.set({ gate: gate.name }, gate[key])
      },
    })
  }
  perGate('in_use', 'Permits that are out.', 'inUse')
  perGate('waiting', 'Calls that wait for a permit.', 'waiting')
  new Counter({
    name: 'tool_calls_total',
    help: 'Calls that ended, by ok or the kind of their failure.',
    labelNames: ['module', 'result'],
    registers,
    collect() {
      this.reset()
      for (const { module, results } of figure().tools) {
        for (const [result, count] of results) this.inc({ module, result }, count)
      }
    },
  })
  new Counter({
    name: 'tool_preparations_total',
    help: 'Preparations of components that were begun.',
    registers,
    collect() {
      this.reset()
      this.inc(figure().preparations)
    },
  })
}
