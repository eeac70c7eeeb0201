/** `paddock flow check`: a flow file, its graphs and components, judged without compiling or running anything. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createCompiler, type Compiler } from '../engine/compiler/compiler.ts'
import { checkFlowFile } from '../engine/flows/file/check-file.ts'
import type { FlowDefinition, NodeDefinition } from '../engine/flows/file/model.ts'
import { readUserFile } from '../engine/flows/file/user-file.ts'
import { judgeFlow } from '../engine/flows/plan/judge-flow.ts'
import type { StageComponent } from '../engine/flows/plan/model.ts'
import { ForkLauncher } from '../engine/sandboxes/fork-launcher.ts'
import type { FlowGraph, FlowProblem } from '../shared/domain/flow.ts'
import { PaddockError, toErrorReport } from '../shared/errors.ts'
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
  const file = await findFile(options.file)
  const userFile = await readUserFile(process.env)
  const checked = checkFlowFile(file, await readText(file), {
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

async function findFile(given: string): Promise<string> {
  const absolute = path.resolve(given)
  const kind = await stat(absolute).catch(() => null)
  if (kind === null) throw new PaddockError('flow.unreadable', `${absolute} is not there.`)
  if (!kind.isDirectory()) return absolute
  for (const name of ['Torvyn.toml', 'pipeline.toml']) {
    const file = path.join(absolute, name)
    if ((await stat(file).catch(() => null))?.isFile() === true) return file
  }
  throw new PaddockError('flow.unreadable', `${absolute} holds neither Torvyn.toml nor pipeline.toml.`)
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new PaddockError('flow.unreadable', `${file} cannot be read.`, { cause })
  }
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
    const read = new Map<string, Promise<StageComponent>>()
    return await Promise.all(flows.map((flow) => judgeOne(flow, compiler, read)))
  } finally {
    await compiler.dispose()
    await rm(cacheDir, { recursive: true, force: true })
  }
}

async function judgeOne(
  flow: FlowDefinition,
  compiler: Compiler,
  read: Map<string, Promise<StageComponent>>,
): Promise<Judged> {
  const components = new Map<string, StageComponent>()
  for (const node of flow.nodes) {
    if (node.component.kind === 'host') continue
    components.set(node.name, await componentOf(node, compiler, read))
  }
  return judgeFlow(flow, components)
}

async function componentOf(
  { source, component }: NodeDefinition,
  compiler: Compiler,
  read: Map<string, Promise<StageComponent>>,
): Promise<StageComponent> {
  if (component.kind !== 'file') {
    const error = new PaddockError('flow.component', `${source} is fetched only when the flow is added.`, {
      remedy: 'Check with --static, or name a file.',
    })
    return { ok: false, error: error.toReport() }
  }
  for (const candidate of component.candidates) {
    if ((await stat(candidate).catch(() => null))?.isFile() !== true) continue
    const reading = read.get(candidate) ?? inspect(candidate, compiler)
    read.set(candidate, reading)
    return reading
  }
  const error = new PaddockError('flow.component', `it is not there: ${component.candidates.join(', ')}.`)
  return { ok: false, error: error.toReport() }
}

async function inspect(file: string, compiler: Compiler): Promise<StageComponent> {
  try {
    return { ok: true, path: file, inspection: await compiler.inspect(file) }
  } catch (error) {
    return { ok: false, error: toErrorReport(error, 'flow.component') }
  }
}
