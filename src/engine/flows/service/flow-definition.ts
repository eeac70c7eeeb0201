/** What a flow is at the moment: its file as it was read last, judged, and made into a plan when it starts. */
import { randomBytes } from 'node:crypto'
import type { FlowPlan } from '../../../shared/contracts/flow.ts'
import type { FlowGraph, FlowProblem } from '../../../shared/domain/flow.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { StartOptions } from '../api.ts'
import type { EndDefinition, HostNode } from '../ends/run-ends.ts'
import { checkFlowFile } from '../file/check-file.ts'
import type { CheckFileOptions, FlowDefinition, FlowFileCheck } from '../file/model.ts'
import { buildFlowPlan } from '../plan/build-plan.ts'
import { judgeFlow } from '../plan/judge-flow.ts'
import type { FlowAsk } from '../plan/model.ts'
import type { StageComponents } from './stage-components.ts'

export interface ReadFlow {
  readonly problems: readonly FlowProblem[]
  /** Null where its values could not be read. */
  readonly graph: FlowGraph | null
  /** Null where there is an error. */
  readonly definition: FlowDefinition | null
}

/** The flow of this name in a file that was checked. Pure. */
export function flowOf(check: FlowFileCheck, name: string): ReadFlow {
  return {
    problems: check.problems,
    graph: check.graphs.find((graph) => graph.name === name) ?? null,
    definition: check.flows.find((flow) => flow.name === name) ?? null,
  }
}

/** Which flow of the file is meant. Throws `flow.ambiguous`, `flow.unknown` and `flow.invalid`. */
export function chooseFlow(check: FlowFileCheck, file: string, wanted: string | undefined): string {
  const names = check.graphs.map(({ name }) => name)
  const [only] = names
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted
    if (names.length === 0) throw invalid(file, check.problems)
    throw new PaddockError('flow.unknown', `${file} has no flow "${wanted}"; it has ${names.join(', ')}.`, {
      remedy: 'Name a flow that the file has.',
    })
  }
  if (only === undefined) throw invalid(file, check.problems)
  if (names.length > 1 && !names.includes('main'))
    throw new PaddockError('flow.ambiguous', `${file} holds the flows ${names.join(', ')}.`)
  return names.length === 1 ? only : 'main'
}

/** `flow.invalid` with the problems; its message is the first error's. */
export function invalid(file: string, problems: readonly FlowProblem[]): PaddockError {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const first = errors[0]
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  const message =
    first === undefined ? `${file} holds no flow.` : `${file}: ${first.code}: ${first.message}${more}`
  return new PaddockError('flow.invalid', message, { details: { problems } })
}

export function hasErrors(problems: readonly FlowProblem[]): boolean {
  return problems.some(({ severity }) => severity === 'error')
}

export function readFlow(file: string, text: string, flow: string, options: CheckFileOptions): ReadFlow {
  return flowOf(checkFlowFile(file, text, options), flow)
}

export interface JudgedFlow {
  readonly problems: readonly FlowProblem[]
  readonly graph: FlowGraph
  readonly asks: readonly FlowAsk[]
}

/** The flow with its components as they are now; `granted` null grants all that it asks for. */
export async function judge(
  flow: FlowDefinition,
  components: StageComponents,
  granted: readonly string[] | null,
): Promise<JudgedFlow> {
  const found = await components.find(flow, granted)
  const { problems, graph, asks } = judgeFlow(flow, found.components, granted === null ? {} : { granted })
  return { problems, graph, asks: [...found.asks, ...asks] }
}

export interface PreparedFlow {
  readonly plan: FlowPlan
  readonly hosts: readonly HostNode[]
}

export interface PrepareOptions {
  readonly granted: readonly string[]
  readonly directory: string
  readonly start: StartOptions
  readonly signal: AbortSignal
}

/** Everything a run needs, compiled. Rejects with `flow.invalid`, `flow.consent_required`, `component.*`, `compiler.*`. */
export async function prepareFlow(
  flow: FlowDefinition,
  components: StageComponents,
  { granted, directory, start, signal }: PrepareOptions,
): Promise<PreparedFlow> {
  const found = await components.find(flow, granted)
  const judged = judgeFlow(flow, found.components, { granted })
  refuseUngranted(flow.name, [...found.asks, ...judged.asks], granted)
  if (hasErrors(judged.problems)) throw invalid(flow.file, judged.problems)
  const compiled = await components.compile(flow, found.components, signal)
  const { level, traceRate, elementLimit, configs, ends } = start
  const { plan, problems } = buildFlowPlan(flow, compiled, {
    granted,
    directory,
    traceId: randomBytes(16).toString('hex'),
    ...(level === undefined ? {} : { level }),
    ...(traceRate === undefined ? {} : { traceRate }),
    ...(elementLimit === undefined ? {} : { elementLimit }),
    ...(configs === undefined ? {} : { configs }),
  })
  if (plan === null) throw invalid(flow.file, problems)
  return withEnds(plan, flow, ends ?? {})
}

/** Throws `flow.consent_required` with what is missing. */
export function refuseUngranted(name: string, asks: readonly FlowAsk[], granted: readonly string[]): void {
  const missing = asks.filter(({ key }) => !granted.includes(key))
  if (missing.length === 0) return
  const titles = missing.map(({ key }) => key).join(', ')
  throw new PaddockError('flow.consent_required', `Flow "${name}" does not start without ${titles}.`, {
    details: { asks, missing: missing.map(({ key }) => key) },
  })
}

function withEnds(
  plan: FlowPlan,
  flow: FlowDefinition,
  replaced: Readonly<Record<string, EndDefinition>>,
): PreparedFlow {
  const hosts: HostNode[] = []
  const nodes = plan.nodes.map((node) => {
    const component = flow.nodes.find(({ name }) => name === node.name)?.component
    const end = replaced[node.name] ?? (component?.kind === 'host' ? component.end : undefined)
    if (end === undefined) return node
    if (node.role !== 'source' && node.role !== 'sink')
      throw new PaddockError('flow.end_failed', `"${node.name}" is neither source nor sink.`)
    hosts.push({ name: node.name, role: node.role, end })
    return { ...node, body: { kind: 'host' as const } }
  })
  return { plan: { ...plan, nodes }, hosts }
}
