/**
 * Tools over HTTP on this machine: `/v1/tools`, `/v1/call/<operation>`, and MCP at `/mcp`. Every request needs the token;
 * names of other hosts and pages of other origins are refused, so that no web page reaches it.
 */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server'
import type { ToolCallView } from '../../shared/domain/tool.ts'
import { PaddockError, toErrorReport } from '../../shared/errors.ts'
import type { ToolGateway } from './gateway.ts'
import { createMcpServer } from './mcp.ts'
import { McpSessions } from './mcp-sessions.ts'

/** Input of a tool is at most 4 MiB (spec tools 2); MCP wraps it. */
const maxBodyBytes = 4_194_304 + 65_536
const maxConnections = 128
const headersTimeoutMs = 10_000
/** The longest a call may take (spec tools 2), with time to queue. */
const requestTimeoutMs = 60_000

export interface HttpEndpointOptions {
  readonly gateway: ToolGateway
  readonly version: string
  /** 0 for any that is free. */
  readonly port: number
  readonly token: string
}

export class HttpEndpoint {
  private readonly options: HttpEndpointOptions
  private readonly server: Server
  private readonly mcp: ReturnType<typeof createMcpHandler>
  private readonly sessions: McpSessions
  private readonly serveMcp: ReturnType<typeof toNodeHandler>
  private readonly isOwnHost = localhostHostValidation()
  private readonly isOwnOrigin = localhostOriginValidation()
  private readonly unsubscribe: () => void

  constructor(options: HttpEndpointOptions) {
    this.options = options
    const { gateway, version } = options
    const newServer = (): ReturnType<typeof createMcpServer> => createMcpServer(gateway, version)
    const limit = { maxRequestBodySize: maxBodyBytes }
    this.mcp = createMcpHandler(newServer, { ...limit, legacy: 'reject' })
    this.sessions = new McpSessions({ createServer: newServer, ...limit })
    const fetch = async (request: Request): Promise<Response> =>
      (await isLegacyRequest(request, undefined, limit))
        ? this.sessions.fetch(request)
        : this.mcp.fetch(request)
    this.serveMcp = toNodeHandler({ fetch }, limit)
    this.unsubscribe = gateway.onDidChange(() => this.mcp.notify.toolsChanged())
    this.server = createServer({ headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs })
    this.server.maxConnections = maxConnections
    this.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.answer(request, response).catch((error: unknown) => refuse(response, 500, toErrorReport(error)))
    })
  }

  /** Listens on the loopback address; answers where. Throws `settings.invalid` when the port is taken. */
  async listen(): Promise<string> {
    const { port } = this.options
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (cause) =>
        reject(
          new PaddockError('settings.invalid', `Nothing can listen on port ${port} of this machine.`, {
            cause,
            remedy: 'Choose another port; another program may use this one.',
          }),
        ),
      )
      this.server.listen(port, '127.0.0.1', resolve)
    })
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Calls under way are cancelled, as by a caller that leaves. */
  async close(): Promise<void> {
    this.unsubscribe()
    await Promise.all([this.mcp.close(), this.sessions.close()])
    if (!this.server.listening) return
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('cache-control', 'no-store')
    response.setHeader('x-content-type-options', 'nosniff')
    if (!this.isOwnHost(request, response) || !this.isOwnOrigin(request, response)) return
    if (!this.hasToken(request)) {
      response.setHeader('www-authenticate', 'Bearer')
      refuse(response, 401, { code: 'tool.unauthorized', message: 'The token is missing or wrong.' })
      return
    }
    const path = (request.url ?? '').split('?')[0] ?? ''
    if (path === '/mcp') {
      // Its type of a request differs from Node's own in nothing but how it spells what may be undefined.
      await this.serveMcp(request as Parameters<typeof this.serveMcp>[0], response)
      return
    }
    if (path === '/v1/tools') {
      if (request.method !== 'GET') {
        refuseMethod(response, 'GET')
        return
      }
      json(response, 200, { tools: await this.options.gateway.list() })
      return
    }
    const operation = /^\/v1\/call\/([a-z0-9][a-z0-9._-]{0,127})$/.exec(path)?.[1]
    if (operation === undefined) {
      refuse(response, 404, { code: 'tool.unknown_operation', message: 'There is nothing here.' })
      return
    }
    if (request.method !== 'POST') {
      refuseMethod(response, 'POST')
      return
    }
    await this.call(operation, request, response)
  }

  private async call(operation: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const params = await readBody(request)
    if (params === undefined) {
      const message = `The parameters are larger than ${maxBodyBytes} bytes.`
      refuse(response, 413, { code: 'tool.input_too_large', message })
      return
    }
    const leaving = new AbortController()
    response.on('close', () => leaving.abort())
    let call: ToolCallView
    try {
      call = await this.options.gateway.call({ operation, params, caller: 'http', signal: leaving.signal })
    } catch (error) {
      refuse(response, 400, toErrorReport(error))
      return
    }
    const { id, outcome, usage } = call
    if (outcome?.ok === true) {
      // The output is JSON text already, checked by the engine.
      const rest = JSON.stringify({ id, ok: true, usage })
      raw(response, 200, `${rest.slice(0, -1)},"output":${outcome.output}}`)
    } else {
      json(response, 200, { id, ok: false, failure: outcome?.failure ?? null, usage })
    }
  }

  private hasToken({ headers }: IncomingMessage): boolean {
    const given = Buffer.from(/^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '')
    const wanted = Buffer.from(this.options.token)
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }
}

/** The body as text, or undefined for one that is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  return bytes === 0 ? '{}' : Buffer.concat(chunks).toString('utf8')
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader('allow', allowed)
  refuse(response, 405, { code: 'tool.invalid_request', message: `Only ${allowed} is answered here.` })
}

function refuse(
  response: ServerResponse,
  status: number,
  { code, message }: { readonly code: string; readonly message: string },
): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  json(response, status, { error: { code, message } })
}

function json(response: ServerResponse, status: number, value: object): void {
  raw(response, status, JSON.stringify(value))
}

function raw(response: ServerResponse, status: number, body: string): void {
  if (response.destroyed) return
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
