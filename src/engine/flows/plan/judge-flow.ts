/** Judges a flow with the components of its nodes, group after group, before anything is compiled (spec flows 3.1). */
import type { CompiledLimits } from '../../../shared/compiler/protocol.ts'
import { defaultLimits } from '../../../shared/domain/limits.ts'
import { checkGraph } from '../file/graph/rules.ts'
import { defaultLinearBytes, flowGraph } from '../file/graph/view.ts'
import type { FlowDefinition, NodeDefinition } from '../file/model.ts'
import { errorsFirst, Problems } from '../file/reading/problems.ts'
import { asksOf, grantsOf } from './asks.ts'
import { reportFullQueues } from './budgets.ts'
import { checkGrants } from './check-grants.ts'
import { checkImports } from './check-imports.ts'
import { checkRoles } from './check-roles.ts'
import type { FlowJudgement, JudgedStage, JudgeOptions, StageComponent } from './model.ts'

/** Linear memory of a JavaScript guest that nothing else is said of (spec flows 16). */
const javaScriptLinearBytes = 64 * 1_048_576
/** A component of this size brings its own JavaScript engine; compiled stages are far smaller (spec flows 14). */
const javaScriptBytes = 1_048_576

/**
 * Judges a flow whose file is right with its inspected components, by node. A group of rules is looked at whole; after
 * an error the groups behind it are not. What the file itself was warned of is not repeated. Pure.
 */
export function judgeFlow(
  flow: FlowDefinition,
  components: ReadonlyMap<string, StageComponent>,
  options: JudgeOptions = {},
): FlowJudgement {
  const problems = new Problems((path) => ({
    file: flow.file,
    ...(flow.locate(path) ?? { line: null, column: null }),
  }))
  const worlds = reportUnusable(flow, components, problems)
  let judged = flow
  const groups: (() => void)[] = [
    () => {
      judged = checkRoles(flow, worlds, problems)
    },
    () => recheckGraph(flow, judged, problems),
    () => checkImports(judged, worlds, problems),
    () => checkGrants(judged, worlds, options.granted, problems),
    () => reportFullQueues(judged, options, problems),
  ]
  for (const group of groups) if (problems.errors === 0) group()
  return {
    problems: errorsFirst(problems.all),
    graph: flowGraph(judged),
    stages: problems.errors === 0 ? stagesOf(judged, components, options) : null,
    asks: asksOf(flow),
  }
}

type Worlds = ReadonlyMap<string, Extract<StageComponent, { ok: true }>>

/** The components that can be read, by node; reports the others. */
function reportUnusable(
  flow: FlowDefinition,
  components: ReadonlyMap<string, StageComponent>,
  problems: Problems,
): Worlds {
  const usable = new Map<string, Extract<StageComponent, { ok: true }>>()
  for (const { name, component, source } of flow.nodes) {
    if (component.kind === 'host') continue
    const found = components.get(name)
    if (found?.ok === true) {
      usable.set(name, found)
      continue
    }
    const reason = found === undefined ? 'it was not read.' : found.error.message
    problems.add(
      'E0204',
      ['flow', flow.name, 'nodes', name, 'component'],
      `The component of "${name}" cannot be used: ${reason}`,
      {
        node: name,
        expected: 'a component that can be read',
        found: source,
        help: found === undefined ? 'Check the component again.' : found.error.remedy,
      },
    )
  }
  return usable
}

/** Asks the rules for the graph again, now that every role is known; what they said before is not repeated. */
function recheckGraph(before: FlowDefinition, after: FlowDefinition, problems: Problems): void {
  const told = new Problems(() => ({ file: before.file, line: null, column: null }))
  checkGraph(before, told)
  const known = new Set(told.all.map(({ code, message }) => `${code} ${message}`))
  checkGraph(after, {
    add: (code, path, message, facts) => {
      if (!known.has(`${code} ${message}`)) problems.add(code, path, message, facts)
    },
  })
}

function stagesOf(
  flow: FlowDefinition,
  components: ReadonlyMap<string, StageComponent>,
  { granted }: JudgeOptions,
): Map<string, JudgedStage> {
  const stages = new Map<string, JudgedStage>()
  for (const node of flow.nodes) {
    const component = components.get(node.name)
    if (component?.ok !== true || node.role === null) continue
    const { world } = component.inspection
    stages.set(node.name, {
      role: node.role,
      exports: world.exports.map(({ name }) => name),
      imports: world.imports.map(({ name }) => name),
      grants: grantsOf(flow, node, granted),
      memoryBytes: linearBytes(node, component),
    })
  }
  return stages
}

/** What is compiled into the artifact of a node's component (spec flows 10.1). */
export function stageLimits(node: NodeDefinition, component: StageComponent): CompiledLimits {
  return {
    memoryBytes: linearBytes(node, component),
    tableElements: 10_000,
    // Start functions run before the first call has its fuel.
    initialFuel: defaultLimits.fuelPerCall,
    parts: { coreInstances: isJavaScript(node, component) ? 32 : 10, tables: 32, memories: 4 },
  }
}

function linearBytes(node: NodeDefinition, component: StageComponent): number {
  return node.memoryBytes ?? (isJavaScript(node, component) ? javaScriptLinearBytes : defaultLinearBytes)
}

function isJavaScript({ language }: NodeDefinition, component: StageComponent): boolean {
  if (language !== null) return language === 'typescript'
  return component.ok && component.inspection.sizeBytes >= javaScriptBytes
}
