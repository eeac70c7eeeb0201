/** From a valid flow and its compiled components to the plan that its program runs (spec flows 4.2). */
import nodePath from 'node:path'
import {
  flowPlanSchema,
  type ErrorPolicy,
  type FlowNode,
  type FlowPlan,
} from '../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { rolesOfEnd } from '../file/host-end.ts'
import type { FlowDefinition, NodeDefinition, PolicyDefinition } from '../file/model.ts'
import { errorsFirst, Problems } from '../file/reading/problems.ts'
import { defaultLinearBytes } from '../file/graph/view.ts'
import { judgeFlow } from './judge-flow.ts'
import type { JudgedStage, PlanOptions, PlanResult, StageComponent } from './model.ts'

/** A component with the directory of its artifact. */
export interface CompiledStage {
  readonly component: StageComponent
  readonly artifactDirectory: string
}

/** Where elements are kept that nobody could handle, unless the flow names a file. */
const deadLetterFile = 'dead-letters.ndjson'

/** The plan that the program of a flow runs, from a valid flow and its compiled components, by node. Pure. */
export function buildFlowPlan(
  flow: FlowDefinition,
  compiled: ReadonlyMap<string, CompiledStage>,
  options: PlanOptions,
): PlanResult {
  const components = new Map([...compiled].map(([name, { component }]) => [name, component]))
  const { problems, stages } = judgeFlow(flow, components, options)
  const own = new Problems(() => ({ file: flow.file, line: null, column: null }))
  reportStrayConfigs(flow, options, own)
  const all = errorsFirst([...problems, ...own.all])
  if (stages === null || own.errors > 0) return { plan: null, problems: all }
  const nodes = flow.nodes.map((node) => planNode(node, flow, stages, compiled, options))
  return { plan: checked(planFlow(flow, nodes, options)), problems: all }
}

/** A config for a node that is not there was meant for one. */
function reportStrayConfigs(flow: FlowDefinition, { configs = {} }: PlanOptions, problems: Problems): void {
  for (const name of Object.keys(configs)) {
    if (flow.nodes.some((node) => node.name === name)) continue
    const names = flow.nodes.map((node) => node.name).join(', ')
    problems.add('E0703', [], `There is no node "${name}" in flow "${flow.name}" to configure.`, {
      node: name.slice(0, 64),
      expected: `one of ${names}`,
      found: name,
      help: `Name one of ${names}.`,
    })
  }
}

function planNode(
  node: NodeDefinition,
  flow: FlowDefinition,
  stages: ReadonlyMap<string, JudgedStage>,
  compiled: ReadonlyMap<string, CompiledStage>,
  { configs = {}, directory }: PlanOptions,
): FlowNode {
  const stage = stages.get(node.name)
  const artifactDirectory = compiled.get(node.name)?.artifactDirectory
  return {
    name: node.name,
    role: stage?.role ?? hostRole(node),
    body:
      stage === undefined || artifactDirectory === undefined
        ? { kind: 'host' }
        : {
            kind: 'component',
            artifactDirectory,
            exports: [...stage.exports],
            imports: [...stage.imports],
            grants: [...stage.grants],
          },
    config: (Object.hasOwn(configs, node.name) ? configs[node.name] : undefined) ?? node.config,
    fuel: node.fuel,
    memoryBytes: stage?.memoryBytes ?? node.memoryBytes ?? defaultLinearBytes,
    bufferBytes: node.bufferBytes,
    priority: node.priority,
    callMs: node.callMs,
    errorPolicy: planPolicy(node.errorPolicy, directory),
    circuit: node.circuit,
    ports: node.ports === null ? null : [...node.ports],
    pauseProbeMs: node.pauseProbeMs,
    fanOut: node.fanOut,
  }
}

/** The role of an end, which was judged before. */
function hostRole({ name, role, component }: NodeDefinition): FlowNode['role'] {
  const [only] = component.kind === 'host' ? rolesOfEnd(component.end) : []
  const known = role ?? only
  if (known === undefined) throw new PaddockError('internal.bug', `The role of "${name}" is not known.`)
  return known
}

function planPolicy(
  { base, perCase, deadLetter, maxErrorsPerMinute }: PolicyDefinition,
  directory: string,
): ErrorPolicy {
  return {
    base,
    perCase: { ...perCase },
    deadLetter:
      deadLetter === null
        ? null
        : {
            path: nodePath.join(directory, deadLetter.path ?? deadLetterFile),
            maxBytes: deadLetter.maxBytes,
          },
    maxErrorsPerMinute,
  }
}

function planFlow(flow: FlowDefinition, nodes: FlowNode[], options: PlanOptions): FlowPlan {
  const { observability } = flow.settings
  const { deadlineMs, drainMs, cancelMs, initMs, teardownMs } = flow.timeouts
  const level = options.level ?? observability.level
  const rate = options.traceRate ?? (observability.tracingEnabled ? observability.tracingSampleRate : 0)
  const isTraced = level !== 'off' && (observability.tracingEnabled || rate > 0)
  return {
    flow: flow.name,
    traceId: isTraced ? options.traceId : '',
    nodes,
    edges: flow.edges.map(({ from, port, to, capacity, policy, lowWatermarkRatio, rateLimit }) => ({
      from,
      port,
      to,
      capacity,
      policy,
      lowWatermarkRatio,
      rateLimit,
    })),
    priority: flow.priority,
    timeouts: { deadlineMs, drainMs, cancelMs, initMs, teardownMs },
    restart: flow.restart,
    level,
    traceRate: isTraced ? rate : 0,
    elementLimit: options.elementLimit ?? null,
  }
}

/** Whatever the file said, the program gets only what it knows. */
function checked(plan: FlowPlan): FlowPlan {
  const result = flowPlanSchema.safeParse(plan)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new PaddockError(
    'internal.bug',
    `The plan of flow "${plan.flow}" is wrong at ${issue?.path.join('.') ?? '?'}.`,
    {
      cause: result.error,
    },
  )
}
