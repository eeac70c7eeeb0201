/** A small server for figures: GET only, no state, bounded (spec nexum-host 14.3). */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PaddockError } from '../../../shared/errors.ts'

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export type Route = () => Answer | Promise<Answer>

/** Requests that may be open at once. */
const maxConnections = 64
const requestTimeoutMs = 10_000

export class LoopbackServer {
  private readonly server: Server
  private readonly routes: ReadonlyMap<string, Route>
  private host = ''

  constructor(routes: ReadonlyMap<string, Route>) {
    this.routes = routes
    this.server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs })
    this.server.maxConnections = maxConnections
    this.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.answer(request, response)
    })
  }

  /** Listens on `host:port`; answers the address taken. Throws `settings.invalid` when it cannot. */
  async listen(address: string): Promise<string> {
    const separator = address.lastIndexOf(':')
    this.host = address.slice(0, separator).replace(/^\[|\]$/g, '')
    const port = Number(address.slice(separator + 1))
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (cause) =>
        reject(
          new PaddockError('settings.invalid', `Nothing can listen on ${address}.`, {
            cause,
            remedy: 'Choose another address or port; another program may use this one.',
          }),
        ),
      )
      this.server.listen(port, this.host, resolve)
    })
    const taken = this.server.address() as AddressInfo
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${taken.port}`
  }

  async close(): Promise<void> {
    if (!this.server.listening) return
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, contentType, body } = await this.find(request)
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(status === 405 ? { allow: 'GET' } : {}),
    })
    response.end(body)
  }

  private async find(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'GET') return plain(405, 'Only GET is answered.')
    if (!this.isOwnHost(request.headers.host)) return plain(403, 'Another host was asked for.')
    const path = (request.url ?? '').split('?')[0] ?? ''
    const route = this.routes.get(path)
    if (route === undefined) return plain(404, 'There is nothing here.')
    try {
      return await route()
    } catch {
      return plain(500, 'The figures could not be read.')
    }
  }

  /** A page of another site must not reach the listener under a name of its own that leads here. */
  private isOwnHost(header: string | undefined): boolean {
    const name = (header ?? '')
      .replace(/:\d+$/, '')
      .replace(/^\[|\]$/g, '')
      .toLowerCase()
    const own = [this.host.toLowerCase(), 'localhost', '127.0.0.1', '::1']
    return !isLoopback(this.host) || own.includes(name)
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

function plain(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` }
}
