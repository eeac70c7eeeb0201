import { WebSocket } from 'ws'
import { closedError, errorCode, tooLargeError } from './http-wire.ts'
import { chainLimits } from '../limits.ts'
import { ChainRequestError } from '../request-error.ts'
import { decodeReplies, encodeRequest, isRecord, notJsonRpc } from './rpc-codec.ts'
import type { RpcAnswer, RpcReply, RpcRequest } from './rpc-codec.ts'
import { noAnswer, startDeadline } from './wire.ts'
import type { Subscriber, Wire, WireOptions } from './wire.ts'

/** What was sent in one frame and is not answered: one request, or an array of them. */
interface Pending {
  readonly ids: readonly number[]
  readonly isBatch: boolean
  readonly maxBytes: number
  readonly answer: (answers: readonly RpcAnswer[]) => void
  readonly fail: (error: ChainRequestError) => void
}

/** JSON-RPC over one WebSocket, opened when first needed and again after it ended. Calls are pipelined. */
export class WsWire implements Wire {
  readonly transport = 'ws'
  readonly #url: URL
  readonly #onDidClose: () => void
  readonly #pending = new Map<number, Pending>()
  readonly #subscribers = new Map<string, Subscriber>()
  #socket: WebSocket | null = null
  #opening: Promise<WebSocket> | null = null
  #nextId = 1
  #receivedAt = 0
  #isClosed = false

  constructor(url: URL, onDidClose: () => void = () => undefined) {
    this.#url = url
    this.#onDidClose = onDidClose
  }

  async call(
    request: RpcRequest,
    options: WireOptions,
    onAnswer: (answer: RpcAnswer) => void = () => undefined,
  ): Promise<RpcAnswer> {
    const id = this.#nextId++
    const [answer] = await this.#send([id], encodeRequest(id, request), options, (answers) => {
      if (answers[0] !== undefined) onAnswer(answers[0])
    })
    return answer ?? noAnswer()
  }

  callBatch(requests: readonly RpcRequest[], options: WireOptions): Promise<readonly RpcAnswer[]> {
    const ids = requests.map(() => this.#nextId++)
    const text = requests.map((request, index) => encodeRequest(ids[index] ?? 0, request)).join(',')
    return this.#send(ids, `[${text}]`, options, () => undefined)
  }

  async subscribe(params: string, listener: Subscriber, options: WireOptions): Promise<() => void> {
    const given: { subscription?: string } = {}
    // Registered while the answer is being read: the first item may follow in the same turn.
    const answer = await this.call({ method: 'eth_subscribe', params }, options, (reply) => {
      const id: unknown = reply.ok ? JSON.parse(reply.result) : null
      if (typeof id !== 'string' && typeof id !== 'number') return
      given.subscription = String(id)
      this.#subscribers.set(given.subscription, listener)
    })
    if (!answer.ok) throw answer.error
    const key = given.subscription
    if (key === undefined) throw notJsonRpc('The node gave no subscription id.')
    return () => {
      if (!this.#subscribers.delete(key)) return
      const unsubscribe = { method: 'eth_unsubscribe', params: JSON.stringify([key]) }
      this.call(unsubscribe, { timeoutMs: chainLimits.ownRequestMs }).catch(() => undefined)
    }
  }

  reset(error: ChainRequestError): void {
    const socket = this.#socket
    if (socket === null) return
    this.#drop(error)
    socket.terminate()
  }

  close(): void {
    this.#isClosed = true
    const socket = this.#socket
    this.#drop(closedError())
    socket?.terminate()
  }

  #send(
    ids: readonly number[],
    text: string,
    options: WireOptions,
    onAnswer: (answers: readonly RpcAnswer[]) => void,
  ): Promise<readonly RpcAnswer[]> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        for (const id of ids) this.#pending.delete(id)
        deadline.end()
      }
      const pending: Pending = {
        ids,
        isBatch: text.startsWith('['),
        maxBytes: options.maxBytes ?? chainLimits.responseBytes,
        answer: (answers) => {
          settle()
          onAnswer(answers)
          resolve(answers)
        },
        fail: (error) => {
          settle()
          reject(error)
        },
      }
      const sentAt = performance.now()
      const deadline = startDeadline(options, (error) => {
        pending.fail(error)
        // Nothing at all arrived meanwhile: the other side is gone without having said so.
        if (error.kind === 'timeout' && this.#receivedAt < sentAt) this.reset(error)
      })
      for (const id of ids) this.#pending.set(id, pending)
      this.#open().then(
        (socket) => {
          if (!ids.some((id) => this.#pending.has(id))) return
          options.onLeave?.()
          socket.send(text)
        },
        (error: unknown) => pending.fail(error instanceof ChainRequestError ? error : closedError()),
      )
    })
  }

  #open(): Promise<WebSocket> {
    if (this.#isClosed) return Promise.reject(closedError())
    this.#opening ??= new Promise<WebSocket>((resolve, reject) => {
      const socket = new WebSocket(this.#url, {
        maxPayload: chainLimits.socketMessageBytes,
        perMessageDeflate: false,
        handshakeTimeout: chainLimits.ownRequestMs,
      })
      this.#socket = socket
      let isOpen = false
      const end = (error: ChainRequestError): void => {
        reject(error)
        socket.terminate()
        if (this.#socket === socket) this.#drop(error)
      }
      socket.on('open', () => {
        isOpen = true
        resolve(socket)
      })
      socket.on('message', (data) => {
        // ws hands out Buffer unless told otherwise.
        if (this.#socket === socket) this.#receiveBytes(data as Buffer, end)
      })
      socket.on('unexpected-response', (_request, response) => end(handshakeError(response.statusCode ?? 0)))
      socket.on('error', (error) => end(socketError(error, isOpen)))
      socket.on('close', () => end(isOpen ? serverClosed() : unreachable('closed')))
    })
    return this.#opening
  }

  /** What is larger than anything asked for is not even parsed: that alone would hold up the thread. */
  #receiveBytes(bytes: Buffer, end: (error: ChainRequestError) => void): void {
    this.#receivedAt = performance.now()
    let most: number = chainLimits.responseBytes
    for (const { maxBytes } of this.#pending.values()) most = Math.max(most, maxBytes)
    if (bytes.length <= most) {
      this.#receive(bytes.toString('utf8'), end)
      return
    }
    const id = idAtEdge(bytes)
    if (id === null) end(notJsonRpc('The node sent more than it was asked for.'))
    else this.#pending.get(id)?.fail(tooLargeError())
  }

  #receive(text: string, end: (error: ChainRequestError) => void): void {
    let replies: RpcReply | readonly RpcReply[]
    try {
      const item = readNotification(text)
      if (item !== null) return this.#subscribers.get(item.subscription)?.onItem(item.result)
      replies = decodeReplies(text)
    } catch (error) {
      end(error instanceof ChainRequestError ? error : notJsonRpc('The answer is not JSON-RPC.'))
      return
    }
    if (Array.isArray(replies) && replies.length === 0)
      end(notJsonRpc('The answer is JSON, but not JSON-RPC.'))
    else if (Array.isArray(replies)) this.#receiveBatch(replies as readonly RpcReply[], text)
    else this.#receiveOne(replies as RpcReply, text, end)
  }

  #receiveOne(reply: RpcReply, text: string, end: (error: ChainRequestError) => void): void {
    const pending = reply.id === null ? this.#oldestBatch() : this.#pending.get(reply.id)
    if (pending !== undefined && pending.isBatch) {
      // One answer to a list is the answer of a node that takes no lists.
      pending.fail(new ChainRequestError('batch-refused', 'The node takes no batches.'))
    } else if (pending !== undefined) {
      const isTooLarge = Buffer.byteLength(text) > pending.maxBytes
      pending.answer([isTooLarge ? { ok: false, error: tooLargeError() } : reply.answer])
      // Late answers to requests that were given up are normal; an id never given out is not.
    } else if (reply.id === null || Number.isNaN(reply.id) || reply.id >= this.#nextId) {
      end(notJsonRpc('The node answered another request than the one sent.'))
    }
  }

  #receiveBatch(replies: readonly RpcReply[], text: string): void {
    const byId = new Map(replies.map((reply) => [reply.id, reply.answer]))
    const asked = new Set<Pending>()
    for (const { id } of replies) {
      const pending = id === null ? undefined : this.#pending.get(id)
      if (pending !== undefined) asked.add(pending)
    }
    for (const pending of asked) {
      if (Buffer.byteLength(text) > pending.maxBytes) pending.fail(tooLargeError())
      else pending.answer(pending.ids.map((id) => byId.get(id) ?? noAnswer()))
    }
  }

  #oldestBatch(): Pending | undefined {
    return [...this.#pending.values()].find((pending) => pending.isBatch)
  }

  #drop(error: ChainRequestError): void {
    this.#socket = null
    this.#opening = null
    for (const pending of new Set(this.#pending.values())) pending.fail(error)
    const subscribers = [...this.#subscribers.values()]
    this.#subscribers.clear()
    for (const subscriber of subscribers) subscriber.onEnd(error)
    this.#onDidClose()
  }
}

function readNotification(text: string): { subscription: string; result: unknown } | null {
  // Cheap look first: answers may be large, and are parsed by the codec anyway.
  if (!text.slice(0, 256).includes('eth_subscription')) return null
  const message: unknown = JSON.parse(text)
  if (!isRecord(message) || message['method'] !== 'eth_subscription' || !isRecord(message['params']))
    return null
  return { subscription: String(message['params']['subscription']), result: message['params']['result'] }
}

/** The id of an answer that is not parsed: nodes write it at the beginning or at the end. Null where it is neither. */
function idAtEdge(bytes: Buffer): number | null {
  const head = /^\s*\[?\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*,/
  const tail = /,\s*"id"\s*:\s*(\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*\]?\s*$/
  const found =
    head.exec(bytes.toString('latin1', 0, 128)) ?? tail.exec(bytes.toString('latin1', bytes.length - 128))
  return found?.[1] === undefined ? null : Number(found[1])
}

function handshakeError(status: number): ChainRequestError {
  if (status < 400) return notJsonRpc('The address does not speak WebSocket.', status)
  return new ChainRequestError('http-status', `The node answered with HTTP status ${status}.`, {
    httpStatus: status,
  })
}

function socketError(error: Error, isOpen: boolean): ChainRequestError {
  const code = errorCode(error)
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return tooLargeError()
  if (code.startsWith('WS_ERR_') || code.startsWith('HPE_')) return notJsonRpc('The answer is not WebSocket.')
  return isOpen ? serverClosed() : unreachable(code === '' ? 'failed' : code)
}

function serverClosed(): ChainRequestError {
  return new ChainRequestError('closed', 'The node closed the connection.')
}

function unreachable(code: string): ChainRequestError {
  return new ChainRequestError('unreachable', `The node cannot be reached (${code}).`)
}
