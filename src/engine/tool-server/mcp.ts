/** The operator's tools for assistants: each operation is one MCP tool (issue 6). One server per connection or request. */
import { isSpecType, McpServer, type CallToolResult, type Tool } from '@modelcontextprotocol/server'
import type { ToolCallView, ToolOperationView, ToolView } from '../../shared/domain/tool.ts'
import { toErrorReport } from '../../shared/errors.ts'
import type { ToolGateway } from './gateway.ts'

/** In the order a call goes through them; a call's progress is its place in this list. */
const stages: readonly ToolCallView['state'][] = [
  'reserved',
  'queued',
  'preparing',
  'running',
  'stopping',
  'settling',
  'settled',
]

const instructions =
  'Tools that the operator of this machine runs in sandboxes. What they may reach is fixed by the operator.'

export function createMcpServer(gateway: ToolGateway, version: string): McpServer {
  const mcp = new McpServer(
    { name: 'paddock', title: 'Paddock', version },
    { capabilities: { tools: { listChanged: true } }, instructions },
  )
  // Tools come and go, and their schemas are texts of theirs: the requests are answered directly.
  const { server } = mcp
  server.setRequestHandler('tools/list', async () => ({ tools: (await gateway.list()).flatMap(describe) }))
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const { signal, notify, _meta } = context.mcpReq
    const progressToken = _meta?.progressToken
    const onState = (state: ToolCallView['state']): void => {
      if (progressToken === undefined) return
      const told = notify({
        method: 'notifications/progress',
        params: { progressToken, progress: stages.indexOf(state) + 1, total: stages.length, message: state },
      })
      // The client may be gone; the call's own signal says so.
      told.catch(() => undefined)
    }
    try {
      const call = await gateway.call({
        operation: params.name,
        params: JSON.stringify(params.arguments ?? {}),
        caller: 'mcp',
        signal,
        onState,
      })
      return resultOf(call)
    } catch (error) {
      const { code, message, remedy } = toErrorReport(error)
      return failed({ kind: 'executor', code, message: `${message} ${remedy}` })
    }
  })
  const unsubscribe = gateway.onDidChange(() => void server.sendToolListChanged().catch(() => undefined))
  server.onclose = unsubscribe
  return mcp
}

function describe(tool: ToolView): Tool[] {
  if (tool.state !== 'ready') return []
  const inputSchema = objectSchema(tool.schema)
  return tool.operations
    .filter(({ permission }) => permission !== 'deny')
    .map((operation) =>
      acceptable({
        name: operation.id,
        title: operation.id,
        description: [operation.description, tool.description].filter((text) => text !== '').join('\n\n'),
        inputSchema,
        annotations: annotationsOf(operation),
      }),
    )
}

/**
 * Clients demand a schema of an object, and of its properties; what a tool says instead would make them refuse the whole
 * list, those of other tools too. What the tool itself demands is checked before its call all the same.
 */
function acceptable(tool: Tool): Tool {
  const isTaken: boolean = isSpecType.Tool(tool)
  return isTaken ? tool : { ...tool, inputSchema: { type: 'object' } }
}

function objectSchema(text: string): Tool['inputSchema'] {
  return { ...objectOf(text), type: 'object' }
}

function objectOf(text: string): object {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}

function annotationsOf({ effects }: ToolOperationView): NonNullable<Tool['annotations']> {
  const writes = effects.includes('external_write')
  return { readOnlyHint: !writes, destructiveHint: writes, openWorldHint: effects.includes('network') }
}

function resultOf({ outcome }: ToolCallView): CallToolResult {
  if (outcome === null) return failed({ kind: 'executor', code: null, message: 'The call has no outcome.' })
  if (!outcome.ok) {
    const { kind, code, message, httpStatus, secrets } = outcome.failure
    return failed({ kind, code, message, httpStatus, secrets })
  }
  const value: unknown = JSON.parse(outcome.output)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return {
    content: [{ type: 'text', text: outcome.output }],
    ...(isObject ? { structuredContent: value } : {}),
  }
}

function failed(failure: object): CallToolResult {
  return { isError: true, content: [{ type: 'text', text: JSON.stringify(failure) }] }
}
