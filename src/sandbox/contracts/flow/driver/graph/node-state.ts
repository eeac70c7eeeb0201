/** One node of a running flow: its instance, and all that decides whether it is its turn (spec flows 5.2). */
import type { FlowNode, StageRole } from '../../../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../../../shared/errors.ts'
import type { Stage, StageOutput } from '../../stages/stage.ts'
import type { Circuit } from '../faults/circuit.ts'
import type { NodeContext } from '../node-context.ts'
import type { NodeMeter } from '../metrics/node-meter.ts'
import type { EdgeRing } from './edge-state.ts'
import type { FlowElement } from './element.ts'

export type EdgeState = EdgeRing<NodeState>

export class NodeState {
  readonly index: number
  readonly plan: FlowNode
  readonly role: StageRole
  readonly context: NodeContext
  readonly meter: NodeMeter
  readonly circuit: Circuit | null
  readonly inputs: EdgeState[] = []
  /** All of them, in the plan's order. */
  readonly outputs: EdgeState[] = []
  /** Of a router, by port. */
  readonly ports = new Map<string, EdgeState[]>()
  /** Longer calls than this come too late, in milliseconds; infinite without a limit. */
  readonly callMs: number

  /** Elements queued for it or held by it; for a source whether, or how many, it may yet give. It is its turn only above 0. */
  pending = 0
  /** Outgoing edges that cannot take one more. */
  blocked = 0
  /** Outgoing edges of policy `error` under pressure. */
  refused = 0
  /** Gate, back-off, credit: not called before this. */
  notBefore = 0
  /** Inputs under a rate limit. */
  isRated = false
  /** Outgoing edges under back-pressure, of a source. */
  pressedOutputs = 0
  /** What a source was told last, and whether it may have to be told. */
  toldPause = false
  mayTell = false
  /** The number of the next element accepted for it. */
  nextSequence = 0
  openInputs = 0

  /** Taken out of its queue and not yet dealt with: it is tried again. */
  current: FlowElement | null = null
  attempts = 0
  /** Wait before the next try of a source that has nothing now, or of a sink that paused. */
  backoffMs = 0
  probeMs = 0
  isPaused = false
  isRetrying = false
  /** A source that answered none while told to pause. */
  awaitsReady = false
  /** What `flush` answered and is not yet handed on. */
  flushed: readonly StageOutput[] | null = null
  nextFlushed = 0
  /** `flush` is to be called (again). */
  wantsFlush = false
  /** Of the newest element ingested. */
  newestNs = 0n
  newestPulledNs = 0
  newestTraced = false

  isInitialised = false
  isDead = false
  isDone = false
  private instance: Stage | null = null

  constructor(
    index: number,
    plan: FlowNode,
    parts: { context: NodeContext; meter: NodeMeter; circuit: Circuit | null },
  ) {
    this.index = index
    this.plan = plan
    this.role = plan.role
    this.context = parts.context
    this.meter = parts.meter
    this.circuit = parts.circuit
    this.callMs = plan.callMs === 0 ? Number.POSITIVE_INFINITY : plan.callMs
    this.probeMs = plan.pauseProbeMs[0]
  }

  get stage(): Stage {
    if (this.instance === null)
      throw new PaddockError('internal.bug', `Node "${this.plan.name}" has no stage.`)
    return this.instance
  }

  set stage(stage: Stage) {
    this.instance = stage
  }

  get hasStage(): boolean {
    return this.instance !== null
  }
}
