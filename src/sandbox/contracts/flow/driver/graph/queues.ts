/** Elements on their way between nodes: queues, their policies, and back-pressure (spec flows 5.6, 6). */
import { PaddockError } from '../../../../../shared/errors.ts'
import type { FlowRun } from '../flow-run.ts'
import type { FlowElement } from './element.ts'
import type { EdgeState, NodeState } from './node-state.ts'
import type { DropReason } from '../metrics/node-meter.ts'

export class Queues {
  private readonly run: FlowRun

  constructor(run: FlowRun) {
    this.run = run
  }

  /** Hands one element to every edge; all share its bytes. False when an edge of policy `error` had no room for it. */
  emit(edges: readonly EdgeState[], element: FlowElement): boolean {
    let taken = true
    for (let place = edges.length - 1; place > 0; place -= 1) {
      const edge = edges[place]
      if (edge !== undefined && !this.put(edge, element.share())) taken = false
    }
    const first = edges[0]
    if (first === undefined) {
      element.buffer.release()
      return taken
    }
    return this.put(first, element) && taken
  }

  /** The oldest of all inputs, by its number (spec flows 5.2); it becomes the node's current element. */
  take(node: NodeState): FlowElement {
    const { inputs } = node
    let edge = inputs[0]
    if (inputs.length > 1) edge = this.oldestInput(node) ?? undefined
    if (edge === undefined)
      throw new PaddockError('internal.bug', `Node "${node.plan.name}" has nothing to take.`)
    const element = this.shift(edge)
    if (edge.intervalMs > 0) edge.nextTakeMs = Math.max(this.run.nowMs, edge.nextTakeMs + edge.intervalMs)
    if (edge.isPressed && edge.length <= edge.low && !node.isPaused) this.release(edge)
    node.current = element
    return element
  }

  /** The input with the lowest number at its head, or null. */
  oldestInput({ inputs }: NodeState): EdgeState | null {
    let oldest: EdgeState | null = null
    let lowest = Number.POSITIVE_INFINITY
    for (const edge of inputs) {
      const head = edge.peek()
      if (head === null || head.sequence >= lowest) continue
      lowest = head.sequence
      oldest = edge
    }
    return oldest
  }

  /** The node is through with its current element. */
  settle(node: NodeState): void {
    node.current = null
    node.pending -= 1
    node.attempts = 0
    node.isRetrying = false
    this.run.queued -= 1
    this.run.settled += 1
  }

  /** The node's current element goes no further. */
  lose(node: NodeState, element: FlowElement, reason: DropReason): void {
    this.settle(node)
    this.count(node, reason)
    element.buffer.release()
  }

  /** A gap for the consumers of an element that was lost where one comes out for each that goes in (spec flows 5.4). */
  skipNumber({ outputs, role }: NodeState): void {
    if (role === 'aggregator') return
    for (let place = 0; place < outputs.length; place += 1) {
      const to = outputs[place]?.to
      if (to !== undefined) to.nextSequence += 1
    }
  }

  press(edge: EdgeState): void {
    if (edge.isPressed) return
    const { from } = edge
    edge.isPressed = true
    edge.pressures += 1
    edge.pressedSinceMs = this.run.nowMs
    edge.hasRefused = false
    if (from.plan.fanOut === 'together') {
      if (edge.blocks) from.blocked += 1
      else if (edge.refuses) from.refused += 1
    }
    this.told(from, 1)
    if (this.run.diagnoses) this.tell(edge, 'backpressure.activated')
  }

  release(edge: EdgeState): void {
    if (!edge.isPressed) return
    const { from } = edge
    edge.isPressed = false
    edge.pressedMs += this.run.nowMs - edge.pressedSinceMs
    if (from.plan.fanOut === 'together') {
      if (edge.blocks) from.blocked -= 1
      else if (edge.refuses) from.refused -= 1
    }
    this.told(from, -1)
    if (this.run.diagnoses) this.tell(edge, 'backpressure.deactivated')
  }

  /** Ends the pressure on inputs that are low enough. */
  relieve({ inputs }: NodeState): void {
    for (const edge of inputs) if (edge.isPressed && edge.length <= edge.low) this.release(edge)
  }

  /** Lets go of everything that waits for the node; answers how much. */
  releaseInputs(node: NodeState, reason: DropReason): number {
    let count = 0
    if (node.current !== null) {
      this.lose(node, node.current, reason)
      count += 1
    }
    for (const edge of node.inputs) {
      while (edge.length > 0) {
        this.discard(edge, this.shift(edge), reason)
        count += 1
      }
      this.release(edge)
    }
    return count
  }

  count(node: NodeState, reason: DropReason): void {
    node.meter.addDrop(reason)
    this.run.dropped += 1
  }

  private put(edge: EdgeState, element: FlowElement): boolean {
    const { run } = this
    const { to } = edge
    // Numbered as it comes, so that what a policy drops leaves a gap that can be seen.
    element.sequence = to.nextSequence
    to.nextSequence += 1
    to.meter.elementsIn += 1
    edge.transferred += 1
    if (to.isDone) {
      this.count(to, 'drain')
      edge.dropped += 1
      element.buffer.release()
      return true
    }
    run.queued += 1
    to.pending += 1
    if (edge.length >= edge.capacity && !this.makeRoom(edge, element)) return !edge.refuses
    element.queuedMs = run.nowMs
    edge.push(element)
    if (run.queued > run.bound)
      throw new PaddockError('internal.bug', `More than ${run.bound} elements are in flight.`)
    if (!edge.isPressed && edge.length >= edge.capacity) this.press(edge)
    return true
  }

  /** What becomes of an element for a full queue (spec flows 6.3). True when it can be put now. */
  private makeRoom(edge: EdgeState, element: FlowElement): boolean {
    switch (edge.plan.policy) {
      case 'drop-oldest':
        this.discard(edge, edge.shift(), 'oldest')
        return true
      case 'drop-newest':
        this.discard(edge, element, 'newest')
        return false
      case 'error':
        this.discard(edge, element, 'error')
        return false
      case 'block-producer':
        if (edge.outbox !== null)
          throw new PaddockError('internal.bug', `The outbox of edge ${edge.index} overflowed.`)
        edge.outbox = element
        edge.from.blocked += 1
        return false
    }
  }

  /** Takes the oldest and lets what was held back follow. */
  private shift(edge: EdgeState): FlowElement {
    const element = edge.shift()
    edge.waitedMs += this.run.nowMs - element.queuedMs
    const { outbox } = edge
    if (outbox !== null) {
      edge.outbox = null
      edge.from.blocked -= 1
      edge.push(outbox)
    }
    return element
  }

  private discard(edge: EdgeState, element: FlowElement, reason: DropReason): void {
    edge.to.pending -= 1
    this.run.queued -= 1
    edge.dropped += 1
    this.count(edge.to, reason)
    element.buffer.release()
  }

  private told(from: NodeState, change: number): void {
    if (from.role !== 'source') return
    from.pressedOutputs += change
    from.mayTell = true
    this.run.mustTell = true
  }

  private tell(edge: EdgeState, event: string): void {
    const { from, port, to } = edge.plan
    this.run.reporter.event(
      event,
      'debug',
      from,
      `Queue from ${from}.${port} to ${to}: ${edge.length} of ${edge.capacity}.`,
    )
  }
}
