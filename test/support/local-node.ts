import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'

/** One way for a node to be faulty. */
export type Fault =
  | 'none'
  | 'html'
  | 'other-json'
  | 'wrong-id'
  | 'hang'
  | 'close-mid-reply'
  | 'close-at-once'
  | { readonly status: number; readonly body?: string }

export type BatchFault = 'none' | 'shuffled' | 'refused-400' | 'refused-object' | 'one-missing'

interface Request {
  readonly id: number
  readonly method: string
  readonly params?: unknown[]
}

interface Block {
  readonly number: number
  readonly hash: string
  readonly parentHash?: string
  readonly logs?: readonly RpcLog[]
}

/** A log as eth_getLogs answers it. */
export interface RpcLog {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
  readonly blockNumber: string
  readonly blockHash: string
  readonly transactionHash: string
  readonly logIndex: string
  readonly removed: boolean
}

interface LogFilter {
  readonly address?: string | string[]
  readonly topics?: (string | string[] | null)[]
  readonly fromBlock?: string
  readonly toBlock?: string
  readonly blockHash?: string
}

/** A node with a chain of its own on 127.0.0.1, over http and ws at one port, faulty on demand. */
export class LocalNode {
  chainId = 1
  fault: Fault = 'none'
  /** Whose fault it is: all methods without a name. */
  faultyMethod: string | null = null
  batchFault: BatchFault = 'none'
  /** How many of the next http requests find their connection closed. */
  dropNext = 0
  /** Whether heads can be subscribed to. */
  pushes = true
  /** Whether subscribers are told of new heads. */
  isSilent = false
  /** Texts of everything received. */
  readonly received: string[] = []
  /** Answers by method, as JSON text of `"result":…` or `"error":…`. */
  readonly answers = new Map<string, string>()
  readonly chain: Block[] = [{ number: 0, hash: hashOf(0, 0), parentHash: hashOf(0, 99), logs: [] }]
  /** Times that newHeads was subscribed to. */
  subscriptions = 0
  /** Filters of the log subscriptions asked for. */
  readonly logSubscriptions: LogFilter[] = []
  #fork = 0
  #server: Server | null = null
  #sockets = new Set<Socket>()
  #subscribers = new Map<WebSocket, string>()
  #logSubscribers = new Map<WebSocket, Map<string, LogFilter>>()
  #port = 0

  get http(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  get ws(): string {
    return `ws://127.0.0.1:${this.#port}/`
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  get head(): Block {
    return this.chain[this.chain.length - 1]!
  }

  methods(): string[] {
    return this.received.flatMap((text) => {
      const parsed = JSON.parse(text) as Request | Request[]
      return Array.isArray(parsed) ? parsed.map((each) => each.method) : [parsed.method]
    })
  }

  /** Listens; after a stop at the same port again. */
  async start(): Promise<this> {
    const server = createServer((request, response) => void this.#answerHttp(request, response))
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    const webSockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket, head) => {
      if (typeof this.fault === 'object') {
        socket.end(`HTTP/1.1 ${this.fault.status} No\r\ncontent-length: 0\r\n\r\n`)
      } else if (this.fault === 'html') socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>')
      else webSockets.handleUpgrade(request, socket, head, (client) => this.#accept(client))
    })
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
    return this
  }

  /** Is down as after kill -9: connections break, the port refuses. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    this.#subscribers.clear()
    this.#logSubscribers.clear()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    this.breakConnections()
    await closed
  }

  breakConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Adds blocks and tells subscribers. */
  mine(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.#append([])
      if (!this.isSilent) for (const [client, id] of this.#subscribers) this.#push(client, id, this.head)
    }
  }

  /** Adds one block with logs: the address of each, its first topic, and its data. Tells subscribers. */
  mineLogs(...logs: readonly { address: string; topic?: string; data?: string }[]): Block {
    const number = this.head.number + 1
    const hash = hashOf(number, this.#fork)
    const block = this.#append(
      logs.map(({ address, topic, data }, index) => ({
        address,
        topics: topic === undefined ? [] : [topic],
        data: data ?? '0x',
        blockNumber: `0x${number.toString(16)}`,
        blockHash: hash,
        transactionHash: hashOf(index, 7),
        logIndex: `0x${index.toString(16)}`,
        removed: false,
      })),
    )
    for (const [client, id] of this.#subscribers) if (!this.isSilent) this.#push(client, id, block)
    for (const log of block.logs ?? []) this.pushLog(log)
    return block
  }

  /** Tells log subscribers whose filter matches. */
  pushLog(log: RpcLog): void {
    for (const [client, filters] of this.#logSubscribers) {
      for (const [subscription, filter] of filters) {
        if (!matches(filter, log)) continue
        const params = { subscription, result: log }
        client.send(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params }))
      }
    }
  }

  #append(logs: readonly RpcLog[]): Block {
    const { number, hash } = this.head
    const block = { number: number + 1, hash: hashOf(number + 1, this.#fork), parentHash: hash, logs }
    this.chain.push(block)
    return block
  }

  /** Tells subscribers of the newest head once more. */
  repeatHead(): void {
    for (const [client, id] of this.#subscribers) this.#push(client, id, this.head)
  }

  /** Drops the newest blocks and mines as many others, told one by one. */
  reorganise(depth: number): void {
    const left = this.chain.splice(-depth)
    for (const block of left.reverse()) {
      for (const log of block.logs ?? []) this.pushLog({ ...log, removed: true })
    }
    this.#fork++
    this.mine(depth)
  }

  #push(client: WebSocket, subscription: string, block: Block): void {
    const params = { subscription, result: header(block) }
    client.send(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params }))
  }

  async #answerHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    this.received.push(text)
    const fault = this.#faultOf(text)
    if (this.dropNext > 0) {
      this.dropNext--
      request.socket.destroy()
      return
    }
    if (fault === 'hang') return
    if (fault === 'close-at-once') return void request.socket.destroy()
    if (typeof fault === 'object') {
      response.writeHead(fault.status, { 'content-type': 'application/json' })
      return void response.end(fault.body ?? 'no')
    }
    if (fault === 'close-mid-reply') {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"jsonrpc":')
      return void setImmediate(() => request.socket.destroy())
    }
    if (fault === 'html') return void response.writeHead(200).end('<html>Hello</html>')
    if (text.startsWith('[') && this.batchFault === 'refused-400')
      return void response.writeHead(400).end('no')
    response.writeHead(200, { 'content-type': 'application/json' }).end(this.#answer(text, fault))
  }

  #accept(client: WebSocket): void {
    client.on('close', () => {
      this.#subscribers.delete(client)
      this.#logSubscribers.delete(client)
    })
    client.on('message', (data: Buffer) => {
      const text = data.toString('utf8')
      this.received.push(text)
      const fault = this.#faultOf(text)
      if (fault === 'hang') return
      if (fault === 'close-at-once' || fault === 'close-mid-reply') {
        client.terminate()
        return
      }
      if (fault === 'html') {
        client.send('<html>Hello</html>')
        return
      }
      const request = JSON.parse(text) as Request
      if (request.method === 'eth_subscribe' && this.pushes) {
        const filter = request.params?.[1] as LogFilter | undefined
        const count =
          request.params?.[0] === 'logs'
            ? this.logSubscriptions.push(filter ?? {}) + 1_000
            : ++this.subscriptions
        const subscription = `0x${count.toString(16)}`
        if (request.params?.[0] === 'logs') {
          const filters = this.#logSubscribers.get(client) ?? new Map<string, LogFilter>()
          this.#logSubscribers.set(client, filters.set(subscription, filter ?? {}))
        } else this.#subscribers.set(client, subscription)
        this.answers.set('eth_subscribe', `"result":"${subscription}"`)
      }
      client.send(this.#answer(text, fault))
    })
  }

  #find(filter: LogFilter): RpcLog[] {
    const wanted = (block: Block): boolean =>
      filter.blockHash === undefined
        ? block.number >= Number(filter.fromBlock) && block.number <= Number(filter.toBlock)
        : block.hash === filter.blockHash
    return this.chain
      .filter(wanted)
      .flatMap((block) => (block.logs ?? []).filter((log) => matches(filter, log)))
  }

  #faultOf(text: string): Fault {
    const isMeant = this.faultyMethod === null || text.includes(`"${this.faultyMethod}"`)
    return isMeant ? this.fault : 'none'
  }

  #answer(text: string, fault: Fault): string {
    if (fault === 'other-json') return '{"hello":"world"}'
    const parsed = JSON.parse(text) as Request | Request[]
    if (!Array.isArray(parsed)) return this.#answerOne(parsed, fault)
    if (this.batchFault === 'refused-object') {
      return '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}'
    }
    const answers = parsed.map((request) => this.#answerOne(request, fault))
    if (this.batchFault === 'shuffled') answers.reverse()
    if (this.batchFault === 'one-missing') answers.splice(1, 1)
    return `[${answers.join(' ,\n')}]`
  }

  #answerOne(request: Request, fault: Fault): string {
    const id = fault === 'wrong-id' ? request.id + 1_000 : request.id
    return `{"jsonrpc":"2.0","id":${id},${this.answers.get(request.method) ?? this.#ownAnswer(request)}}`
  }

  #ownAnswer(request: Request): string {
    switch (request.method) {
      case 'eth_chainId':
        return `"result":"0x${this.chainId.toString(16)}"`
      case 'eth_blockNumber':
        return `"result":"0x${this.head.number.toString(16)}"`
      case 'eth_getBlockByNumber': {
        const wanted = request.params?.[0]
        const block = wanted === 'latest' ? this.head : this.chain[Number(wanted)]
        return `"result":${block === undefined ? 'null' : JSON.stringify(header(block))}`
      }
      case 'eth_getLogs': {
        const filter = request.params?.[0] as LogFilter
        return `"result":${JSON.stringify(this.#find(filter))}`
      }
      case 'eth_unsubscribe':
        return '"result":true'
      default:
        return `"error":{"code":-32601,"message":"the method ${request.method} does not exist"}`
    }
  }
}

function matches(filter: LogFilter, log: RpcLog): boolean {
  const isOf = (wanted: string | readonly string[] | null | undefined, value: string | undefined): boolean =>
    wanted === null ||
    wanted === undefined ||
    (typeof wanted === 'string' ? [wanted] : wanted).includes(value ?? '')
  return (
    isOf(filter.address, log.address) &&
    (filter.topics ?? []).every((wanted, position) => isOf(wanted, log.topics[position]))
  )
}

function header(block: Block): unknown {
  return {
    number: `0x${block.number.toString(16)}`,
    hash: block.hash,
    parentHash: block.parentHash,
    timestamp: `0x${(1_700_000_000 + block.number * 2).toString(16)}`,
  }
}

function hashOf(number: number, fork: number): string {
  return `0x${fork.toString(16).padStart(8, '0')}${number.toString(16).padStart(56, '0')}`
}
