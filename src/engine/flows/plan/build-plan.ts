import { PaddockError } from '../../../shared/errors.ts'
import type { FlowDefinition } from '../file/model.ts'
import type { PlanOptions, PlanResult, StageComponent } from './model.ts'

/** A component with the directory of its artifact. */
export interface CompiledStage {
  readonly component: StageComponent
  readonly artifactDirectory: string
}

/** The plan that the program of a flow runs, from a valid flow and its compiled components, by node. Pure. */
export function buildFlowPlan(
  flow: FlowDefinition,
  compiled: ReadonlyMap<string, CompiledStage>,
  options: PlanOptions,
): PlanResult {
  throw new PaddockError('internal.bug', `Not there yet: ${flow.name} ${compiled.size} ${options.traceId}`)
}
