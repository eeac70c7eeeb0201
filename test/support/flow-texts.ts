/** Flow files for tests, put together of their parts. */
import { checkFlowFile } from '../../src/engine/flows/file/check-file.ts'
import type { CheckFileOptions, FlowDefinition } from '../../src/engine/flows/file/model.ts'

export interface Parts {
  readonly top?: string
  readonly flow?: string
  readonly source?: string
  readonly sink?: string
  readonly edge?: string
  readonly end?: string
}

/** A flow of a source and a sink with more keys in its tables. */
export function textOf({ top = '', flow = '', source = '', sink = '', edge = '', end = '' }: Parts): string {
  return `
${top}
[flow.main]
${flow}
[flow.main.nodes.read]
component = "file://read.wasm"
interface = "torvyn:streaming/source"
${source}
[flow.main.nodes.write]
component = "file://write.wasm"
interface = "torvyn:streaming/sink"
${sink}
[[flow.main.edges]]
from = { node = "read", port = "output" }
to = { node = "write", port = "input" }
${edge}
${end}
`
}

/** The flow, read with unknown keys refused; throws what is wrong with it. */
export function read(parts: Parts, options: CheckFileOptions = {}): FlowDefinition {
  const { flows, problems } = checkFlowFile('/flows/pipeline.toml', textOf(parts), {
    strict: true,
    ...options,
  })
  const [flow] = flows
  if (flow === undefined)
    throw new Error(problems.map(({ code, message }) => `${code} ${message}`).join('\n'))
  return flow
}
