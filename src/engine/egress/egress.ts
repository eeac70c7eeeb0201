/**
 * The way out: every HTTP request that leaves for a module goes through here. One lookup, every address judged, a
 * connection to a judged address only, caps while streaming, no redirect followed, no proxy, no cookie, no ambient
 * credential (spec nexum-host 8.8, spec tools 4). Knows nothing of modules, grants or allowlists.
 */
import type * as net from 'node:net'
import { startDeadlines } from './deadlines.ts'
import { connectTo, type TrustOptions } from './connect.ts'
import { EgressError } from './egress-error.ts'
import { exchange } from './exchange.ts'
import type { Destination, EgressRequest, EgressResponse } from './types.ts'
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

  constructor(options: EgressOptions = {}) {
    this.resolveHost = options.resolve ?? systemResolver()
    this.trust = options.trust ?? {}
  }

  /** One exchange. Any status is an answer. Throws `EgressError`. */
  async request(request: EgressRequest): Promise<EgressResponse> {
    const deadlines = startDeadlines(request.timeouts, request.signal)
    try {
      const destination = await this.resolve(request.url, request.permitted, deadlines.signal)
      const socket = await deadlines.during('connect', () => this.connect(destination, deadlines.signal))
      return await exchange(socket, request, deadlines)
    } catch (error) {
      throw deadlines.explain(error)
    } finally {
      deadlines.end()
    }
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

  private connect(destination: Destination, signal: AbortSignal): Promise<net.Socket> {
    return connectTo(destination, this.trust, signal)
  }
}
