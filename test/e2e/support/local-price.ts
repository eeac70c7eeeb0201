/** A server on this machine that answers a price, as price-alert asks for it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export class LocalPrice {
  readonly url: string
  private readonly server: Server

  private constructor(server: Server) {
    this.server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/price`
  }

  static async start(): Promise<LocalPrice> {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"price": 1500}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new LocalPrice(server)
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
