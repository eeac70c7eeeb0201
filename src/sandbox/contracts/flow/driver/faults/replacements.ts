/** New instances in place of dead ones (spec flows 9.5). */
import type { FlowNode, StageErrorCase } from '../../../../../shared/contracts/flow.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../../../../shared/errors.ts'
import type { Stage } from '../../stages/stage.ts'
import { cleanMessage } from './fault-text.ts'
import type { FlowRun } from '../flow-run.ts'
import type { NodeState } from '../graph/node-state.ts'
import type { NodeContext } from '../node-context.ts'
import type { StageCalls } from '../turns/stage-calls.ts'

/** Why a stage did not start (spec flows 4.3). */
export interface Refusal {
  readonly kind: StageErrorCase
  readonly error: ErrorReport
}

export type StageFactory = (node: FlowNode, context: NodeContext) => Stage

export class Replacements {
  private readonly run: FlowRun
  private readonly calls: StageCalls
  private readonly createStage: StageFactory
  /** When instances were replaced, by node. */
  private readonly times = new Map<NodeState, number[]>()

  constructor(run: FlowRun, calls: StageCalls, createStage: StageFactory) {
    this.run = run
    this.calls = calls
    this.createStage = createStage
  }

  /** Whether a stage that trapped is to be replaced; counts it. */
  mayReplace(node: NodeState): boolean {
    const { mode, max, windowMs } = this.run.plan.restart
    if (mode !== 'on-trap') return false
    const { nowMs } = this.run
    const recent = (this.times.get(node) ?? []).filter((time) => nowMs - time < windowMs)
    if (recent.length >= max) return false
    recent.push(nowMs)
    this.times.set(node, recent)
    return true
  }

  /** Puts a new, initialised instance in the place of the dead one. Answers why not. */
  replace(node: NodeState): ErrorReport | null {
    const { run } = this
    const { name } = node.plan
    this.retire(node)
    try {
      this.create(node)
    } catch (error) {
      return toErrorReport(error)
    }
    const refusal = this.initialise(node)
    if (refusal !== null) return refusal.error
    node.meter.restarts += 1
    run.reporter.event(
      'component.instantiated',
      'warn',
      name,
      'The stage was replaced; what it kept in memory is lost.',
    )
    return null
  }

  /** Instantiates. Throws `sandbox.*`. */
  create(node: NodeState): void {
    node.stage = this.createStage(node.plan, node.context)
    node.stage.recordsCopies = this.run.diagnoses
    node.isInitialised = false
  }

  /** Calls `init`, where the stage has one. Answers why it did not start (spec flows 4.3). */
  initialise(node: NodeState): Refusal | null {
    const { stage, plan } = node
    if (stage.hasLifecycle) {
      const { initMs } = this.run.plan.timeouts
      const outcome = this.calls.init(node, initMs)
      const late = this.calls.tookMs > initMs && initMs > 0
      if (outcome === 'error' || outcome === 'trap' || late) {
        const fault = stage.error
        const kind = late && fault === null ? 'deadline-exceeded' : (fault?.case ?? 'internal')
        const message = late && fault === null ? `init took longer than ${initMs} ms` : (fault?.message ?? '')
        if (outcome === 'trap') node.isDead = true
        const trap = fault?.trap ?? null
        const error = new PaddockError(
          'stage.refused',
          `Stage "${plan.name}" refused to start: ${kind}: ${cleanMessage(message)}`,
          { details: { code: 'E0942', node: plan.name, case: kind, ...(trap === null ? {} : { trap }) } },
        )
        return { kind, error: error.toReport() }
      }
    }
    node.isInitialised = true
    return null
  }

  private retire(node: NodeState): void {
    const { stage, meter } = node
    const { copies, copyBytes, fuelUsed } = stage.counters
    meter.formerCopies += copies
    meter.formerCopyBytes += copyBytes
    meter.formerFuel += fuelUsed
    stage.reclaim()
  }
}
