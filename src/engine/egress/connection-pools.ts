/** Connections kept open between requests of one owner to one host at the same addresses (spec tools 4 step 10). */
import * as http from 'node:http'
import type * as net from 'node:net'
import { isSameAddress } from './address-ranges.ts'
import { EgressError } from './egress-error.ts'
import { bareHost, portOf } from './target.ts'
import type { Connection, Destination } from './types.ts'

/** Spec tools 4 step 10. */
const maxPools = 128
const maxIdlePerPool = 4
/** Shorter than what servers wait before they close: a request must not meet a connection that is being closed. */
const idleMs = 2_000

interface Kept extends Connection {
  readonly agent: http.Agent
  /** Ends what watches over it while it is idle. */
  readonly wake: () => void
}

/** `owner` names whose connections they are; other addresses of the same host are another pool. */
export function poolKey(owner: string, { url, addresses }: Destination): string {
  return JSON.stringify([owner, url.protocol, bareHost(url), portOf(url), [...addresses].sort()])
}

export class ConnectionPools {
  /** The pool used longest ago comes first. */
  private readonly pools = new Map<string, Kept[]>()
  private readonly max: number

  constructor(max = maxPools) {
    this.max = max
  }

  /** An idle connection whose peer is still one of `addresses`. */
  take(key: string, addresses: readonly string[]): Connection | undefined {
    const idle = this.touch(key)
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
      kept.wake()
      const { socket } = kept
      const peer = socket.remoteAddress
      const isVetted = peer !== undefined && addresses.some((address) => isSameAddress(address, peer))
      if (isVetted && socket.writable && !socket.destroyed) return kept
      socket.destroy()
    }
    return undefined
  }

  /** A connection that comes back to the pool after each exchange that leaves it usable. */
  adopt(key: string, socket: net.Socket): Connection {
    const agent = new OneConnection(socket)
    // The agent's own listener came first: the socket is its to use again, or destroyed.
    agent.on('free', () => this.giveBack(key, socket, agent))
    return { socket, agent }
  }

  close(): void {
    for (const key of [...this.pools.keys()]) this.drop(key)
  }

  get idle(): number {
    return [...this.pools.values()].reduce((sum, idle) => sum + idle.length, 0)
  }

  /** Pools, the one used longest ago first; for tests. */
  keys(): string[] {
    return [...this.pools.keys()]
  }

  private giveBack(key: string, socket: net.Socket, agent: http.Agent): void {
    if (socket.destroyed) return
    // A pool that was closed meanwhile takes nothing back.
    const idle = this.pools.get(key)
    if (idle === undefined || idle.length >= maxIdlePerPool) {
      socket.destroy()
      return
    }
    // Whatever a server says unasked would be taken for the answer to the next request.
    const onData = (): void => void socket.destroy()
    const timer = setTimeout(() => socket.destroy(), idleMs)
    timer.unref()
    const onClose = (): void => {
      const at = idle.indexOf(kept)
      if (at >= 0) idle.splice(at, 1)
      clearTimeout(timer)
    }
    const wake = (): void => {
      clearTimeout(timer)
      socket.off('data', onData)
      socket.off('close', onClose)
    }
    const kept: Kept = { socket, agent, wake }
    socket.on('data', onData)
    socket.on('close', onClose)
    idle.push(kept)
  }

  private touch(key: string): Kept[] {
    const idle = this.pools.get(key) ?? []
    this.pools.delete(key)
    this.pools.set(key, idle)
    const [oldest] = this.pools.keys()
    if (this.pools.size > this.max && oldest !== undefined) this.drop(oldest)
    return idle
  }

  private drop(key: string): void {
    const idle = this.pools.get(key) ?? []
    this.pools.delete(key)
    for (const { socket, wake } of idle.splice(0)) {
      wake()
      socket.destroy()
    }
  }
}

/** An agent of one connection, which it makes no second of. */
class OneConnection extends http.Agent {
  private socket: net.Socket | undefined

  constructor(socket: net.Socket) {
    super({ keepAlive: true, maxSockets: 1 })
    this.socket = socket
  }

  override createConnection(): net.Socket {
    const { socket } = this
    this.socket = undefined
    if (socket === undefined) throw new EgressError('closed', 'The connection was closed meanwhile.')
    return socket
  }
}
