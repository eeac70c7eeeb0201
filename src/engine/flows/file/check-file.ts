/** From the text of a flow file to its flows, or to everything that is wrong with it (spec flows 2, 3). */
import nodePath from 'node:path'
import { quoted } from '../../modules/manifest/table-reader.ts'
import { checkGraph } from './graph/rules.ts'
import { flowGraph } from './graph/view.ts'
import { nameRule, readFlow } from './keys/flow.ts'
import { KeyReader, type ReadContext } from './reading/key-reader.ts'
import type { CheckFileOptions, FlowDefinition, FlowFileCheck } from './model.ts'
import { layEnvironment, layOverrides } from './reading/outside.ts'
import { parseFile, type ParsedFile } from './reading/parse.ts'
import { errorsFirst, Problems } from './reading/problems.ts'
import { readComponents, readProject } from './keys/project.ts'
import { readSettings } from './keys/settings.ts'
import { isTable, Layers, type Table, type Value } from './reading/values.ts'

/** Flows of one file. */
const maxFlows = 64
/** Tables of upstream's other tools: known, and nothing of them changes what runs. */
const otherTables = ['build', 'test', 'registry'] as const
const settingTables = ['runtime', 'observability', 'security'] as const

/**
 * Judges the text of a flow file as if it stood at `path` (absolute). Pure; throws nothing whatever the text. Keys and
 * values come first; the graph of a flow is looked at only where those are right (spec flows 3.1).
 */
export function checkFlowFile(path: string, text: string, options: CheckFileOptions = {}): FlowFileCheck {
  const file = parseFile(path, text)
  if (!('root' in file)) return { problems: file, graphs: [], flows: [] }
  const user = options.userFile === undefined ? null : parseFile(options.userFile.path, options.userFile.text)
  const userProblems = user === null || 'root' in user ? [] : user
  const layers = layOut(file, user !== null && 'root' in user ? user : null)
  const problems = new Problems((key) => layers.originOf(key))
  layEnvironment(layers, options.environment ?? {}, problems)
  layOverrides(layers, options.overrides ?? {}, problems)
  const root = new KeyReader(rootContext(problems, layers.root, options), layers.root, [])
  const read = readRoot(root, path, layers)
  const fileFails =
    problems.full ||
    userProblems.length > 0 ||
    problems.hasErrorOutside(read.map(({ name }) => ['flow', name]))
  const fit = read.filter((flow) => !problems.hasErrorBelow(['flow', flow.name]) && !fileFails)
  const flows = fit.filter((flow) => {
    const before = problems.errors
    checkGraph(flow, problems)
    return problems.errors === before && !problems.full
  })
  return {
    problems: [...userProblems, ...errorsFirst(problems.all)],
    graphs: read.map((flow) => flowGraph(flow)),
    flows,
  }
}

/** The user's settings under the file. */
function layOut(file: ParsedFile, user: ParsedFile | null): Layers {
  const layers = new Layers(file.originOf)
  if (user !== null) {
    const settings = Object.entries(user.root).filter(([key]) => settingTables.some((table) => table === key))
    layers.lay(Object.fromEntries(settings), user.originOf)
  }
  layers.lay(file.root, file.originOf)
  return layers
}

function rootContext(problems: Problems, root: Table, options: CheckFileOptions): ReadContext {
  const flows = isTable(root['flow']) ? Object.values(root['flow']) : []
  return {
    problems,
    strict: options.strict ?? false,
    environment: options.environment ?? {},
    // What lies outside of flows may read what any of them may.
    allowedNames: new Set(flows.flatMap((flow) => [...allowedNames(flow)])),
    node: null,
  }
}

function allowedNames(flow: Value): Set<string> {
  const names = isTable(flow) ? flow['env_allow'] : undefined
  return new Set(Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [])
}

function readRoot(root: KeyReader, path: string, layers: Layers): FlowDefinition[] {
  const isProject = nodePath.basename(path).toLowerCase() === 'torvyn.toml'
  readProject(root, isProject)
  const components = readComponents(root)
  const { settings, grants } = readSettings(root)
  for (const key of otherTables) root.raw(key)
  const flows = readFlows(root, (flow, name) =>
    readFlow(flow, name, {
      file: path,
      folder: nodePath.dirname(path),
      components,
      grants,
      settings,
      locate: (key) => {
        const { line, column } = layers.originOf(key)
        return line === null || column === null ? null : { line, column }
      },
    }),
  )
  root.finish()
  reportIdleGrants(root, [...grants.keys()], flows)
  return flows
}

function readFlows(
  root: KeyReader,
  read: (flow: KeyReader, name: string) => FlowDefinition,
): FlowDefinition[] {
  if (!root.has('flow')) {
    root.missing('flow', 'at least one table [flow.NAME]')
    return []
  }
  const table = root.child('flow')
  const names = table.keys()
  if (names.length > maxFlows) {
    root.bad('flow', `${names.length} flows`, `at most ${maxFlows} flows`)
    return []
  }
  return names.flatMap((name) => {
    if (isOtherDialect(table, name)) return []
    const isNamed = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)
    if (!isNamed) table.bad(name, `a flow named ${quoted(name)}`, nameRule)
    const value = table.raw(name) ?? {}
    const flow = table.child(name, { ...root.context, allowedNames: allowedNames(value) })
    readEnvAllow(flow)
    return isNamed ? [read(flow, name)] : []
  })
}

/** `[[flow.nodes]]` and `[[flow.edges]]` of a documented dialect leave out the name of the flow. */
function isOtherDialect(table: KeyReader, name: string): boolean {
  const right = { nodes: '[flow.main.nodes.NAME]', edges: '[[flow.main.edges]]' }[name]
  if (right === undefined || !Array.isArray(table.raw(name))) return false
  table.bad(
    name,
    'a list of tables, as another dialect writes them',
    `tables ${right}`,
    name === 'nodes'
      ? `Write ${right} with component and interface for each, in place of artifact and role.`
      : `Write ${right} with from and to for each.`,
  )
  return true
}

function readEnvAllow(flow: KeyReader): void {
  for (const [index, name] of (flow.strings('env_allow') ?? []).entries()) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(name))
      flow.badAt(['env_allow', index], quoted(name), 'the name of an environment variable')
  }
}

/** A grant that no node uses was meant for one. */
function reportIdleGrants(root: KeyReader, names: readonly string[], flows: readonly FlowDefinition[]): void {
  const used = new Set(flows.flatMap(({ nodes }) => nodes.flatMap(({ name, source }) => [name, source])))
  for (const name of names) {
    if (used.has(name) || flows.length === 0) continue
    root.context.problems.add(
      'E0703',
      ['security', 'grants', name],
      `The grants of ${quoted(name)} are for no component and no node of this file.`,
      {
        severity: 'warning',
        expected: 'the name of a component or node',
        found: quoted(name),
        help: `Known are ${[...used].slice(0, 20).join(', ')}.`,
      },
    )
  }
}
