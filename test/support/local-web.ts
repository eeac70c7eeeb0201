/** A web server on 127.0.0.1 whose handler each test sets, over http or https; it remembers what it received. */
import { readFileSync } from 'node:fs'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import path from 'node:path'

const tlsFolder = path.join(import.meta.dirname, '..', 'fixtures', 'tls')

/** Certificate of `localhost`, `web.test` and 127.0.0.1; its own issuer. */
export const testCertificate = readFileSync(path.join(tlsFolder, 'certificate.pem'), 'utf8')

export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export type WebHandler = (request: ReceivedRequest, response: ServerResponse) => void

export class LocalWeb {
  handler: WebHandler = (_request, response) => response.end('ok')
  readonly received: ReceivedRequest[] = []
  /** Connections that were opened, whether or not a request came. */
  connections = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Also told after the server has stopped, so that a refused connection can be asked for. */
  port = 0

  constructor(scheme: 'http' | 'https' = 'http') {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { method = '', url = '', rawHeaders, headers } = request
        const received = { method, url, rawHeaders, headers, body: Buffer.concat(chunks) }
        this.received.push(received)
        this.handler(received, response)
      })
    }
    this.#server =
      scheme === 'http'
        ? createHttpServer(listener)
        : createHttpsServer(
            { key: readFileSync(path.join(tlsFolder, 'key.pem')), cert: testCertificate },
            listener,
          )
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
    return this
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
