/** One edge of a running flow: a ring of elements that is allocated once (spec flows 6). */
import type { FlowEdge } from '../../../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../../../shared/errors.ts'
import type { FlowElement } from './element.ts'

const msPerSecond = 1_000

/** `Node` is the state of a node, which knows its edges in turn. */
export class EdgeRing<Node> {
  readonly index: number
  readonly plan: FlowEdge
  readonly from: Node
  readonly to: Node
  readonly capacity: number
  /** Back-pressure ends at this length or below (spec flows 6.2). */
  readonly low: number
  /** Milliseconds between elements taken, 0 without a limit. */
  readonly intervalMs: number
  /** Whether it holds its producer up. */
  readonly blocks: boolean
  /** Whether a full queue is an error of its producer. */
  readonly refuses: boolean
  /** Its producer goes on past it, with one element held back here (spec flows 5.6, 6.3). */
  outbox: FlowElement | null = null
  length = 0
  peakDepth = 0
  transferred = 0
  dropped = 0
  isClosed = false
  isPressed = false
  pressures = 0
  pressedMs = 0
  pressedSinceMs = 0
  waitedMs = 0
  /** The rate limit lets nothing through before this. */
  nextTakeMs = 0
  /** Whether the producer was told of this episode of pressure (policy `error`). */
  hasRefused = false
  private readonly ring: (FlowElement | null)[]
  private head = 0

  constructor(index: number, plan: FlowEdge, from: Node, to: Node) {
    this.index = index
    this.plan = plan
    this.from = from
    this.to = to
    this.capacity = plan.capacity
    this.low = Math.floor(plan.capacity * plan.lowWatermarkRatio)
    this.intervalMs = plan.rateLimit === null ? 0 : msPerSecond / plan.rateLimit
    this.blocks = plan.policy === 'block-producer'
    this.refuses = plan.policy === 'error'
    this.ring = new Array<FlowElement | null>(plan.capacity).fill(null)
  }

  get isFull(): boolean {
    return this.length >= this.capacity
  }

  /** Puts at the end. Throws `internal.bug` when full: readiness must prevent it. */
  push(element: FlowElement): void {
    if (this.length >= this.capacity)
      throw new PaddockError('internal.bug', `The queue of edge ${this.index} overflowed.`)
    let place = this.head + this.length
    if (place >= this.capacity) place -= this.capacity
    this.ring[place] = element
    this.length += 1
    if (this.length > this.peakDepth) this.peakDepth = this.length
  }

  /** The oldest, or null when empty. */
  peek(): FlowElement | null {
    return this.length === 0 ? null : (this.ring[this.head] ?? null)
  }

  /** Takes the oldest. Throws `internal.bug` when empty. */
  shift(): FlowElement {
    const element = this.ring[this.head] ?? null
    if (this.length === 0 || element === null)
      throw new PaddockError('internal.bug', `The queue of edge ${this.index} is empty.`)
    this.ring[this.head] = null
    this.head += 1
    if (this.head === this.capacity) this.head = 0
    this.length -= 1
    return element
  }
}
