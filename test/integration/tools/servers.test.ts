/** Real MCP clients and plain HTTP on the operator's tools, through both transports (issue 6). */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEngines } from '../../support/engine.ts'
import { toolBundle } from '../../support/tool-engine.ts'

const cli = resolve(import.meta.dirname, '../../../out/main/cli.cjs')
const clientInfo = { name: 'test', version: '1.0.0' }
let bundle: string

beforeAll(async () => {
  bundle = await toolBundle({ name: 'probe', operations: ['probe.run', 'probe.other'] })
})

interface Answer {
  readonly isError?: boolean | undefined
  readonly content: readonly { readonly type: string; readonly text?: string }[]
}

function textOf({ content }: Answer): unknown {
  return JSON.parse(content[0]?.text ?? '')
}

/** What every client must be able to do, whatever the transport. */
async function useTools(client: Client): Promise<void> {
  const { tools } = await client.listTools()
  expect(tools.map(({ name }) => name).sort()).toEqual(['probe.other', 'probe.run'])
  expect(tools[0]?.inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
  expect(tools[0]?.annotations).toMatchObject({ readOnlyHint: true, openWorldHint: true })

  const good = await client.callTool({
    name: 'probe.run',
    arguments: { step: { do: 'answer', value: { seen: 7 } } },
  })
  expect(good).toMatchObject({ structuredContent: { seen: 7 } })
  expect(textOf(good as Answer)).toEqual({ seen: 7 })

  const failing = { do: 'fail', kind: 'client', code: 'limit', message: 'slow down' }
  const failed = await client.callTool({ name: 'probe.run', arguments: { step: failing } })
  expect(failed.isError).toBe(true)
  expect(textOf(failed as Answer)).toMatchObject({ kind: 'client', code: 'limit', message: 'slow down' })

  const wrong = await client.callTool({ name: 'probe.run', arguments: { steps: 'no list' } })
  expect(textOf(wrong as Answer)).toMatchObject({ kind: 'input_encode' })

  const unknown = await client.callTool({ name: 'no.such', arguments: {} })
  expect(textOf(unknown as Answer)).toMatchObject({ code: 'tool.unknown_operation' })

  const steps: string[] = []
  await client.callTool(
    { name: 'probe.run', arguments: { step: { do: 'now' } } },
    { onprogress: ({ message }) => void steps.push(message ?? '') },
  )
  expect(steps).toContain('running')

  // One that leaves: the guest that would spin for a minute is stopped, and others are served.
  const leaving = new AbortController()
  const spinning = client.callTool(
    { name: 'probe.run', arguments: { step: { do: 'spin' } } },
    { signal: leaving.signal, onprogress: ({ message }) => message === 'running' && leaving.abort() },
  )
  await expect(spinning).rejects.toThrow()
  expect(
    await client.callTool({ name: 'probe.other', arguments: { step: { do: 'answer', value: 1 } } }),
  ).toMatchObject({
    content: [{ type: 'text', text: '1' }],
  })
}

describe('tools for assistants', () => {
  it('are listed, called, followed and cancelled over standard input and output', async () => {
    const transport = new StdioClientTransport({ command: process.execPath, args: [cli, 'mcp', bundle] })
    const client = new Client(clientInfo)
    await client.connect(transport)
    await useTools(client)
    await client.close()
  })
})

describe('the endpoint of this machine', () => {
  let server: ChildProcess
  let url: string
  let token: string

  beforeAll(async () => {
    server = spawn(process.execPath, [cli, 'serve-tools', bundle, '--port', '0', '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const line = await new Promise<string>((settle, fail) => {
      server.once('exit', (code) => fail(new Error(`the server ended with ${code} before it listened`)))
      let text = ''
      server.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        const found = text.split('\n').find((each) => each.includes('"serving"'))
        if (found !== undefined) settle(found)
      })
    })
    const serving = JSON.parse(line) as { url: string; tokenFile: string }
    url = serving.url
    token = (await readFile(serving.tokenFile, 'utf8')).trim()
  })

  afterAll(async () => {
    await closeEngines()
    if (server.exitCode !== null) return
    const gone = new Promise((settle) => server.once('exit', settle))
    server.kill('SIGTERM')
    expect(await gone).toBe(0)
  })

  /** Calls that the engine has under way; a caller that left must not keep one. */
  async function running(): Promise<number> {
    const list = await fetch(`${url}/v1/tools`, { headers: authorized() })
    const { tools } = (await list.json()) as { tools: { running: number; queued: number }[] }
    return tools.reduce((sum, tool) => sum + tool.running + tool.queued, 0)
  }

  const authorized = (): Record<string, string> => ({ authorization: `Bearer ${token}` })

  it('serves a streamable HTTP client', async () => {
    const client = new Client(clientInfo)
    const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
      requestInit: { headers: authorized() },
    })
    await client.connect(transport)
    await useTools(client)
    await expect.poll(running, { timeout: 10_000 }).toBe(0)
    await client.close()
  })

  it('stops the guest of a caller over plain HTTP that leaves', async () => {
    const leaving = new AbortController()
    const spinning = fetch(`${url}/v1/call/probe.run`, {
      method: 'POST',
      headers: authorized(),
      body: '{"step":{"do":"spin"}}',
      signal: leaving.signal,
    })
    await expect.poll(running, { timeout: 10_000 }).toBe(1)
    leaving.abort()
    await expect(spinning).rejects.toThrow()
    await expect.poll(running, { timeout: 10_000 }).toBe(0)
  })

  it('answers plain HTTP', async () => {
    const list = await fetch(`${url}/v1/tools`, { headers: authorized() })
    expect(await list.json()).toMatchObject({ tools: [{ module: 'probe', state: 'ready' }] })
    const call = await fetch(`${url}/v1/call/probe.run`, {
      method: 'POST',
      headers: authorized(),
      body: JSON.stringify({ step: { do: 'answer', value: [1, 'two'] } }),
    })
    expect(call.status).toBe(200)
    expect(await call.json()).toMatchObject({ ok: true, output: [1, 'two'] })
    const failed = await fetch(`${url}/v1/call/probe.run`, {
      method: 'POST',
      headers: authorized(),
      body: 'x',
    })
    expect(await failed.json()).toMatchObject({ ok: false, failure: { kind: 'input_encode' } })
  })

  it('answers nobody without the token, no page of another origin, and no other name', async () => {
    const tries: readonly [number, string, RequestInit][] = [
      [401, '/v1/tools', {}],
      [401, '/v1/tools', { headers: { authorization: 'Bearer wrong' } }],
      [401, '/mcp', { method: 'POST', body: '{}' }],
      [403, '/v1/tools', { headers: { ...authorized(), origin: 'https://evil.example' } }],
      [404, '/v1/nothing', { headers: authorized() }],
      [405, '/v1/tools', { method: 'DELETE', headers: authorized() }],
      [405, '/v1/call/probe.run', { headers: authorized() }],
      [413, '/v1/call/probe.run', { method: 'POST', headers: authorized(), body: ' '.repeat(4_300_000) }],
    ]
    for (const [status, path, init] of tries) {
      const response = await fetch(url + path, init)
      expect([path, response.status]).toEqual([path, status])
      await response.arrayBuffer()
    }
  })
})
