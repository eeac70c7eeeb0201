/** What all parts of the driver of one flow share: graph, clock, counters, and the moment. */
import type { FlowLevel, FlowPlan } from '../../../../shared/contracts/flow.ts'
import type { Mailbox, StepMarks } from '../../../programs/guest-program.ts'
import type { FlowBuffers } from '../buffers/flow-buffers.ts'
import { Circuit } from './faults/circuit.ts'
import type { FlowClock } from './flow-clock.ts'
import { buildGraph, type FlowGraph } from './graph/build-graph.ts'
import { NodeState } from './graph/node-state.ts'
import { Histogram } from './metrics/histogram.ts'
import { NodeMeter } from './metrics/node-meter.ts'
import { Spans } from './metrics/spans.ts'
import { NodeContext, type FlowFacts } from './node-context.ts'
import { Reporter } from './metrics/reporter.ts'

export interface RunParts {
  readonly plan: FlowPlan
  readonly buffers: FlowBuffers
  readonly mail: Mailbox
  readonly steps: StepMarks
  readonly clock: FlowClock
  /** 8 hexadecimal digits, random. */
  readonly spanPrefix: string
}

export class FlowRun {
  readonly plan: FlowPlan
  readonly buffers: FlowBuffers
  readonly mail: Mailbox
  readonly steps: StepMarks
  readonly clock: FlowClock
  readonly facts: FlowFacts
  readonly graph: FlowGraph
  readonly reporter: Reporter
  readonly spans: Spans
  readonly latency = new Histogram()
  /** Elements that may be queued at a time (spec flows 6.6). */
  readonly bound: number

  /** The clock as it was read last. */
  nowMs: number
  /** Number of the last call. */
  call = 0
  measures = false
  traces = false
  diagnoses = false
  isPaused = false
  /** Whether sources may have to be told of back-pressure. */
  mustTell = false
  /** The earliest of all things to do by the clock. */
  nextDutyMs = 0

  queued = 0
  /** Accepted from sources, delivered to sinks. */
  elements = 0
  delivered = 0
  errors = 0
  dropped = 0
  /** Elements that a node is through with: progress. */
  settled = 0
  doneNodes = 0
  sourcesLeft: number

  constructor(parts: RunParts) {
    const { plan, clock } = parts
    this.plan = plan
    this.buffers = parts.buffers
    this.mail = parts.mail
    this.steps = parts.steps
    this.clock = clock
    this.nowMs = clock.now()
    this.facts = {
      clock,
      traceId: plan.traceId,
      spanPrefix: parts.spanPrefix,
      isTracing: false,
      deadlineMs: Number.POSITIVE_INFINITY,
    }
    this.graph = buildGraph(
      plan,
      plan.nodes.map(
        (node, index) =>
          new NodeState(index, node, {
            context: new NodeContext(this.facts, node.fuel),
            meter: new NodeMeter(),
            circuit: node.circuit === null ? null : new Circuit(node.circuit),
          }),
      ),
    )
    this.reporter = new Reporter(parts.mail, () => this.nowMs)
    this.spans = new Spans({
      names: plan.nodes.map(({ name }) => name),
      spanPrefix: parts.spanPrefix,
      traceId: plan.traceId,
    })
    const { edges, nodes, sources } = this.graph
    const outboxes = edges.filter(({ from }) => from.plan.fanOut === 'independent').length
    this.bound = edges.reduce((sum, { capacity }) => sum + capacity, 0) + nodes.length + outboxes
    this.sourcesLeft = sources.length
    this.setLevel(plan.level, plan.traceRate)
  }

  /** Takes effect with the next call. */
  setLevel(level: FlowLevel, traceRate: number): void {
    this.measures = level !== 'off'
    this.diagnoses = level === 'diagnostic'
    this.traces = this.measures && this.plan.traceId !== ''
    this.facts.isTracing = this.traces
    this.spans.setRate(this.diagnoses ? 1 : traceRate)
    for (const node of this.graph.nodes) if (node.hasStage) node.stage.recordsCopies = this.diagnoses
  }

  /** Sees to it that the clock is looked at for something at `dueMs`. */
  remind(dueMs: number): void {
    if (dueMs < this.nextDutyMs) this.nextDutyMs = dueMs
  }
}
