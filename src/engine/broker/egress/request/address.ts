/** Step 10: which addresses of a host a request may go to (spec tools 4). */
import { parseRange } from '../../../egress/address-ranges.ts'
import type { Egress } from '../../../egress/egress.ts'
import { EgressError } from '../../../egress/egress-error.ts'
import { everywhere, PermittedDestinations, publicOnly } from '../../../egress/permitted-destinations.ts'
import type { Destination } from '../../../egress/types.ts'
import { Refusal } from '../failures.ts'
import type { Target } from './request-url.ts'

/** A host whose addresses were all judged, and what they were judged by. */
export interface VettedHost {
  readonly destination: Destination
  readonly permitted: PermittedDestinations
}

/** One lookup; every address is judged. Throws `Refusal` (`private_address`) and `EgressError`. */
export async function vetAddresses(
  egress: Egress,
  target: Target,
  permittedPrivate: readonly string[],
  signal: AbortSignal,
): Promise<VettedHost> {
  const permitted = permittedFor(target, permittedPrivate)
  try {
    return { destination: await egress.resolve(target.url, permitted, signal), permitted }
  } catch (error) {
    if (error instanceof EgressError && error.kind === 'forbidden-address') {
      throw new Refusal('address', 'private_address', 'An address of the host is not of the public internet.')
    }
    throw error
  }
}

/**
 * What the operator permits for this host and port. Entries are `host:port`: an address or block permits itself, a name
 * every address it has, and only under this name; without a port they are for every port.
 */
function permittedFor({ host, port }: Target, entries: readonly string[]): PermittedDestinations {
  const ranges: string[] = []
  for (const entry of entries) {
    const permitted = splitEntry(entry)
    if (permitted.port !== null && permitted.port !== port) continue
    if (parseRange(permitted.host) !== null) ranges.push(permitted.host)
    else if (permitted.host === host) return everywhere
  }
  return ranges.length === 0 ? publicOnly : new PermittedDestinations(ranges)
}

function splitEntry(entry: string): { readonly host: string; readonly port: number | null } {
  const text = entry.trim().toLowerCase()
  const [, inBrackets, prefix = '', port] = /^\[([^\]]*)\](\/\d{1,3})?(?::(\d{1,5}))?$/.exec(text) ?? []
  if (inBrackets !== undefined)
    return { host: inBrackets + prefix, port: port === undefined ? null : Number(port) }
  const [, plain, plainPort] = /^([^:]*):(\d{1,5})$/.exec(text) ?? []
  return plain === undefined ? { host: text, port: null } : { host: plain, port: Number(plainPort) }
}
