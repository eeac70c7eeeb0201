/** An order book of the CoW Protocol over HTTP: orders are checked and addressed as the real one does. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hashTypedData, recoverTypedDataAddress, type Hex } from 'viem'

const types = {
  Order: [
    { name: 'sellToken', type: 'address' },
    { name: 'buyToken', type: 'address' },
    { name: 'receiver', type: 'address' },
    { name: 'sellAmount', type: 'uint256' },
    { name: 'buyAmount', type: 'uint256' },
    { name: 'validTo', type: 'uint32' },
    { name: 'appData', type: 'bytes32' },
    { name: 'feeAmount', type: 'uint256' },
    { name: 'kind', type: 'string' },
    { name: 'partiallyFillable', type: 'bool' },
    { name: 'sellTokenBalance', type: 'string' },
    { name: 'buyTokenBalance', type: 'string' },
  ],
} as const

const members = new Set([
  ...types.Order.map(({ name }) => name),
  ...['appDataHash', 'signingScheme', 'signature', 'from', 'quoteId'],
])
const settlement = '0x9008D19f58AAbD9eD0D60971565AA8510560ab41'

export interface Order {
  readonly sellToken: Hex
  readonly buyToken: Hex
  readonly receiver?: Hex
  readonly sellAmount: string
  readonly buyAmount: string
  readonly feeAmount: string
  readonly validTo: number
  readonly appData: string
  readonly appDataHash: Hex
  readonly kind: string
  readonly partiallyFillable: boolean
  readonly sellTokenBalance: string
  readonly buyTokenBalance: string
  readonly signingScheme: string
  readonly signature: Hex
  readonly from: Hex
  readonly quoteId?: number
}

export class OrderBook {
  readonly chainId: number
  readonly slug: string
  readonly requests: { readonly line: string; readonly body: string; readonly contentType?: string }[] = []
  readonly orders = new Map<string, Order>()
  /** Answered to the next request instead. */
  next: { readonly status: number; readonly body: string; readonly type?: string } | undefined
  private server: Server | undefined

  constructor(chainId: number, slug = 'local') {
    this.chainId = chainId
    this.slug = slug
  }

  /** Answers the base, without a trailing slash. */
  async start(): Promise<string> {
    const server = createServer((request, response) => void this.serve(request, response))
    this.server = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/${this.slug}`
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections()
    await new Promise((resolve) => this.server?.close(resolve))
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const contentType = request.headers['content-type']
    this.requests.push({
      line: `${request.method} ${request.url ?? ''}`,
      body,
      ...(contentType === undefined ? {} : { contentType }),
    })
    const answer = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    if (this.next !== undefined) {
      const { status, body: text, type = 'application/json' } = this.next
      this.next = undefined
      response.writeHead(status, { 'content-type': type, location: 'http://127.0.0.1:1/' }).end(text)
      return
    }
    const path = new URL(request.url ?? '/', 'http://book').pathname
    const prefix = `/${this.slug}/api/v1/`
    if (!path.startsWith(prefix)) {
      response.writeHead(404).end()
      return
    }
    const [kind, id = '', rest] = path.slice(prefix.length).split('/')
    if (kind === 'version') answer(200, { version: 'local' })
    else if (kind === 'orders' && request.method === 'POST' && id === '')
      await this.take(body, contentType, answer)
    else if (kind === 'orders' && request.method === 'GET' && this.orders.has(id))
      answer(200, this.orders.get(id))
    else if (kind === 'account' && rest === 'orders') {
      answer(
        200,
        [...this.orders]
          .filter(([, order]) => order.from === id.toLowerCase())
          .map(([uid, order]) => ({ uid, ...order })),
      )
    } else answer(404, { errorType: 'NotFound', description: 'There is no such thing' })
  }

  private async take(
    body: string,
    contentType: string | undefined,
    answer: (status: number, value: unknown) => void,
  ): Promise<void> {
    const refuse = (errorType: string, description: string): void => answer(400, { errorType, description })
    if (contentType !== 'application/json') {
      answer(415, { errorType: 'MediaType', description: 'Not JSON' })
      return
    }
    const order = JSON.parse(body) as Order
    const unknown = Object.keys(order).find((name) => !members.has(name))
    if (unknown !== undefined) {
      refuse('InvalidOrder', `unknown member ${unknown}`)
      return
    }
    const typed = this.typedData(order)
    if (order.signingScheme === 'eip712') {
      const signer = await recoverTypedDataAddress({ ...typed, signature: order.signature })
      if (signer.toLowerCase() !== order.from) {
        refuse('WrongOwner', 'The signature is of another account')
        return
      }
    }
    const uid = `${hashTypedData(typed)}${order.from.slice(2)}${order.validTo.toString(16).padStart(8, '0')}`
    if (this.orders.has(uid)) {
      refuse('DuplicatedOrder', 'order already exists')
      return
    }
    this.orders.set(uid, order)
    answer(201, uid)
  }

  private typedData(order: Order) {
    const { receiver = '0x0000000000000000000000000000000000000000' } = order
    return {
      domain: {
        name: 'Gnosis Protocol',
        version: 'v2',
        chainId: this.chainId,
        verifyingContract: settlement,
      },
      types,
      primaryType: 'Order',
      message: {
        ...order,
        receiver,
        appData: order.appDataHash,
        sellAmount: BigInt(order.sellAmount),
        buyAmount: BigInt(order.buyAmount),
        feeAmount: BigInt(order.feeAmount),
      },
    } as const
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}
