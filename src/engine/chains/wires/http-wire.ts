import * as http from 'node:http'
import * as https from 'node:https'
import type { Socket } from 'node:net'
import { chainLimits } from '../limits.ts'
import { ChainRequestError } from '../request-error.ts'
import { decodeReplies, encodeRequest, notJsonRpc } from './rpc-codec.ts'
import type { HttpFacts, RpcAnswer, RpcReply, RpcRequest } from './rpc-codec.ts'
import { noAnswer, startDeadline } from './wire.ts'
import type { Wire, WireOptions } from './wire.ts'
import { errnoOf } from '../../errno.ts'

interface HttpAnswer {
  readonly status: number
  readonly body: string
  readonly retryAfterMs: number | undefined
}

/** Statuses that say something about the caller or the moment rather than about the array that was sent. */
const notAboutTheBatch = new Set([401, 403, 408, 429])

/**
 * JSON-RPC over HTTP POST. Requests and results pass as text, byte for byte (spec nexum-host 8.6), which is why
 * this stands on node:http: a transport that parses and prints loses digits. Redirects are not followed.
 */
export class HttpWire implements Wire {
  readonly transport = 'http'
  readonly #url: URL
  readonly #agent: http.Agent
  readonly #running = new Set<http.ClientRequest>()
  #nextId = 1
  #isClosed = false

  readonly #onDidClose: () => void
  readonly #sockets = new WeakSet<Socket>()

  /** `onDidClose` tells that the other side closed a kept connection. */
  constructor(url: URL, onDidClose: () => void = () => undefined) {
    this.#url = url
    this.#onDidClose = onDidClose
    const options = { keepAlive: true, maxSockets: 64 }
    this.#agent = url.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options)
  }

  async call(request: RpcRequest, options: WireOptions): Promise<RpcAnswer> {
    const id = this.#nextId++
    const answer = await this.#post(encodeRequest(id, request), options)
    const reply = readReplies(answer)
    if (isList(reply)) throw notJsonRpc('The node answered one request with a list.')
    // A node that could not read the request answers with the id null (JSON-RPC 2.0, 5).
    if (reply.id !== id && !(reply.id === null && !reply.answer.ok)) {
      throw notJsonRpc('The node answered another request than the one sent.')
    }
    return reply.answer
  }

  async callBatch(requests: readonly RpcRequest[], options: WireOptions): Promise<readonly RpcAnswer[]> {
    const ids = requests.map(() => this.#nextId++)
    const text = requests.map((request, index) => encodeRequest(ids[index] ?? 0, request)).join(',')
    const answer = await this.#post(`[${text}]`, options)
    if (answer.status >= 400 && answer.status < 500 && !notAboutTheBatch.has(answer.status)) {
      throw new ChainRequestError('batch-refused', 'The node takes no batches.', {
        httpStatus: answer.status,
      })
    }
    const replies = readReplies(answer)
    if (!isList(replies)) {
      if (!replies.answer.ok && answer.status === 429) throw replies.answer.error
      throw new ChainRequestError('batch-refused', 'The node takes no batches.')
    }
    const byId = new Map(replies.map((reply) => [reply.id, reply.answer]))
    return ids.map((id) => byId.get(id) ?? noAnswer())
  }

  close(): void {
    this.#isClosed = true
    for (const request of this.#running) request.destroy(closedError())
    this.#agent.destroy()
  }

  #post(text: string, options: WireOptions): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(closedError())
        return
      }
      const send = this.#url.protocol === 'https:' ? https.request : http.request
      const request = send(this.#url, {
        method: 'POST',
        // What is sent only once gets a connection of its own: a kept one may be gone.
        agent: options.isFresh === true || options.onLeave !== undefined ? false : this.#agent,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'content-length': Buffer.byteLength(text),
        },
      })
      this.#running.add(request)
      let hasBegun = false
      const deadline = startDeadline(options, (error) => request.destroy(error))
      const fail = (error: unknown): void => {
        deadline.end()
        this.#running.delete(request)
        request.destroy()
        const known = transportError(error, hasBegun)
        const isStale = known.kind === 'closed' && !hasBegun && request.reusedSocket && !this.#isClosed
        reject(isStale ? new StaleConnectionError(known) : known)
      }
      request.on('socket', (socket) => this.#watch(socket, options))
      request.on('error', fail)
      request.on('response', (response: http.IncomingMessage) => {
        hasBegun = true
        const chunks: Buffer[] = []
        let size = 0
        response.on('error', fail)
        response.on('aborted', () => fail(closedError()))
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > (options.maxBytes ?? chainLimits.responseBytes)) {
            fail(tooLargeError())
            return
          }
          chunks.push(chunk)
        })
        response.on('end', () => {
          deadline.end()
          this.#running.delete(request)
          if (response.headers.connection === 'close') this.#sockets.delete(response.socket)
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString('utf8'),
            retryAfterMs: readRetryAfter(response.headers['retry-after']),
          })
        })
      })
      request.end(text)
    })
  }

  #watch(socket: Socket, { onLeave }: WireOptions): void {
    if (onLeave !== undefined) {
      if (socket.connecting) socket.once('connect', onLeave)
      else onLeave()
      return
    }
    if (this.#sockets.has(socket)) return
    this.#sockets.add(socket)
    socket.once('close', () => {
      // A node that announces the end of each connection says nothing by it.
      if (!this.#isClosed && this.#sockets.has(socket)) this.#onDidClose()
    })
  }
}

/**
 * A kept connection turned out to be closed before any of the answer arrived: a node may close an idle connection in
 * the very moment it is used again. Nothing need be wrong with the node, yet another one may answer next.
 */
export class StaleConnectionError extends ChainRequestError {
  constructor(cause: ChainRequestError) {
    super('closed', cause.message, { cause })
  }
}

function isList(replies: RpcReply | readonly RpcReply[]): replies is readonly RpcReply[] {
  return Array.isArray(replies)
}

/** A JSON-RPC error keeps its code and data whatever the HTTP status; all else counts by the status. */
function readReplies(answer: HttpAnswer): RpcReply | readonly RpcReply[] {
  const isGood = answer.status >= 200 && answer.status < 300
  try {
    const replies = decodeReplies(answer.body, factsOf(answer))
    if (isGood || (!isList(replies) && !replies.answer.ok)) return replies
  } catch (error) {
    if (isGood) throw error
  }
  throw new ChainRequestError('http-status', `The node answered with HTTP status ${answer.status}.`, {
    ...factsOf(answer),
  })
}

function factsOf({ status, retryAfterMs }: HttpAnswer): HttpFacts {
  return { httpStatus: status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

/** Seconds or a date (RFC 9110, 10.2.3); milliseconds from now, or undefined. */
function readRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

function transportError(error: unknown, hasBegun: boolean): ChainRequestError {
  if (error instanceof ChainRequestError) return error
  const code = errorCode(error)
  if (code.startsWith('HPE_')) {
    return new ChainRequestError('not-json-rpc', 'The answer is not HTTP.', { cause: error })
  }
  if (hasBegun || code === 'ECONNRESET' || code === 'EPIPE') {
    return new ChainRequestError('closed', 'The node closed the connection before it had answered.', {
      cause: error,
    })
  }
  return new ChainRequestError(
    'unreachable',
    `The node cannot be reached (${code === '' ? 'failed' : code}).`,
    {
      cause: error,
    },
  )
}

export function errorCode(error: unknown): string {
  const code = errnoOf(error)
  return typeof code === 'string' ? code : ''
}

export function closedError(): ChainRequestError {
  return new ChainRequestError('closed', 'The connection was closed.')
}

export function tooLargeError(): ChainRequestError {
  return new ChainRequestError('too-large', 'The answer of the node is too large.')
}
