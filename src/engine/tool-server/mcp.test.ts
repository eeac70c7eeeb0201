import { Client } from '@modelcontextprotocol/client'
import { InMemoryTransport } from '@modelcontextprotocol/server'
import { expect, test } from 'vitest'
import type { ToolView } from '../../shared/domain/tool.ts'
import type { ToolGateway } from './gateway.ts'
import { createMcpServer } from './mcp.ts'

function view(module: string, schema: string): ToolView {
  return {
    module,
    version: '1.0.0',
    state: 'ready',
    error: null,
    description: '',
    schema,
    operations: [
      { id: module, description: '', effects: [], permission: 'allow', declaredPermission: 'allow' },
    ],
    secrets: [],
    running: 0,
    queued: 0,
    calls: 0,
    failures: 0,
  }
}

test('a schema that no client takes costs its own tool only, not the list of all', async () => {
  const hostile = [
    '{"properties":5}',
    '{"required":[1]}',
    '{"type":"string","required":"x"}',
    '{',
    'null',
    '[]',
    '',
  ]
  const gateway: ToolGateway = {
    list: () =>
      Promise.resolve([
        view('sound', '{"properties":{"a":{"type":"string"}},"required":["a"]}'),
        ...hostile.map((schema, index) => view(`hostile-${index}`, schema)),
      ]),
    call: () => Promise.reject(new Error('nothing is called here')),
    onDidChange: () => () => undefined,
  }
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  const server = createMcpServer(gateway, '1.0.0')
  const client = new Client({ name: 'test', version: '1.0.0' })
  await Promise.all([server.connect(theirs), client.connect(ours)])
  const { tools } = await client.listTools()
  expect(tools[0]?.inputSchema).toEqual({
    type: 'object',
    properties: { a: { type: 'string' } },
    required: ['a'],
  })
  expect(tools.slice(1).map(({ inputSchema }) => inputSchema)).toEqual(
    hostile.map(() => ({ type: 'object' })),
  )
  await client.close()
})
