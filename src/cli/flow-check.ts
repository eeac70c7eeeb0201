/** `paddock flow check`: a flow file, its graphs and components, judged without compiling or running anything. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createCompiler } from '../engine/compiler/compiler.ts'
import { checkFlowFile } from '../engine/flows/file/check-file.ts'
import type { FlowDefinition } from '../engine/flows/file/model.ts'
import { readUserFile } from '../engine/flows/file/user-file.ts'
import { judgeFlow } from '../engine/flows/plan/judge-flow.ts'
import { findFlowFile, readFlowFile } from '../engine/flows/records/flow-file.ts'
import { StageComponents } from '../engine/flows/service/stage-components.ts'
import { ForkLauncher } from '../engine/sandboxes/fork-launcher.ts'
import type { FlowGraph, FlowProblem } from '../shared/domain/flow.ts'
import { PaddockError } from '../shared/errors.ts'
import { exitCodes } from './exit-codes.ts'
import { showCheck } from './flow-problems.ts'
import type { Output } from './output.ts'

export interface FlowCheckOptions {
  readonly file: string
  /** Tell of this flow only. */
  readonly flow: string | undefined
  readonly strict: boolean
  /** Whether the components are looked at as well. */
  readonly components: boolean
  /** `key=value`, each. */
  readonly overrides: readonly string[]
}

/** Prints what is wrong. Exit 0 with no error, 1 with errors; throws `flow.unreadable`, `flow.unknown` and `usage.*`. */
export async function flowCheck(options: FlowCheckOptions, output: Output): Promise<number> {
  const file = await findFlowFile(options.file)
  const userFile = await readUserFile(process.env)
  const checked = checkFlowFile(file, await readFlowFile(file), {
    strict: options.strict,
    environment: process.env,
    overrides: readOverrides(options.overrides),
    ...(userFile === undefined ? {} : { userFile }),
  })
  const names = checked.graphs.map(({ name }) => name)
  const { flow } = options
  if (flow !== undefined && names.length > 0 && !names.includes(flow)) {
    throw new PaddockError('flow.unknown', `${file} has no flow "${flow}"; it has ${names.join(', ')}.`, {
      remedy: 'Name a flow that the file has.',
    })
  }
  const isMeant = (name: string): boolean => flow === undefined || name === flow
  const flows = checked.flows.filter(({ name }) => isMeant(name))
  const judged = options.components ? await judgeComponents(flows) : []
  const graphs = checked.graphs
    .filter(({ name }) => isMeant(name))
    .map((graph) => judged.find(({ graph: { name } }) => name === graph.name)?.graph ?? graph)
  const problems = [...checked.problems, ...judged.flatMap((each) => each.problems)]
  const check = { file, problems, graphs, looksAtComponents: options.components }
  const errors = problems.filter(({ severity }) => severity === 'error')
  output.result(
    {
      success: errors.length === 0,
      command: 'flow check',
      data: { file, flows: graphs, problems: errors },
      warnings: problems.filter(({ severity }) => severity === 'warning'),
    },
    showCheck(check),
  )
  return errors.length === 0 ? exitCodes.ok : exitCodes.moduleFailed
}

function readOverrides(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at <= 0) throw new PaddockError('usage.invalid', `--set takes KEY=VALUE, and got "${pair}".`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

interface Judged {
  readonly problems: readonly FlowProblem[]
  readonly graph: FlowGraph
}

/** Reads the components of all flows, each file once. */
async function judgeComponents(flows: readonly FlowDefinition[]): Promise<Judged[]> {
  if (flows.length === 0) return []
  const cacheDir = await mkdtemp(path.join(tmpdir(), 'paddock-flow-'))
  const compiler = createCompiler({
    launcher: new ForkLauncher(),
    entry: path.join(__dirname, 'compiler.cjs'),
    cacheDir,
  })
  try {
    const components = new StageComponents({ compiler, contents: { fetch: refuseToFetch } })
    return await Promise.all(
      flows.map(async (flow) => judgeFlow(flow, (await components.find(flow, null)).components)),
    )
  } finally {
    await compiler.dispose()
    await rm(cacheDir, { recursive: true, force: true })
  }
}

/** A check reaches nobody. */
function refuseToFetch(reference: string): Promise<never> {
  return Promise.reject(
    new PaddockError('flow.component', `${reference} is fetched only when the flow is added.`, {
      remedy: 'Check with --static, or name a file.',
    }),
  )
}
