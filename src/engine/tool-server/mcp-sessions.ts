/**
 * Clients that speak the MCP of 2025 over HTTP, a session each: they cancel a call with a message of its own, which only the
 * server that runs the call can heed (issue 6). Later clients close the request itself and need none.
 */
import { randomUUID } from 'node:crypto'
import { WebStandardStreamableHTTPServerTransport, type McpServer } from '@modelcontextprotocol/server'

const maxSessions = 64

interface Session {
  readonly transport: WebStandardStreamableHTTPServerTransport
  /** Requests that are not answered, streams included. */
  open: number
}

export interface McpSessionsOptions {
  readonly createServer: () => McpServer
  readonly maxRequestBodySize: number
}

export class McpSessions {
  private readonly options: McpSessionsOptions
  /** By id, those used longest ago first. */
  private readonly sessions = new Map<string, Session>()

  constructor(options: McpSessionsOptions) {
    this.options = options
  }

  /** Answers 404 for a session that is not known any more, whose client then begins another. */
  async fetch(request: Request): Promise<Response> {
    const id = request.headers.get('mcp-session-id')
    const known = id === null ? await this.begin() : this.sessions.get(id)
    if (known === undefined) return Response.json({ error: 'There is no such session.' }, { status: 404 })
    if (id !== null) {
      this.sessions.delete(id)
      this.sessions.set(id, known)
    }
    const { transport } = known
    const calls = request.method === 'POST' ? callIds(await request.clone().json().catch(nothing)) : []
    // Answers of a request whose connection is gone are lost, so nobody waits for its calls.
    const leave = (): void => {
      for (const requestId of calls)
        transport.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
    }
    request.signal.addEventListener('abort', leave, { once: true })
    known.open += 1
    try {
      return await transport.handleRequest(request)
    } finally {
      known.open -= 1
      // It was no beginning of a session after all.
      if (transport.sessionId === undefined) await transport.close()
    }
  }

  /** Calls under way are cancelled. */
  async close(): Promise<void> {
    const all = [...this.sessions.values()]
    this.sessions.clear()
    await Promise.all(all.map(({ transport }) => transport.close()))
  }

  private async begin(): Promise<Session> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: this.options.maxRequestBodySize,
      onsessioninitialized: (id) => {
        this.sessions.set(id, session)
        return this.makeRoom()
      },
      onsessionclosed: (id) => void this.sessions.delete(id),
    })
    const session: Session = { transport, open: 0 }
    await this.options.createServer().connect(transport)
    return session
  }

  private async makeRoom(): Promise<void> {
    if (this.sessions.size <= maxSessions) return
    const all = [...this.sessions]
    const [id, oldest] = all.find(([, { open }]) => open === 0) ?? all[0] ?? []
    if (id === undefined || oldest === undefined) return
    this.sessions.delete(id)
    await oldest.transport.close()
  }
}

/** Ids of the calls in a message or in a batch of them. */
function callIds(body: unknown): (string | number)[] {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body]
  return messages.flatMap((message) => {
    if (typeof message !== 'object' || message === null || !('id' in message)) return []
    const { id } = message
    return typeof id === 'string' || typeof id === 'number' ? [id] : []
  })
}

function nothing(): null {
  return null
}
