/** The figures of flows as Prometheus reads them (spec flows 11): dots become underscores, nanoseconds seconds. */
import { Counter, Gauge, type Registry } from 'prom-client'
import {
  flowStates,
  type EdgeFigures,
  type FlowFigures,
  type NodeFigures,
} from '../../../shared/contracts/flow.ts'

/** One flow as it stands; figures are of the run that goes on, or of the last one. */
export interface FlowFigure {
  readonly flow: string
  readonly state: string
  /** Elements a second. */
  readonly rate: number
  readonly figures: FlowFigures | null
}

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]
type Collect<T> = (item: T) => readonly Sample[] | number | null

const seconds = (nanoseconds: number): number => nanoseconds / 1e9
const by = (label: string, counts: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(counts).map(([key, count]) => [{ [label]: key }, count])
const isActive = ({ state }: FlowFigure): boolean => ['instantiated', 'running', 'draining'].includes(state)

/** Registers them; `flows` is read at each scrape. Counters begin anew with each run. */
export function observeFlows(registry: Registry, flows: () => readonly FlowFigure[]): void {
  const registers = [registry]
  const metric = (
    kind: 'counter' | 'gauge',
    name: string,
    help: string,
    labelNames: readonly string[],
    samples: () => Iterable<Sample>,
  ): void => {
    const options = { name, help, labelNames, registers }
    if (kind === 'counter') {
      new Counter({
        ...options,
        collect() {
          this.reset()
          for (const [labels, value] of samples()) this.inc({ ...labels }, value)
        },
      })
      return
    }
    new Gauge({
      ...options,
      collect() {
        this.reset()
        for (const [labels, value] of samples()) this.set({ ...labels }, value)
      },
    })
  }
  const spread = function* <T>(labels: Labels, collected: ReturnType<Collect<T>>): Generator<Sample> {
    if (collected === null) return
    if (typeof collected === 'number') yield [labels, collected]
    else for (const [more, value] of collected) yield [{ ...labels, ...more }, value]
  }
  const ofFlow = (
    kind: 'counter' | 'gauge',
    name: string,
    help: string,
    collect: Collect<FlowFigures>,
    more: readonly string[] = [],
  ): void =>
    metric(kind, name, help, ['flow', ...more], function* () {
      for (const { flow, figures } of flows()) if (figures !== null) yield* spread({ flow }, collect(figures))
    })
  const ofNode = (
    kind: 'counter' | 'gauge',
    name: string,
    help: string,
    collect: Collect<NodeFigures>,
    more: readonly string[] = [],
  ): void =>
    metric(kind, `component_${name}`, help, ['flow', 'node', ...more], function* () {
      for (const { flow, figures } of flows())
        for (const node of figures?.nodes ?? []) yield* spread({ flow, node: node.name }, collect(node))
    })
  const ofEdge = (
    kind: 'counter' | 'gauge',
    name: string,
    help: string,
    collect: Collect<EdgeFigures>,
  ): void =>
    metric(kind, `stream_${name}`, help, ['flow', 'edge'], function* () {
      for (const { flow, figures } of flows())
        for (const edge of figures?.edges ?? [])
          yield* spread({ flow, edge: String(edge.edge) }, collect(edge))
    })

  ofFlow('counter', 'flow_elements_total', 'Elements accepted from sources.', ({ elements }) => elements)
  ofFlow('counter', 'flow_delivered_total', 'Elements delivered to sinks.', ({ delivered }) => delivered)
  ofFlow('counter', 'flow_errors_total', 'Errors of stages.', ({ errors }) => errors)
  ofFlow('counter', 'flow_dropped_total', 'Elements dropped.', ({ dropped }) => dropped)
  ofFlow('counter', 'flow_copies_total', 'Transfers between host and guests.', ({ copies }) => copies)
  ofFlow('counter', 'flow_copies_bytes_total', 'Bytes transferred.', ({ copyBytes }) => copyBytes)
  ofFlow('counter', 'flow_active_duration_seconds_total', 'Time it ran.', ({ activeNs }) => seconds(activeNs))
  ofFlow(
    'gauge',
    'flow_latency_seconds',
    'From the end of the pull to the end of the push.',
    ({ latencyNs }) =>
      latencyNs === null
        ? null
        : [
            [{ quantile: '0.5' }, seconds(latencyNs.p50)],
            [{ quantile: '0.9' }, seconds(latencyNs.p90)],
            [{ quantile: '0.99' }, seconds(latencyNs.p99)],
            [{ quantile: '1' }, seconds(latencyNs.max)],
          ],
    ['quantile'],
  )
  metric('gauge', 'flow_throughput', 'Elements a second, over the last seconds.', ['flow'], function* () {
    for (const { flow, rate } of flows()) yield [{ flow }, rate]
  })
  metric('gauge', 'flow_state', '1 for the state it is in.', ['flow', 'state'], function* () {
    for (const { flow, state } of flows())
      for (const each of ['idle', 'preparing', ...flowStates])
        yield [{ flow, state: each }, each === state ? 1 : 0]
  })

  ofNode('counter', 'invocations_total', 'Calls of the stage.', ({ invocations }) => invocations)
  ofNode('counter', 'errors_total', 'Errors by case.', ({ errors }) => by('case', errors), ['case'])
  ofNode('counter', 'processing_time_seconds_total', 'Time in calls.', ({ busyNs }) => seconds(busyNs))
  ofNode(
    'gauge',
    'processing_time_seconds',
    'Time of one call.',
    ({ callNs }) =>
      callNs === null
        ? null
        : [
            [{ quantile: '0.5' }, seconds(callNs.p50)],
            [{ quantile: '0.99' }, seconds(callNs.p99)],
            [{ quantile: '1' }, seconds(callNs.max)],
          ],
    ['quantile'],
  )
  ofNode('counter', 'fuel_consumed_total', 'Fuel of all calls.', ({ fuel }) => fuel)
  ofNode('gauge', 'memory_current_bytes', 'Linear memory.', ({ memoryBytes }) => memoryBytes)
  ofNode('gauge', 'owned_bytes', 'Host bytes that it owns.', ({ ownedBytes }) => ownedBytes)
  ofNode('counter', 'elements_in_total', 'Elements taken.', ({ elementsIn }) => elementsIn)
  ofNode('counter', 'elements_out_total', 'Elements given.', ({ elementsOut }) => elementsOut)
  ofNode('counter', 'dropped_total', 'Elements dropped by reason.', ({ dropped }) => by('reason', dropped), [
    'reason',
  ])
  ofNode('counter', 'copies_total', 'Transfers between host and guest.', ({ copies }) => copies)
  ofNode('counter', 'copy_bytes_total', 'Bytes transferred.', ({ copyBytes }) => copyBytes)
  ofNode('counter', 'restarts_total', 'Instances that replaced a dead one.', ({ restarts }) => restarts)
  ofNode('gauge', 'circuit_state', '1 while its circuit is open.', ({ state }) =>
    state === 'circuit-open' ? 1 : 0,
  )

  ofEdge(
    'counter',
    'elements_transferred_total',
    'Elements that went over it.',
    ({ transferred }) => transferred,
  )
  ofEdge(
    'counter',
    'backpressure_events_total',
    'Times it came under pressure.',
    ({ pressures }) => pressures,
  )
  ofEdge('counter', 'backpressure_duration_seconds_total', 'Time under pressure.', ({ pressedNs }) =>
    seconds(pressedNs),
  )
  ofEdge('gauge', 'queue_current_depth', 'Elements in its queue.', ({ depth }) => depth)
  ofEdge('gauge', 'queue_peak_depth', 'Most elements that were in its queue.', ({ peakDepth }) => peakDepth)

  ofFlow('counter', 'pool_allocated_total', 'Buffers given out.', ({ pool }) => pool.allocated)
  ofFlow('counter', 'pool_returned_total', 'Buffers that came back.', ({ pool }) => pool.returned)
  ofFlow('counter', 'pool_reused_total', 'Buffers given out again.', ({ pool }) => pool.reused)
  ofFlow('counter', 'pool_fallback_total', 'Buffers made beside the pool.', ({ pool }) => pool.fallbacks)
  ofFlow('gauge', 'pool_live_bytes', 'Bytes of buffers in use.', ({ pool }) => pool.liveBytes)

  metric('gauge', 'system_flows_active', 'Flows that run.', [], () => [[{}, flows().filter(isActive).length]])
  metric('gauge', 'system_components_active', 'Stages of flows that run.', [], () => [
    [{}, flows().reduce((sum, each) => sum + (isActive(each) ? (each.figures?.nodes.length ?? 0) : 0), 0)],
  ])
}
