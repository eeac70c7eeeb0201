/** The figures of actors as Prometheus reads them (spec actors-sql 18). No label is an actor: of those there is no end. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { ActorFiguresView } from '../../../shared/domain/actor.ts'

/** The actors of one module, as they stand. */
export interface ActorsFigure {
  readonly module: string
  /** Actors that are not asleep. */
  readonly awake: number
  /** Work that waits, of all actors. */
  readonly queued: number
  /** Processes that run them. */
  readonly processes: number
  /** Counted since the module started. */
  readonly figures: ActorFiguresView
}

type Totals = 'drains' | 'drainTimeouts' | 'indeterminate' | 'starts' | 'losses'

const totals: readonly (readonly [name: string, help: string, key: Totals])[] = [
  ['starts', 'Starts of instances.', 'starts'],
  ['losses', 'Instances that were lost or did not come up.', 'losses'],
  ['drains', 'Stops that waited for running work.', 'drains'],
  ['drain_timeouts', 'Stops whose running work was given up.', 'drainTimeouts'],
  ['indeterminate_results', 'Work of which nobody knows whether it was done.', 'indeterminate'],
]

/** Registers them; `figures` is read at each scrape. */
export function observeActors(registry: Registry, figures: () => readonly ActorsFigure[]): void {
  const registers = [registry]
  const gauge = (name: string, help: string, value: (figure: ActorsFigure) => number): void => {
    new Gauge({
      name: `actor_${name}`,
      help,
      labelNames: ['module'],
      registers,
      collect() {
        this.reset()
        for (const figure of figures()) this.set({ module: figure.module }, value(figure))
      },
    })
  }
  gauge('awake', 'Actors that are not asleep.', ({ awake }) => awake)
  gauge('queue_depth', 'Work that waits, of all actors.', ({ queued }) => queued)
  gauge('processes', 'Processes that run actors.', ({ processes }) => processes)
  for (const [name, help, key] of totals) {
    new Counter({
      name: `actor_${name}_total`,
      help,
      labelNames: ['module'],
      registers,
      collect() {
        this.reset()
        for (const figure of figures()) this.inc({ module: figure.module }, figure.figures[key])
      },
    })
  }
  new Counter({
    name: 'actor_requests_total',
    help: 'Work that ended, by operation and by ok or the code of its error.',
    labelNames: ['module', 'operation', 'result'],
    registers,
    collect() {
      this.reset()
      for (const { module, figures: counted } of figures()) {
        for (const [key, count] of Object.entries(counted.requests)) {
          const [operation = '', result = ''] = key.split(' ')
          this.inc({ module, operation, result }, count)
        }
      }
    },
  })
  new Counter({
    name: 'actor_refusals_total',
    help: 'Statements refused, by rule.',
    labelNames: ['module', 'rule'],
    registers,
    collect() {
      this.reset()
      for (const { module, figures: counted } of figures()) {
        for (const [rule, count] of Object.entries(counted.refusals)) this.inc({ module, rule }, count)
      }
    },
  })
}
