import type { CompiledLimits } from '../../../shared/compiler/protocol.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { FlowDefinition, NodeDefinition } from '../file/model.ts'
import type { FlowJudgement, JudgeOptions, StageComponent } from './model.ts'

/** Judges a flow with its inspected components, by node; before anything is compiled (spec flows 3.1). Pure. */
export function judgeFlow(
  flow: FlowDefinition,
  components: ReadonlyMap<string, StageComponent>,
  options: JudgeOptions = {},
): FlowJudgement {
  throw new PaddockError(
    'internal.bug',
    `Not there yet: ${flow.name} ${components.size} ${String(options.granted)}`,
  )
}

/** What is compiled into the artifact of a node's component (spec flows 10.1). */
export function stageLimits(node: NodeDefinition, component: StageComponent): CompiledLimits {
  throw new PaddockError('internal.bug', `Not there yet: ${node.name} ${String(component.ok)}`)
}
