import { createServer, connect, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

/** What becomes of what the node answers. */
export type Flaw = 'none' | 'cut' | 'garbage' | 'silent'

/** Stands between the engine and a real node, byte for byte, and fails as told. */
export class FlakyProxy {
  flaw: Flaw = 'none'
  private readonly target: number
  private readonly sockets = new Set<Socket>()
  private server: Server | null = null
  private port = 0

  constructor(target: number) {
    this.target = target
  }

  get ws(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  /** Listens; after a stop at the same port again. */
  async start(): Promise<this> {
    const server = createServer((client) => this.join(client))
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.address() as AddressInfo).port
    this.server = server
    return this
  }

  /** Refuses connections and breaks those there are. */
  async stop(): Promise<void> {
    const { server } = this
    this.server = null
    const closed = new Promise<void>((resolve) =>
      server === null ? resolve() : server.close(() => resolve()),
    )
    this.breakConnections()
    await closed
  }

  breakConnections(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private join(client: Socket): void {
    const node = connect(this.target, '127.0.0.1')
    for (const [socket, other] of [
      [client, node],
      [node, client],
    ] as const) {
      this.sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.sockets.delete(socket)
        other.destroy()
      })
    }
    client.on('data', (bytes) => node.write(bytes))
    node.on('data', (bytes: Buffer) => {
      switch (this.flaw) {
        case 'none':
          client.write(bytes)
          return
        case 'cut':
          client.write(bytes.subarray(0, bytes.length >> 1), () => client.destroy())
          return
        case 'garbage':
          client.write(Buffer.from(bytes.map((byte) => byte ^ 0x5a)))
          return
        case 'silent':
          return
      }
    })
  }
}
