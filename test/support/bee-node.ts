/** A Bee node's API over HTTP: what is asked is checked as a node does, addresses by another implementation than ours. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { makeChunk, makeChunkedFile, makeSpan } from '@fairdatasociety/bmt-js'
import { keccak256, recoverMessageAddress, type Hex } from 'viem'

interface Update {
  readonly index: bigint
  readonly raw: Buffer
}

export class BeeNode {
  readonly batch = 'ab'.repeat(32)
  readonly requests: string[] = []
  readonly content = new Map<string, Buffer>()
  readonly chunks = new Map<string, Buffer>()
  /** Answers the next request whose line contains `on` with this. */
  fault: { readonly on: string; readonly status: number } | undefined
  /** Status of a feed without updates; older nodes say 500. */
  missStatus = 404
  private server: Server | undefined

  async start(): Promise<string> {
    const server = createServer((request, response) => void this.serve(request, response))
    this.server = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections()
    await new Promise((resolve) => this.server?.close(resolve))
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const url = new URL(request.url ?? '/', 'http://bee')
    const line = `${request.method} ${url.pathname}`
    this.requests.push(line)
    const json = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    if (this.fault !== undefined && line.includes(this.fault.on)) {
      const { status } = this.fault
      this.fault = undefined
      json(status, { code: status, message: 'no' })
      return
    }
    const [kind, first = '', second = ''] = url.pathname.split('/').slice(1)
    if (request.method === 'POST' && kind === 'bytes') {
      if (!this.pays(request, json)) return
      const reference = hexOf(makeChunkedFile(body).address())
      this.content.set(reference, body)
      json(201, { reference })
    } else if (request.method === 'GET' && (kind === 'bytes' || kind === 'chunks')) {
      const held = (kind === 'bytes' ? this.content : this.chunks).get(first)
      if (held === undefined) json(404, { code: 404, message: 'Not Found' })
      else response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(held)
    } else if (request.method === 'POST' && kind === 'soc') {
      if (this.pays(request, json)) await this.takeOwned(first, second, url, body, json)
    } else if (request.method === 'GET' && kind === 'feeds') {
      this.answerFeed(first, second, request, response, json)
    } else {
      json(405, { code: 405, message: 'Method Not Allowed' })
    }
  }

  private pays(request: IncomingMessage, json: (status: number, value: unknown) => void): boolean {
    const batch = request.headers['swarm-postage-batch-id']
    if (request.headers['content-type'] !== 'application/octet-stream') {
      json(400, { code: 400, message: 'invalid content type' })
      return false
    }
    if (batch === this.batch) return true
    json(batch === undefined ? 400 : 402, { code: 402, message: 'batch is overissued' })
    return false
  }

  private async takeOwned(
    owner: string,
    id: string,
    url: URL,
    body: Buffer,
    json: (status: number, value: unknown) => void,
  ): Promise<void> {
    const signature = url.searchParams.get('sig') ?? ''
    const payload = body.subarray(8)
    const spanFits = Buffer.from(makeSpan(payload.length)).equals(body.subarray(0, 8))
    if (!spanFits || !/^[0-9a-f]{130}$/.test(signature) || id.length !== 64 || owner.length !== 40) {
      json(400, { code: 400, message: 'chunk data error' })
      return
    }
    const digest = keccak256(Buffer.concat([Buffer.from(id, 'hex'), makeChunk(payload).address()]))
    const signer = await recoverMessageAddress({ message: { raw: digest }, signature: `0x${signature}` })
    if (signer.toLowerCase() !== `0x${owner}`) {
      json(401, { code: 401, message: 'invalid chunk' })
      return
    }
    const reference = addressOf(id, owner)
    if (!this.chunks.has(reference)) {
      this.chunks.set(reference, Buffer.concat([Buffer.from(id, 'hex'), Buffer.from(signature, 'hex'), body]))
    }
    json(201, { reference })
  }

  private answerFeed(
    owner: string,
    topic: string,
    request: IncomingMessage,
    response: ServerResponse,
    json: (status: number, value: unknown) => void,
  ): void {
    const newest = this.newest(owner, topic)
    if (newest === null || request.headers['swarm-only-root-chunk'] !== 'true') {
      json(this.missStatus, { code: this.missStatus, message: 'no update found' })
      return
    }
    const indexHex = (index: bigint): string => index.toString(16).padStart(16, '0')
    response
      .writeHead(200, {
        'content-type': 'application/octet-stream',
        'swarm-feed-index': indexHex(newest.index),
        'swarm-feed-index-next': indexHex(newest.index + 1n),
      })
      .end(newest.raw.subarray(97))
  }

  private newest(owner: string, topic: string): Update | null {
    let found: Update | null = null
    for (let index = 0n; ; index += 1n) {
      const id = keccak256(`0x${topic}${index.toString(16).padStart(16, '0')}` as Hex).slice(2)
      const raw = this.chunks.get(addressOf(id, owner))
      if (raw === undefined) return found
      found = { index, raw }
    }
  }
}

function addressOf(id: string, owner: string): string {
  return keccak256(`0x${id}${owner}` as Hex).slice(2)
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}
