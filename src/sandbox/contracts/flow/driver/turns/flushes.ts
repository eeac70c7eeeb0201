/** The end of an aggregator: `flush`, and what it answered handed on one by one (spec flows 5.3, 7.1). */
import type { Ending } from '../ends/ending.ts'
import type { Faults } from '../faults/faults.ts'
import { queueFull } from '../faults/fault-text.ts'
import type { FlowRun } from '../flow-run.ts'
import { FlowElement } from '../graph/element.ts'
import type { NodeState } from '../graph/node-state.ts'
import type { Queues } from '../graph/queues.ts'
import type { StageCalls } from './stage-calls.ts'

export interface TurnsParts {
  readonly run: FlowRun
  readonly queues: Queues
  readonly calls: StageCalls
  readonly faults: Faults
  readonly ending: Ending
}

export class Flushes {
  private readonly run: FlowRun
  private readonly queues: Queues
  private readonly calls: StageCalls
  private readonly faults: Faults
  private readonly ending: Ending

  constructor({ run, queues, calls, faults, ending }: TurnsParts) {
    this.run = run
    this.queues = queues
    this.calls = calls
    this.faults = faults
    this.ending = ending
  }

  /** Calls `flush`. */
  flush(node: NodeState): void {
    const outcome = this.calls.flush(node)
    const fault = this.calls.fault(node, outcome)
    if (fault === null) {
      node.wantsFlush = false
      node.flushed = [...node.stage.outputs]
      node.nextFlushed = 0
      if (node.flushed.length === 0) this.flushedAll(node)
      return
    }
    if (outcome === 'flushed') for (const { buffer } of node.stage.outputs) buffer.release()
    const again = this.faults.handle(node, null, 'flush', fault, outcome === 'trap')
    // A new instance knows nothing that it could flush.
    if (again && outcome !== 'trap') return
    if (node.wantsFlush) this.flushedAll(node)
  }

  /** Hands on one of what `flush` answered. */
  handOn(node: NodeState): void {
    const output = node.flushed?.[node.nextFlushed]
    if (output === undefined) {
      this.flushedAll(node)
      return
    }
    node.nextFlushed += 1
    const contentType = output.contentType === '' ? output.buffer.contentTypeHint : output.contentType
    const element = new FlowElement(
      node.newestNs,
      contentType,
      output.buffer,
      node.newestPulledNs,
      node.newestTraced,
      this.run.call,
    )
    node.meter.elementsOut += 1
    if (!this.queues.emit(node.outputs, element)) this.faults.handle(node, null, 'flush', queueFull, false)
    if (node.nextFlushed === node.flushed?.length) this.flushedAll(node)
  }

  private flushedAll(node: NodeState): void {
    node.flushed = null
    node.wantsFlush = false
    node.pending -= 1
    this.ending.finish(node)
  }
}
