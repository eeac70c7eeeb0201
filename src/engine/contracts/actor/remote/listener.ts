/**
 * Serves the databases of this engine to others over WebSocket. A token is asked for before anything else; encryption is left
 * to a proxy in front, which is why it listens on the loopback address unless told otherwise.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { PaddockError, toErrorReport } from '../../../../shared/errors.ts'
import type { Clock } from '../../../clock.ts'
import { watchSilence } from './heartbeat.ts'
import { faultAnswer, maxMessageBytes, type ToGuest, type ToHost } from './messages.ts'
import { operationOf } from './owned-actor.ts'
import type { SqlOwner } from './sql-owner.ts'
import {
  commonVersion,
  decodeToHost,
  encodeToGuest,
  featuresOf,
  incompatible,
  newestVersion,
  oldestVersion,
} from './versions.ts'

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  readonly token: string
  readonly owner: SqlOwner
  readonly clock: Clock
  readonly minimum?: number
  readonly maximum?: number
  readonly log: (message: string) => void
}

const maxConnections = 64
/** Besides the connections themselves: those that have not shown their token yet. */
const maxSockets = 2 * maxConnections
/** How long a connection may take to say who it is, in milliseconds. */
const introductionMs = 10_000
const leastTokenLength = 16

export class ActorListener {
  private readonly options: ListenerOptions
  private readonly server: Server
  private readonly sockets: WebSocketServer
  private readonly tokenDigest: Buffer

  constructor(options: ListenerOptions) {
    if (options.token.length < leastTokenLength) {
      throw new PaddockError(
        'wasm.invalid_config',
        `The token has fewer than ${leastTokenLength} characters.`,
        {
          details: { field: 'token' },
          remedy: 'Give a long random token.',
        },
      )
    }
    this.options = options
    this.tokenDigest = digest(options.token)
    this.sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes })
    this.server = createServer((_request, response) => response.writeHead(404).end())
    this.server.maxConnections = maxSockets
    this.server.headersTimeout = introductionMs
    this.server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => undefined)
      if (!this.isAllowed(request) || this.sockets.clients.size >= maxConnections) {
        const status = this.isAllowed(request) ? '503 Service Unavailable' : '401 Unauthorized'
        socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
        return
      }
      this.sockets.handleUpgrade(request, socket, head, (opened) => this.serve(opened))
    })
  }

  /** Listens; answers the address. Rejects with the system's error. */
  async listen(): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(this.options.port, this.options.host, resolve)
    })
    return this.server.address() as AddressInfo
  }

  /** Of other engines, now. */
  get connections(): number {
    return this.sockets.clients.size
  }

  async close(): Promise<void> {
    for (const socket of this.sockets.clients) socket.terminate()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
    await this.options.owner.close()
  }

  private isAllowed(request: IncomingMessage): boolean {
    const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    return given !== undefined && timingSafeEqual(digest(given), this.tokenDigest)
  }

  private serve(socket: WebSocket): void {
    const { clock } = this.options
    const connection = new Connection(socket, this.options)
    watchSilence(socket, clock)
    const cancel = clock.after(introductionMs, () => {
      if (!connection.isIntroduced) socket.close(1002)
    })
    socket.on('error', (error) => this.options.log(error.message))
    socket.on('message', (data, isBinary) => {
      if (isBinary) socket.close(1003)
      else connection.receive((data as Buffer).toString('utf8'))
    })
    socket.on('close', () => {
      cancel()
      connection.end()
    })
  }
}

class Connection {
  private readonly socket: WebSocket
  private readonly options: ListenerOptions
  private version: number | undefined
  /** Actors that this connection has spoken for. */
  private readonly actors = new Map<string, { namespace: string; actorId: string }>()

  constructor(socket: WebSocket, options: ListenerOptions) {
    this.socket = socket
    this.options = options
  }

  get isIntroduced(): boolean {
    return this.version !== undefined
  }

  receive(text: string): void {
    let message: ToHost
    try {
      message = decodeToHost(text, this.version ?? oldestVersion)
    } catch (error) {
      this.options.log(error instanceof Error ? error.message : String(error))
      this.socket.close(1002)
      return
    }
    if (message.type === 'hello') {
      this.greet(message.minimum, message.maximum)
      return
    }
    if (this.version === undefined) {
      this.socket.close(1002)
      return
    }
    void this.handle(message)
  }

  end(): void {
    void this.options.owner.abandonTransactions(this, this.actors.values())
  }

  private greet(minimum: number, maximum: number): void {
    if (this.version !== undefined) return
    const { minimum: least = oldestVersion, maximum: most = newestVersion } = this.options
    const version = commonVersion({ minimum: least, maximum: most }, { minimum, maximum })
    if (version === undefined) {
      const error = incompatible(
        'protocol',
        'to-host',
        minimum > most ? minimum : least,
        minimum > most ? most : maximum,
      )
      this.post({ type: 'refused', error: error.toReport() }, oldestVersion)
      this.socket.close(1000)
      return
    }
    this.post({ type: 'welcome', version, features: featuresOf(version) }, oldestVersion)
    this.version = version
  }

  private async handle(message: Exclude<ToHost, { type: 'hello' }>): Promise<void> {
    const { owner } = this.options
    switch (message.type) {
      case 'announce': {
        const { namespace, actorId } = message.facts
        this.actors.set(`${namespace}/${actorId}`, { namespace, actorId })
        await this.control(message.id, () => owner.announce(message.facts))
        return
      }
      case 'retire':
        await this.control(message.id, () =>
          owner.retire(message.namespace, message.actorId, message.generation),
        )
        return
      case 'destroy':
        await this.control(message.id, () =>
          owner.destroy(message.namespace, message.actorId, message.generation),
        )
        return
      case 'sql':
        this.post(
          { type: 'answer', id: message.id, answer: await owner.submit(message, this) },
          undefined,
          operationOf(message.method),
        )
        return
    }
  }

  private async control(id: number, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.post({ type: 'done', id, error: null })
    } catch (error) {
      this.post({ type: 'done', id, error: toErrorReport(error) })
    }
  }

  /** A message that cannot be sent fails alone; the connection stays. What was done of `operation` nobody learns then. */
  private post(
    message: ToGuest,
    version = this.version ?? oldestVersion,
    operation: string = 'execute',
  ): void {
    let text: string
    try {
      text = encodeToGuest(message, version)
    } catch (error) {
      this.options.log(`An answer cannot be sent: ${error instanceof Error ? error.message : String(error)}`)
      if (message.type !== 'answer') return
      const { inTransaction } = message.answer
      const answer = { ...faultAnswer('indeterminate', operation), inTransaction }
      text = encodeToGuest({ type: 'answer', id: message.id, answer }, version)
    }
    this.socket.send(text, () => undefined)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
