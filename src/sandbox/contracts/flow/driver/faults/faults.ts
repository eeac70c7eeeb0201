/** What becomes of an element and its flow when a stage fails (spec flows 9). */
import type { BasePolicy, FlowFailure, StageErrorCase } from '../../../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../../../shared/errors.ts'
import type { StageFault } from '../../stages/stage.ts'
import type { Ending } from '../ends/ending.ts'
import type { FlowRun } from '../flow-run.ts'
import type { FlowElement } from '../graph/element.ts'
import type { NodeState } from '../graph/node-state.ts'
import type { Queues } from '../graph/queues.ts'
import type { Replacements } from './replacements.ts'
import { ErrorBudget } from './error-budget.ts'
import { faultFailure, faultText } from './fault-text.ts'
import { Keeping } from './keeping.ts'

/** Waits of a source that has nothing now (spec flows 5.3). */
const firstBackoffMs = 1
const maxBackoffMs = 250

type Deed = Exclude<BasePolicy['kind'], 'retry'>

export interface FaultsParts {
  readonly run: FlowRun
  readonly queues: Queues
  readonly ending: Ending
  readonly replacements: Replacements
}

export class Faults {
  private readonly run: FlowRun
  private readonly queues: Queues
  private readonly ending: Ending
  private readonly replacements: Replacements
  private readonly keeping: Keeping
  private readonly budgets = new Map<NodeState, ErrorBudget>()

  constructor({ run, queues, ending, replacements }: FaultsParts) {
    this.run = run
    this.queues = queues
    this.ending = ending
    this.replacements = replacements
    this.keeping = new Keeping(run)
  }

  /**
   * A call of `node` failed. `element` is its current one, or null where none is at stake. `dead`: the instance is gone.
   * Answers whether the same call is to be made again.
   */
  handle(
    node: NodeState,
    element: FlowElement | null,
    call: string,
    fault: StageFault,
    dead: boolean,
  ): boolean {
    const { ending } = this
    const isIdle = node.role === 'source' && fault.case === 'unavailable' && !dead
    if (isIdle && node.circuit === null) {
      this.backOff(node)
      return true
    }
    this.note(node, element, call, fault, dead)
    const failure = faultFailure(node.plan.name, call, element?.sequence ?? null, fault, dead)
    if (this.isOverBudget(node)) this.tooMany(node)
    else if (dead || fault.case === 'fatal') return this.death(node, element, failure, fault)
    if (ending.kind === 'failed') return this.giveUp(node, element, 'skip', fault, failure)
    if (fault.case === 'unavailable' && node.circuit !== null) {
      const held = this.breaks(node, element, failure)
      if (held !== null) return held
    }
    if (isIdle) {
      this.backOff(node)
      return true
    }
    return this.byPolicy(node, element, fault, failure)
  }

  /** A source has nothing now: it is asked again in 1 ms, then in twice as much, to 250 ms. */
  backOff(node: NodeState): void {
    node.backoffMs = node.backoffMs === 0 ? firstBackoffMs : Math.min(maxBackoffMs, node.backoffMs * 2)
    node.notBefore = this.run.nowMs + node.backoffMs
  }

  /** A call went well. */
  succeed(node: NodeState): void {
    node.attempts = 0
    node.isRetrying = false
    if (node.circuit?.succeed() === true)
      this.run.reporter.event(
        'component.circuit_closed',
        'info',
        node.plan.name,
        'The circuit is closed again.',
      )
  }

  private byPolicy(
    node: NodeState,
    element: FlowElement | null,
    fault: StageFault,
    failure: FlowFailure,
  ): boolean {
    const { base, perCase } = node.plan.errorPolicy
    const own = perCase[fault.case]
    if (own !== undefined) return this.giveUp(node, element, own, fault, failure)
    if (base.kind !== 'retry') return this.giveUp(node, element, base.kind, fault, failure)
    if (this.mayRetry(node, fault.case, base.max)) {
      node.attempts += 1
      node.isRetrying = true
      const waitMs = Math.min(base.maxBackoffMs, base.backoffMs * base.factor ** (node.attempts - 1))
      node.notBefore = this.run.nowMs + waitMs
      return true
    }
    return this.giveUp(node, element, base.then, fault, failure)
  }

  private mayRetry(node: NodeState, kind: StageErrorCase, max: number): boolean {
    if (kind === 'invalid-input') return false
    return node.attempts < (kind === 'deadline-exceeded' ? Math.min(1, max) : max)
  }

  /** No further try. Answers whether a source is asked again. */
  private giveUp(
    node: NodeState,
    element: FlowElement | null,
    deed: Deed,
    fault: StageFault,
    failure: FlowFailure,
  ): boolean {
    node.attempts = 0
    node.isRetrying = false
    if (deed === 'log')
      this.run.reporter.event('component.error', 'warn', node.plan.name, failure.error.message)
    if (deed === 'dead-letter') this.keeping.keep(node, element, fault)
    if (element !== null) {
      this.queues.lose(node, element, 'error')
      if (deed !== 'fail-fast') this.queues.skipNumber(node)
    }
    if (deed === 'fail-fast') this.ending.fail(failure)
    // Nothing was lost by it, but asking at once again and again would help nobody.
    else if (node.role === 'source') this.backOff(node)
    return node.role === 'source'
  }

  /** An instance that is dead, or an answer `fatal` that makes it so (spec flows 9.1, 9.5). */
  private death(
    node: NodeState,
    element: FlowElement | null,
    failure: FlowFailure,
    fault: StageFault,
  ): boolean {
    const { ending, run } = this
    const isFuel = fault.case === 'deadline-exceeded'
    if (!ending.isOpen()) {
      if (element !== null) this.queues.lose(node, element, 'error')
      ending.bury(node)
      return false
    }
    if (isFuel) {
      const again = this.byPolicy(node, element, fault, failure)
      if (!ending.isOpen()) {
        ending.bury(node)
        return false
      }
      return this.revive(node, failure) && again
    }
    if (!this.replacements.mayReplace(node)) {
      if (element !== null) this.queues.lose(node, element, 'error')
      // First, so that the reason stands before consumers see the end.
      ending.fail(failure)
      ending.bury(node)
      return false
    }
    if (node.plan.errorPolicy.deadLetter !== null) this.keeping.keep(node, element, fault)
    if (element !== null) {
      this.queues.lose(node, element, 'error')
      this.queues.skipNumber(node)
    }
    run.reporter.event('component.terminated', 'warn', node.plan.name, failure.error.message)
    return this.revive(node, failure)
  }

  private revive(node: NodeState, failure: FlowFailure): boolean {
    const refused = this.replacements.replace(node)
    if (refused === null) return true
    this.ending.fail({ ...failure, error: refused })
    this.ending.bury(node)
    return false
  }

  /** The circuit's say; null where the policy decides. */
  private breaks(node: NodeState, element: FlowElement | null, failure: FlowFailure): boolean | null {
    const { run } = this
    const { circuit } = node
    if (circuit === null) return null
    const { onOpen } = circuit.plan
    const opened = circuit.fail(run.nowMs)
    if (opened) {
      const waitMs = Math.round(circuit.opensUntilMs - run.nowMs)
      run.reporter.event(
        'component.circuit_open',
        'warn',
        node.plan.name,
        `The circuit is open for ${waitMs} ms.`,
      )
    }
    if (opened && onOpen === 'fail') {
      if (element !== null) this.queues.lose(node, element, 'error')
      const error = new PaddockError(
        'stage.circuit_open',
        `The circuit of stage "${node.plan.name}" opened: ${failure.error.message}`,
      )
      this.ending.fail({ ...failure, error: error.toReport() })
      return false
    }
    if (onOpen === 'hold' || node.role === 'source') {
      // What is held is tried again, so that nothing is lost while the circuit decides.
      node.isRetrying = true
      if (opened) node.notBefore = circuit.opensUntilMs
      else this.backOff(node)
      return true
    }
    if (!opened) return null
    if (element !== null) this.queues.lose(node, element, 'error')
    return false
  }

  private note(
    node: NodeState,
    element: FlowElement | null,
    call: string,
    fault: StageFault,
    dead: boolean,
  ): void {
    const { run } = this
    const { name } = node.plan
    node.meter.addError(fault.case)
    run.errors += 1
    if (fault.case === 'deadline-exceeded') node.meter.timeouts += 1
    if (run.traces) run.spans.promote(run.nowMs)
    const isTime = fault.case === 'deadline-exceeded'
    const event = dead
      ? isTime
        ? 'component.fuel_exhausted'
        : 'component.trap'
      : isTime
        ? 'component.timeout'
        : 'component.error'
    const level = dead ? 'error' : 'debug'
    run.reporter.event(event, level, name, faultText(name, call, element?.sequence ?? null, fault))
  }

  private isOverBudget(node: NodeState): boolean {
    const max = node.plan.errorPolicy.maxErrorsPerMinute
    if (max === null) return false
    let budget = this.budgets.get(node)
    if (budget === undefined) {
      budget = new ErrorBudget(max)
      this.budgets.set(node, budget)
    }
    return budget.add(this.run.nowMs)
  }

  private tooMany(node: NodeState): void {
    const { name, errorPolicy } = node.plan
    const error = new PaddockError(
      'flow.too_many_errors',
      `Stage "${name}" failed more than ${errorPolicy.maxErrorsPerMinute ?? 0} times in 60 s.`,
    )
    this.ending.fail({
      node: name,
      function: null,
      sequence: null,
      case: 'internal',
      error: error.toReport(),
    })
  }
}
