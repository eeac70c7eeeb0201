/** A folder with a flow file and the components it names, as an operator would have it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stageComponent, type StageName } from '../fixtures/stages/components.ts'
import { temporaryFolder } from './engine.ts'

export interface FlowNodeText {
  /** A stage of the fixtures, or an end in the engine (`topic:…`). */
  readonly component: StageName | `${'topic' | 'blocks' | 'logs' | 'store'}:${string}`
  readonly config?: string
  /** Further lines of the node's table. */
  readonly more?: string
}

export interface FlowText {
  readonly name?: string
  readonly nodes: Readonly<Record<string, FlowNodeText>>
  /** `a -> b`, or `a.port -> b`; with further keys behind. */
  readonly edges: readonly (string | readonly [string, string])[]
  /** Further lines of the flow's table. */
  readonly flow?: string
  /** Lines at the end. */
  readonly more?: string
}

/** The text of the file. */
export function flowToml(flow: FlowText): string {
  const name = flow.name ?? 'main'
  const lines = ['[torvyn]', 'name = "test"', 'version = "0.1.0"', 'contract_version = "0.1.0"', '']
  lines.push(`[flow.${name}]`, flow.flow ?? '')
  for (const [node, { component, config, more }] of Object.entries(flow.nodes)) {
    const named = component.includes(':') ? component : `file://${component}.wasm`
    lines.push(`[flow.${name}.nodes.${node}]`, `component = ${JSON.stringify(named)}`)
    if (config !== undefined) lines.push(`config = ${JSON.stringify(config)}`)
    if (more !== undefined) lines.push(more)
  }
  for (const edge of flow.edges) {
    const [text, more] = typeof edge === 'string' ? [edge, ''] : edge
    const [from = '', to = ''] = text.split(' -> ')
    const [node, port = 'output'] = from.split('.')
    lines.push(
      `[[flow.${name}.edges]]`,
      `from = { node = "${node}", port = "${port}" }`,
      `to = { node = "${to}", port = "input" }`,
      more,
    )
  }
  return [...lines, flow.more ?? ''].join('\n')
}

/** Writes file and components into a folder of their own, or into the one given; answers the folder. */
export async function flowFolder(flow: FlowText, given?: string): Promise<string> {
  const folder = given ?? join(await temporaryFolder(), 'flow')
  await mkdir(folder, { recursive: true })
  for (const { component } of Object.values(flow.nodes)) {
    if (component.includes(':')) continue
    await writeFile(join(folder, `${component}.wasm`), await stageComponent(component as StageName))
  }
  await writeFile(join(folder, 'Torvyn.toml'), flowToml(flow))
  return folder
}
