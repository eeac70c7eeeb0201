/** How a flow ends: the first reason wins; then it drains, and nodes end in order (spec flows 7). */
import type { FlowFailure } from '../../../../../shared/contracts/flow.ts'
import { PaddockError, type ErrorReport } from '../../../../../shared/errors.ts'
import type { FlowRun } from '../flow-run.ts'
import type { NodeState } from '../graph/node-state.ts'
import type { Queues } from '../graph/queues.ts'

/** A paused sink is probed at least this often while draining (spec flows 6.4). */
export const drainProbeMs = 50

export type EndKind = 'completed' | 'cancelled' | 'failed'

/** Ends a node by a call of its own: `flush` comes with its turn, `complete` at once. */
export interface Finisher {
  complete(node: NodeState): void
}

export class Ending {
  /** Null while the flow goes on. */
  kind: EndKind | null = null
  reason = ''
  failure: FlowFailure | null = null
  /** What drains is given up at this. */
  drainEndsMs = Number.POSITIVE_INFINITY
  /** Whether `flush` and `complete` are called: not where that would tell something untrue (spec flows 4.4). */
  private finishes = true
  private settledBefore = 0
  private readonly run: FlowRun
  private readonly queues: Queues
  private readonly finisher: Finisher

  constructor(run: FlowRun, queues: Queues, finisher: Finisher) {
    this.run = run
    this.queues = queues
    this.finisher = finisher
  }

  /** A source has nothing more, for good. */
  exhausted(node: NodeState): void {
    if (node.isDone) return
    node.pending = 0
    node.toldPause = false
    this.run.sourcesLeft -= 1
    if (this.run.sourcesLeft === 0) this.begin('completed', 'source-complete', true)
    this.finish(node)
  }

  /** Ends the flow after what is under way: the limit of elements is reached. */
  limitReached(): void {
    this.begin('completed', 'element-limit', true)
  }

  /** `drains`: aggregators and sinks are told the end (spec flows 4.4). */
  cancel(drains: boolean): void {
    if (this.kind === 'completed' && !drains) this.kind = 'cancelled'
    if (this.kind !== null && !drains) this.hurry()
    // Its sources are through already: what a pause held back may end now.
    if (this.kind === 'completed' && this.run.isPaused) this.goOn()
    this.begin('cancelled', 'operator', drains)
  }

  fail(failure: FlowFailure): void {
    if (!this.isOpen()) return
    this.failure = failure
    if (this.kind === null) {
      this.begin('failed', failure.error.message, false)
      return
    }
    // What a source gave before its end is not through: the end is not yet a good one.
    this.kind = 'failed'
    this.finishes = false
    this.drainEndsMs = this.run.nowMs + this.run.plan.timeouts.drainMs
    this.run.isPaused = false
    this.run.nextDutyMs = this.run.nowMs
  }

  /** Whether the flow may still fail, pause, replace stages: nobody ended it, though its sources may be exhausted. */
  isOpen(): boolean {
    return this.kind === null || this.kind === 'completed'
  }

  /** For a flow as a whole rather than one of its nodes. */
  failFlow(error: PaddockError, kind = 'internal'): void {
    this.fail({ node: null, function: null, sequence: null, case: kind, error: error.toReport() })
  }

  /** A sink did not take the end: what is complete elsewhere is not complete (spec flows 5.3). */
  incomplete(node: NodeState, error: ErrorReport, kind: string): void {
    if (this.kind !== 'completed') return
    this.kind = 'failed'
    this.failure = { node: node.plan.name, function: 'complete', sequence: null, case: kind, error }
  }

  /** Called at each turn of a node that nothing more comes to and nothing waits for. */
  inputsEnded(node: NodeState): void {
    if (node.isDone || node.wantsFlush || node.flushed !== null) return
    if (this.finishes && !node.isDead) {
      if (node.role === 'aggregator') {
        node.wantsFlush = true
        node.pending += 1
        return
      }
      if (node.role === 'sink') this.finisher.complete(node)
    }
    this.finish(node)
  }

  /** The node is through; its consumers are when all that leads to them is. */
  finish(node: NodeState): void {
    if (node.isDone) return
    node.isDone = true
    this.run.doneNodes += 1
    for (const edge of node.outputs) {
      edge.isClosed = true
      const { to } = edge
      to.openInputs -= 1
      if (to.openInputs === 0 && to.pending === 0) this.inputsEnded(to)
    }
  }

  /** The instance is gone for good: what waits for it is released at once (spec flows 7.2). */
  bury(node: NodeState): void {
    node.isDead = true
    this.queues.releaseInputs(node, 'drain')
    this.dropFlushed(node)
    node.wantsFlush = false
    node.pending = 0
    if (node.role === 'source' && !node.isDone) this.run.sourcesLeft -= 1
    this.finish(node)
  }

  /** The time for draining is over, or goes on where elements still get through. */
  drainIsDue(): void {
    const { run } = this
    // Elements of a source that ended by itself have all the time they need, as long as they move.
    if (this.kind === 'completed' && (run.settled !== this.settledBefore || run.isPaused)) {
      this.settledBefore = run.settled
      this.drainEndsMs = run.nowMs + run.plan.timeouts.drainMs
      return
    }
    this.drainEndsMs = Number.POSITIVE_INFINITY
    this.finishes = false
    let released = 0
    for (const node of run.graph.topological) {
      if (node.isDone) continue
      released += this.queues.releaseInputs(node, 'drain') + this.dropFlushed(node)
      node.wantsFlush = false
      node.pending = 0
    }
    for (const node of run.graph.topological) this.finish(node)
    if (this.kind !== 'completed') return
    this.kind = 'failed'
    const error = new PaddockError(
      'flow.drain_timeout',
      `Flow "${run.plan.flow}" did not get its last ${released} elements through within ${run.plan.timeouts.drainMs} ms.`,
      { details: { released } },
    )
    this.failure = {
      node: null,
      function: null,
      sequence: null,
      case: 'deadline-exceeded',
      error: error.toReport(),
    }
  }

  private begin(kind: EndKind, reason: string, finishes: boolean): void {
    if (this.kind !== null) return
    const { run } = this
    this.kind = kind
    this.reason = reason
    this.finishes = finishes
    this.settledBefore = run.settled
    if (kind !== 'completed') run.isPaused = false
    this.drainEndsMs = run.nowMs + run.plan.timeouts.drainMs
    run.reporter.move('draining', reason)
    for (const node of run.graph.consumers) {
      if (node.isPaused) node.notBefore = Math.min(node.notBefore, run.nowMs + drainProbeMs)
    }
    run.nextDutyMs = run.nowMs
    for (const node of run.graph.sources) {
      if (node.isDone) continue
      node.pending = 0
      this.finish(node)
    }
  }

  private goOn(): void {
    this.run.isPaused = false
    this.drainEndsMs = this.run.nowMs + this.run.plan.timeouts.drainMs
    this.run.nextDutyMs = this.run.nowMs
  }

  private hurry(): void {
    this.run.isPaused = false
    this.drainEndsMs = this.run.nowMs
    this.settledBefore = this.run.settled
    this.run.nextDutyMs = this.run.nowMs
  }

  private dropFlushed(node: NodeState): number {
    const { flushed } = node
    if (flushed === null) return 0
    let count = 0
    for (; node.nextFlushed < flushed.length; node.nextFlushed += 1) {
      flushed[node.nextFlushed]?.buffer.release()
      this.queues.count(node, 'drain')
      count += 1
    }
    node.flushed = null
    return count
  }
}
