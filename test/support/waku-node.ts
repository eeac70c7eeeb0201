/** A Waku node's REST API (nwaku: relay with automatic sharding, store v3), its requests checked as the node does. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Stored {
  readonly payload: string
  readonly contentTopic: string
  readonly timestamp: bigint
}

/** Messages a node keeps of one topic until they are fetched. */
const cachePerTopic = 50
const maxPage = 100

export class WakuNode {
  readonly requests: string[] = []
  readonly caches = new Map<string, Stored[]>()
  readonly archive: Stored[] = []
  /** Whether the node knows a peer that stores. */
  stores = true
  fault: number | undefined
  private server: Server | undefined
  private port = 0

  async start(): Promise<string> {
    const server = createServer((request, response) => void this.serve(request, response))
    this.server = server
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.address() as AddressInfo).port
    return `http://127.0.0.1:${this.port}`
  }

  /** Goes away; started again it is at the same address, without its subscriptions. */
  async stop(): Promise<void> {
    this.caches.clear()
    this.server?.closeAllConnections()
    await new Promise((resolve) => this.server?.close(resolve))
  }

  /** As if a peer had sent it. */
  relay(contentTopic: string, payload: Uint8Array, timestamp: bigint): void {
    this.take({ contentTopic, payload: Buffer.from(payload).toString('base64'), timestamp })
  }

  private take(message: Stored): void {
    this.archive.push(message)
    const cache = this.caches.get(message.contentTopic)
    cache?.push(message)
    if (cache !== undefined && cache.length > cachePerTopic) cache.shift()
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const url = new URL(request.url ?? '/', 'http://waku')
    this.requests.push(`${request.method} ${request.url ?? ''}`)
    const text = (status: number, value: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain' }).end(value)
    }
    const json = (value: string): void => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(value)
    }
    if (this.fault !== undefined) {
      text(this.fault, 'no')
      return
    }
    const isJson = request.headers['content-type'] === 'application/json'
    const [first, , third = '', fourth = '', fifth] = url.pathname.split('/').slice(1)
    if (first === 'relay' && third === 'auto' && fourth === 'subscriptions') {
      const topics = isJson ? topicsOf(body) : null
      if (topics === null) text(400, 'Bad Request')
      else {
        for (const topic of topics) {
          if (request.method === 'DELETE') this.caches.delete(topic)
          else if (!this.caches.has(topic)) this.caches.set(topic, [])
        }
        text(200, 'OK')
      }
    } else if (first === 'relay' && fourth === 'messages' && request.method === 'POST') {
      const message = isJson ? messageOf(body) : null
      if (message === null) text(400, 'Bad Request')
      else {
        this.take(message)
        text(200, 'OK')
      }
    } else if (first === 'relay' && fourth === 'messages' && fifth !== undefined) {
      const cache = this.caches.get(decodeURIComponent(fifth))
      if (cache === undefined) text(404, 'Not Found')
      else json(`[${cache.splice(0).map(printed).join(',')}]`)
    } else if (first === 'store' && url.pathname === '/store/v3/messages') {
      if (this.stores) json(this.page(url.searchParams))
      else text(412, 'Missing known store-peer node')
    } else {
      text(404, 'Not Found')
    }
  }

  private page(query: URLSearchParams): string {
    const topics = (query.get('contentTopics') ?? '').split(',')
    const start = BigInt(query.get('startTime') ?? 0)
    const end = BigInt(query.get('endTime') ?? 2n ** 63n - 1n)
    const size = Math.min(Number(query.get('pageSize') ?? 20), maxPage)
    const ascending = query.get('ascending') !== 'false'
    const matching = this.archive
      .filter((each) => topics.includes(each.contentTopic))
      .filter((each) => each.timestamp >= start && each.timestamp <= end)
      .sort((one, other) => (one.timestamp < other.timestamp ? -1 : 1))
    if (!ascending) matching.reverse()
    const cursor = query.get('cursor')
    const from = cursor === null ? 0 : matching.findIndex((each) => hashOf(each) === cursor) + 1
    const page = matching.slice(from, from + size)
    const last = page.at(-1)
    const more = last !== undefined && from + size < matching.length
    const data = query.get('includeData') === 'true'
    // Within a page the order is always of time.
    const ordered = ascending ? page : [...page].reverse()
    const entries = ordered.map(
      (each) => `{"messageHash":"${hashOf(each)}"${data ? `,"message":${printed(each)}` : ''}}`,
    )
    return `{"requestId":"1","statusCode":200,"statusDesc":"OK","messages":[${entries.join(',')}]${
      more ? `,"paginationCursor":"${hashOf(last)}"` : ''
    }}`
  }
}

function printed({ payload, contentTopic, timestamp }: Stored): string {
  const topic = JSON.stringify(contentTopic)
  return `{"payload":"${payload}","contentTopic":${topic},"version":0,"timestamp":${timestamp},"ephemeral":false}`
}

function hashOf(message: Stored): string {
  return createHash('sha256').update(printed(message)).digest('base64')
}

function topicsOf(body: string): string[] | null {
  const topics: unknown = JSON.parse(body)
  return Array.isArray(topics) && topics.every((each) => isSharded(each)) ? (topics as string[]) : null
}

/** Automatic sharding takes `/application/version/name/encoding` alone. */
function isSharded(topic: unknown): boolean {
  return typeof topic === 'string' && /^(\/[^/]+){4}$/.test(topic)
}

function messageOf(body: string): Stored | null {
  const time = /"timestamp":(\d+)/.exec(body)?.[1]
  const { payload, contentTopic } = JSON.parse(body) as { payload?: unknown; contentTopic?: unknown }
  if (typeof payload !== 'string' || payload === '' || !isSharded(contentTopic) || time === undefined)
    return null
  return { payload, contentTopic: contentTopic as string, timestamp: BigInt(time) }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}
