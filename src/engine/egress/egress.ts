/**
 * The way out: every HTTP request that leaves for a module goes through here. One lookup, every address judged, a
 * connection to a judged address only, caps while streaming, no redirect followed, no proxy, no cookie, no ambient
 * credential (spec nexum-host 8.8, spec tools 4). Knows nothing of modules, grants or allowlists.
 */
import { startDeadlines, type Deadlines } from './deadlines.ts'
import { ConnectionPools, poolKey } from './connection-pools.ts'
import { connectTo, type TrustOptions } from './connect.ts'
import { EgressError } from './egress-error.ts'
import { exchange } from './exchange.ts'
import type { Connection, Destination, EgressRequest, EgressResponse } from './types.ts'
import { publicOnly, type PermittedDestinations } from './permitted-destinations.ts'
import { systemResolver, type ResolveHost } from './resolver.ts'
import { literalAddress } from './target.ts'

export interface EgressOptions {
  readonly resolve?: ResolveHost
  readonly trust?: TrustOptions
}

export class Egress {
  private readonly resolveHost: ResolveHost
  private readonly trust: TrustOptions
  private readonly pools = new ConnectionPools()

  constructor(options: EgressOptions = {}) {
    this.resolveHost = options.resolve ?? systemResolver()
    this.trust = options.trust ?? {}
  }

  /** One exchange. Any status is an answer. Throws `EgressError`. */
  request(request: EgressRequest): Promise<EgressResponse> {
    return withDeadlines(request, async (deadlines) => {
      const destination = await this.resolve(request.url, request.permitted, deadlines.signal)
      return await this.exchangeWith(destination, request, deadlines)
    })
  }

  /**
   * One exchange with a destination that was judged before; its URL may have another path and query since. Throws
   * `EgressError`, `invalid-url` when the origin is another.
   */
  send(destination: Destination, request: EgressRequest): Promise<EgressResponse> {
    if (destination.url.origin !== request.url.origin) {
      return Promise.reject(
        new EgressError('invalid-url', 'The request is for another host than the one judged.'),
      )
    }
    return withDeadlines(request, (deadlines) => this.exchangeWith(destination, request, deadlines))
  }

  /** Connections kept for later requests. */
  get idleConnections(): number {
    return this.pools.idle
  }

  /** Closes every connection that is kept for later requests. */
  close(): void {
    this.pools.close()
  }

  /**
   * Looks the host up once and judges every address: one that is neither public nor permitted refuses the request.
   * Throws `EgressError` (`dns`, `forbidden-address`, `cancelled`).
   */
  async resolve(
    url: URL,
    permitted: PermittedDestinations = publicOnly,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Destination> {
    const literal = literalAddress(url)
    const addresses = literal === null ? await this.resolveHost(url.hostname, signal) : [literal]
    if (addresses.length === 0) throw new EgressError('dns', `${url.hostname} has no address.`)
    if (!addresses.every((address) => permitted.allows(address))) {
      throw new EgressError(
        'forbidden-address',
        `${url.hostname} is on this machine or a private network, which is not permitted.`,
      )
    }
    return { url, addresses }
  }

  private async exchangeWith(
    destination: Destination,
    request: EgressRequest,
    deadlines: Deadlines,
  ): Promise<EgressResponse> {
    const connection = await deadlines.during('connect', () =>
      this.connectionTo(destination, request, deadlines.signal),
    )
    request.observer?.onPeer(connection.socket.remoteAddress ?? '')
    return await exchange(connection, request, deadlines)
  }

  private async connectionTo(
    destination: Destination,
    { pool }: EgressRequest,
    signal: AbortSignal,
  ): Promise<Connection> {
    if (pool === undefined) return { socket: await connectTo(destination, this.trust, signal) }
    const key = poolKey(pool, destination)
    const kept = this.pools.take(key, destination.addresses)
    return kept ?? this.pools.adopt(key, await connectTo(destination, this.trust, signal))
  }
}

async function withDeadlines(
  { timeouts, signal }: EgressRequest,
  work: (deadlines: Deadlines) => Promise<EgressResponse>,
): Promise<EgressResponse> {
  const deadlines = startDeadlines(timeouts, signal)
  try {
    return await work(deadlines)
  } catch (error) {
    throw deadlines.explain(error)
  } finally {
    deadlines.end()
  }
}
