/** Around every call of a stage: the watchdog's mark, the clock, counters, a span (spec flows 10.3, 11). */
import type { CallOutcome, StageFault } from '../../stages/stage.ts'
import type { FlowRun } from '../flow-run.ts'
import type { FlowElement } from '../graph/element.ts'
import type { NodeState } from '../graph/node-state.ts'

/** Longer than its limit by this, and a call is ended with its thread (spec flows 10.3). */
const graceMs = 500
const nsPerMs = 1_000_000

/** What a role's call is named. */
export const callNames = {
  source: 'pull',
  processor: 'process',
  filter: 'evaluate',
  router: 'route',
  aggregator: 'ingest',
  sink: 'push',
} as const

export class StageCalls {
  /** Of the last call. */
  tookMs = 0
  private readonly run: FlowRun
  private startedMs = 0

  constructor(run: FlowRun) {
    this.run = run
  }

  pull(node: NodeState, traced: boolean): CallOutcome {
    this.enter(node, node.callMs)
    const outcome = node.stage.pull()
    this.leave(node)
    // A source that has nothing is asked often: no span tells anything new.
    if (this.run.traces && outcome !== 'none')
      this.note(node, 'pull', outcome, 0, node.meter.elementsOut, node.stage.output?.buffer ?? null, traced)
    return outcome
  }

  accept(node: NodeState, element: FlowElement): CallOutcome {
    this.enter(node, node.callMs)
    const outcome = node.stage.accept(element)
    this.leave(node)
    if (this.run.traces)
      this.note(
        node,
        callNames[node.role],
        outcome,
        element.span,
        element.sequence,
        element.buffer,
        element.traced,
      )
    return outcome
  }

  flush(node: NodeState): CallOutcome {
    this.enter(node, node.callMs)
    const outcome = node.stage.flush()
    this.leaveNoted(node, 'flush', outcome)
    return outcome
  }

  complete(node: NodeState): CallOutcome {
    this.enter(node, node.callMs)
    const outcome = node.stage.complete()
    this.leaveNoted(node, 'complete', outcome)
    return outcome
  }

  notify(node: NodeState, signal: 'pause' | 'ready'): CallOutcome {
    this.enter(node, node.callMs)
    const outcome = node.stage.notifyBackpressure(signal)
    this.leaveNoted(node, 'notify-backpressure', outcome)
    return outcome
  }

  init(node: NodeState, limitMs: number): CallOutcome {
    this.enter(node, limitMs === 0 ? Number.POSITIVE_INFINITY : limitMs)
    const outcome = node.stage.init(node.plan.config)
    this.leaveNoted(node, 'init', outcome)
    return outcome
  }

  teardown(node: NodeState, limitMs: number): CallOutcome {
    this.enter(node, limitMs === 0 ? Number.POSITIVE_INFINITY : limitMs)
    const outcome = node.stage.teardown()
    this.leaveNoted(node, 'teardown', outcome)
    return outcome
  }

  /** What failed about the call made last: what the stage says, or that it took too long (spec flows 9.1). */
  fault(node: NodeState, outcome: CallOutcome): StageFault | null {
    if (outcome === 'trap') return node.stage.error ?? { case: 'fatal', message: 'trapped', trap: 'trapped' }
    if (this.tookMs > node.callMs) {
      const message = `the call took ${Math.round(this.tookMs)} ms, allowed are ${node.callMs} ms`
      return { case: 'deadline-exceeded', message, trap: null }
    }
    if (outcome !== 'error') return null
    return node.stage.error ?? { case: 'internal', message: 'no reason given', trap: null }
  }

  private enter(node: NodeState, limitMs: number): void {
    const { run } = this
    run.call = (run.call + 1) >>> 0
    // A call's time begins where the one before ended, so that it includes up to 0.1 µs of the driver's own: half the
    // reads of the clock, which cost more than all other counting. Who diagnoses gets it to the point.
    if (run.diagnoses) run.nowMs = run.clock.now()
    const { nowMs } = run
    this.startedMs = nowMs
    node.context.call = run.call
    node.context.callEndsMs = nowMs + limitMs
    run.steps.begin(node.index, limitMs + graceMs)
  }

  private leave(node: NodeState): void {
    const { run } = this
    run.steps.end()
    const nowMs = run.clock.now()
    run.nowMs = nowMs
    const tookMs = nowMs - this.startedMs
    this.tookMs = tookMs
    const { meter } = node
    meter.invocations += 1
    if (!run.measures) return
    const ns = tookMs * nsPerMs
    meter.busyNs += ns
    meter.calls.record(ns)
  }

  private leaveNoted(node: NodeState, name: string, outcome: CallOutcome): void {
    this.leave(node)
    if (this.run.traces) this.note(node, name, outcome, 0, 0, null, this.run.diagnoses)
  }

  private note(
    node: NodeState,
    name: string,
    outcome: CallOutcome,
    parent: number,
    sequence: number,
    buffer: FlowElement['buffer'] | null,
    keep: boolean,
  ): void {
    const { run } = this
    const copies = run.diagnoses ? node.stage.copyRecords : none
    run.spans.note(
      node.index,
      run.call,
      parent,
      name,
      sequence,
      this.startedMs,
      this.tookMs * nsPerMs,
      outcome,
      buffer,
      keep,
      copies,
    )
  }
}

const none: readonly never[] = []
