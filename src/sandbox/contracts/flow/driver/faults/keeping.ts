/** Elements that go to the files for dead letters, one file for each node that has one (spec flows 9.2). */
import type { StageFault } from '../../stages/stage.ts'
import type { FlowRun } from '../flow-run.ts'
import type { FlowElement } from '../graph/element.ts'
import type { NodeState } from '../graph/node-state.ts'
import { DeadLetters } from './dead-letters.ts'
import { faultText } from './fault-text.ts'

export class Keeping {
  private readonly run: FlowRun
  private readonly letters = new Map<NodeState, DeadLetters>()

  constructor(run: FlowRun) {
    this.run = run
  }

  /** Writes the element down, or tells that it is lost. */
  keep(node: NodeState, element: FlowElement | null, fault: StageFault): void {
    const { deadLetter } = node.plan.errorPolicy
    if (element === null) return
    const { reporter, plan, buffers } = this.run
    const { name } = node.plan
    if (deadLetter === null) {
      reporter.event('component.dead_letter_lost', 'warn', name, 'The node has no file for dead letters.')
      return
    }
    let letters = this.letters.get(node)
    if (letters === undefined) {
      letters = new DeadLetters(deadLetter.path, deadLetter.maxBytes)
      this.letters.set(node, letters)
    }
    try {
      const kept = letters.write({
        flow: plan.flow,
        node: name,
        sequence: element.sequence,
        timestampNs: element.timestampNs,
        contentType: element.contentType,
        case: fault.case,
        message: faultText(name, 'call', element.sequence, fault),
        bytes: buffers.copyOut(element.buffer),
      })
      // Writing took time that is not the next call's.
      this.run.nowMs = this.run.clock.now()
      if (!kept)
        reporter.event('component.dead_letter_lost', 'warn', name, 'The file for dead letters is full.')
    } catch {
      reporter.event(
        'component.dead_letter_lost',
        'error',
        name,
        'The file for dead letters cannot be written.',
      )
    }
  }
}
