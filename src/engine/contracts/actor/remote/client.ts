/**
 * This engine's end of the connection to the engine that owns databases (spec actors-sql 12): what was not sent goes out after
 * a reconnect, what was sent and has no answer is indeterminate, and nothing is ever sent twice.
 */
import WebSocket from 'ws'
import { PaddockError, type ErrorReport } from '../../../../shared/errors.ts'
import type { Clock } from '../../../clock.ts'
import { watchSilence } from './heartbeat.ts'
import {
  faultAnswer,
  maxMessageBytes,
  type RemoteFacts,
  type SqlAnswer,
  type ToGuest,
  type ToHost,
} from './messages.ts'
import { decodeToGuest, encodeToHost, featuresOf, newestVersion, oldestVersion } from './versions.ts'

export interface RemoteClientOptions {
  readonly url: string
  readonly token: string
  readonly clock: Clock
  readonly minimum?: number
  readonly maximum?: number
  /** What waits unsent that long has not been executed (spec actors-sql 12.3). Default 30 s. */
  readonly unsentMs?: number
  /** Silence after which the connection is asked whether it lives, and after as much more counts as lost. Default 20 s. */
  readonly silenceMs?: number
  readonly log: (message: string) => void
}

interface Request {
  readonly message: Extract<ToHost, { id: number }>
  state: 'unsent' | 'sending' | 'sent'
  cancel: () => void
  readonly resolve: (message: ToGuest) => void
  readonly reject: (error: PaddockError) => void
}

const standardUnsentMs = 30_000
const retireMs = 1_000
const firstRetryMs = 100
const mostRetryMs = 10_000

export class RemoteClient {
  private readonly options: RemoteClientOptions
  private readonly requests = new Map<number, Request>()
  private readonly announced = new Map<string, RemoteFacts>()
  /** Actors with a transaction open, and those whose transaction went with its connection. */
  private readonly open = new Set<string>()
  private readonly lost = new Set<string>()
  private socket: WebSocket | undefined
  private version: number | undefined
  private nextId = 1
  private retries = 0
  private cancelRetry: () => void = () => undefined
  private closed = false
  private refusal: PaddockError | undefined
  /** Rises with every connection. */
  epoch = 0

  constructor(options: RemoteClientOptions) {
    this.options = options
  }

  get isConnected(): boolean {
    return this.version !== undefined
  }

  connect(): void {
    if (this.closed || this.socket !== undefined) return
    const { url, token } = this.options
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      maxPayload: maxMessageBytes,
      handshakeTimeout: 10_000,
    })
    this.socket = socket
    socket.on('open', () => {
      watchSilence(socket, this.options.clock, this.options.silenceMs)
      this.greet(socket)
    })
    socket.on('message', (data, isBinary) => {
      if (!isBinary && this.socket === socket) this.receive((data as Buffer).toString('utf8'))
    })
    socket.on('error', (error) => this.options.log(`${url}: ${error.message}`))
    // Failed writes tell of themselves first: only then it is known what was never sent.
    socket.on('close', () => setImmediate(() => this.onClosed(socket)))
  }

  /** The generation that is current from now on; told anew on every connection. */
  async announce(facts: RemoteFacts): Promise<void> {
    this.announced.set(facts.actorId, facts)
    await this.control({ type: 'announce', id: this.nextId++, facts })
  }

  async retire(namespace: string, actorId: string, generation: number): Promise<void> {
    this.forget(actorId)
    // The next announcement retires it anyway: a stop does not wait for an engine that is away.
    await this.control({ type: 'retire', id: this.nextId++, namespace, actorId, generation }, retireMs)
  }

  async destroy(namespace: string, actorId: string, generation: number): Promise<void> {
    this.forget(actorId)
    await this.control({ type: 'destroy', id: this.nextId++, namespace, actorId, generation })
  }

  /** Runs one call of an actor's database. Never rejects: every failure is a case of `sql-error`. */
  async sql(
    call: Omit<Extract<ToHost, { type: 'sql' }>, 'type' | 'id'>,
    operation: string,
  ): Promise<SqlAnswer> {
    const { actorId, method } = call
    if (this.lost.has(actorId)) {
      // Until the invocation ends nothing may pass for the transaction that is gone (spec actors-sql 9.8).
      if (method !== 'endInvocation') return faultAnswer('transaction', 'lost')
      this.lost.delete(actorId)
    }
    try {
      const reply = await this.send({ type: 'sql', id: this.nextId++, ...call })
      if (reply.type !== 'answer') return faultAnswer('indeterminate', operation)
      if (reply.answer.inTransaction) this.open.add(actorId)
      else this.open.delete(actorId)
      return reply.answer
    } catch (error) {
      return faultOf(error, operation)
    }
  }

  /** Fails everything with `sqlite.closed` and ends the connection. */
  close(): void {
    this.closed = true
    this.cancelRetry()
    for (const request of [...this.requests.values()]) {
      this.fail(request, new PaddockError('sqlite.closed', 'The connection to the remote engine was closed.'))
    }
    this.socket?.close()
  }

  /** Cuts the connection as a network would. */
  cut(): void {
    this.socket?.terminate()
  }

  private forget(actorId: string): void {
    this.announced.delete(actorId)
    this.open.delete(actorId)
    this.lost.delete(actorId)
  }

  private async control(message: Extract<ToHost, { id: number }>, unsentMs?: number): Promise<void> {
    const reply = await this.send(message, unsentMs)
    if (reply.type === 'done' && reply.error !== null) throw PaddockError.fromReport(reply.error)
  }

  private send(
    message: Extract<ToHost, { id: number }>,
    unsentMs = this.options.unsentMs ?? standardUnsentMs,
  ): Promise<ToGuest> {
    if (this.closed) return Promise.reject(new PaddockError('sqlite.closed', 'The connection was closed.'))
    if (this.refusal !== undefined) return Promise.reject(this.refusal)
    return new Promise((resolve, reject) => {
      const request: Request = { message, state: 'unsent', cancel: () => undefined, resolve, reject }
      request.cancel = this.options.clock.after(unsentMs, () => {
        if (request.state !== 'unsent') return
        const text = `The remote engine was not reached within ${unsentMs / 1_000} s; nothing was executed.`
        this.fail(request, new PaddockError('sqlite.remote_unavailable', text))
      })
      this.requests.set(message.id, request)
      this.transmit(request)
    })
  }

  private transmit(request: Request): void {
    const { socket, version } = this
    if (socket === undefined || version === undefined) return
    let text: string
    try {
      text = encodeToHost(request.message, version)
    } catch (error) {
      this.fail(
        request,
        error instanceof PaddockError ? error : new PaddockError('internal.bug', String(error)),
      )
      return
    }
    request.state = 'sending'
    socket.send(text, (error) => {
      if (this.socket !== socket) return
      // `ws` gives null or undefined for a write that went well.
      request.state = error ? 'unsent' : 'sent'
    })
  }

  private greet(socket: WebSocket): void {
    const { minimum = oldestVersion, maximum = newestVersion } = this.options
    socket.send(
      encodeToHost({ type: 'hello', minimum, maximum, features: featuresOf(maximum) }, oldestVersion),
    )
  }

  private receive(text: string): void {
    let message: ToGuest
    try {
      message = decodeToGuest(text, this.version ?? oldestVersion)
    } catch (error) {
      this.options.log(error instanceof Error ? error.message : String(error))
      this.cut()
      return
    }
    switch (message.type) {
      case 'welcome':
        this.onWelcome(message.version)
        return
      case 'refused':
        this.onRefused(message.error)
        return
      case 'done':
      case 'answer': {
        const request = this.requests.get(message.id)
        if (request === undefined) {
          this.options.log(`A reply to ${message.id}, which nobody waits for, was dropped.`)
          return
        }
        this.requests.delete(message.id)
        request.cancel()
        request.resolve(message)
      }
    }
  }

  private onWelcome(version: number): void {
    this.version = version
    this.epoch += 1
    this.retries = 0
    // An owner that was started anew knows of nobody.
    const waiting = [...this.requests.values()].filter(({ state }) => state === 'unsent')
    const told = new Set(
      waiting.flatMap(({ message }) => (message.type === 'announce' ? message.facts.actorId : [])),
    )
    for (const facts of this.announced.values()) {
      if (!told.has(facts.actorId))
        void this.control({ type: 'announce', id: this.nextId++, facts }).catch(() => undefined)
    }
    for (const request of waiting) this.transmit(request)
  }

  private onRefused(error: ErrorReport): void {
    this.refusal = PaddockError.fromReport(error)
    for (const request of [...this.requests.values()]) this.fail(request, this.refusal)
    this.socket?.close()
  }

  private onClosed(socket: WebSocket): void {
    if (this.socket !== socket) return
    this.socket = undefined
    this.version = undefined
    for (const actorId of this.open) this.lost.add(actorId)
    this.open.clear()
    for (const request of [...this.requests.values()]) {
      const { message } = request
      const isOfLost = message.type === 'sql' && this.lost.has(message.actorId)
      if (request.state !== 'unsent') {
        // Sent and unanswered: nobody knows. Announcements are told anew anyway.
        if (message.type === 'announce') request.state = 'unsent'
        else
          this.fail(
            request,
            new PaddockError('sqlite.remote_indeterminate_result', 'The connection was lost.'),
          )
      } else if (isOfLost) {
        this.fail(request, new PaddockError('sqlite.transaction_connection_lost', 'The transaction is lost.'))
      }
    }
    if (this.closed || this.refusal !== undefined) return
    const delayMs = Math.min(mostRetryMs, firstRetryMs * 2 ** this.retries++)
    this.cancelRetry = this.options.clock.after(delayMs, () => this.connect())
  }

  private fail(request: Request, error: PaddockError): void {
    this.requests.delete(request.message.id)
    request.cancel()
    request.reject(error)
  }
}

/** A failure of the way there as the guest's case of it. */
function faultOf(error: unknown, operation: string): SqlAnswer {
  if (!(error instanceof PaddockError)) return faultAnswer('indeterminate', operation)
  switch (error.code) {
    case 'sqlite.closed':
      return { ...faultAnswer('closed'), closed: true }
    case 'sqlite.transaction_connection_lost':
      return faultAnswer('transaction', 'lost')
    case 'sqlite.remote_unavailable': {
      const { feature, direction, requiredVersion, targetVersion } = error.details ?? {}
      return feature === undefined
        ? faultAnswer('not-reached', error.message)
        : faultAnswer('incompatible', { feature, direction, requiredVersion, targetVersion })
    }
    case 'sqlite.remote_indeterminate_result':
      return faultAnswer('indeterminate', operation)
    default:
      return faultAnswer('not-reached', error.message)
  }
}
