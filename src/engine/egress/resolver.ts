/** Names to addresses, each name looked up once and with a time limit of its own. */
import { Resolver } from 'node:dns/promises'
import { errnoOf } from '../errno.ts'
import { EgressError } from './egress-error.ts'
import { HostsFile } from './hosts-file.ts'

/** Spec tools 4 step 10. */
const lookupMs = 5_000

/**
 * All addresses of a host name, at least one. Throws `EgressError` (`dns`, or `cancelled` when `signal` is aborted).
 */
export type ResolveHost = (host: string, signal: AbortSignal) => Promise<readonly string[]>

export interface ResolverOptions {
  /** Name servers (`127.0.0.1:5353`) instead of the machine's. */
  readonly servers?: readonly string[]
  readonly hostsFile?: HostsFile
  readonly timeoutMs?: number
}

/**
 * Asks the machine's hosts file, then its name servers, for A and AAAA records. `getaddrinfo` is not used: it holds
 * one of Node's few pool threads as long as it likes, and cannot be called off.
 */
export function systemResolver(options: ResolverOptions = {}): ResolveHost {
  const hostsFile = options.hostsFile ?? new HostsFile()
  const limitMs = options.timeoutMs ?? lookupMs
  return async (host, signal) => {
    const name = host.endsWith('.') ? host.slice(0, -1) : host
    const known = isLocalhost(name) ? ['127.0.0.1', '::1'] : await hostsFile.addressesOf(name)
    if (signal.aborted) throw cancelled()
    return known.length > 0 ? known : await ask(host, signal, limitMs, options.servers)
  }
}

async function ask(
  host: string,
  signal: AbortSignal,
  limitMs: number,
  servers: readonly string[] | undefined,
): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: Math.max(1, Math.floor(limitMs / 2)), tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  const stop = (): void => resolver.cancel()
  const timer = setTimeout(stop, limitMs)
  signal.addEventListener('abort', stop, { once: true })
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    if (signal.aborted) throw cancelled()
    const found = [four, six].flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
    // One of the two may fail: connections go to addresses that were found, and to no other.
    if (found.length > 0) return found
    const reason: unknown = four.status === 'rejected' ? four.reason : undefined
    throw new EgressError('dns', `${host} cannot be resolved (${errnoOf(reason) ?? 'failed'}).`)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

/** RFC 6761: these names are this machine whatever a name server says. */
function isLocalhost(name: string): boolean {
  const lower = name.toLowerCase()
  return lower === 'localhost' || lower.endsWith('.localhost')
}

function cancelled(): EgressError {
  return new EgressError('cancelled', 'The request was called off.')
}
