/** Addresses beyond the public internet that the operator permits (`limits.http.permit_destinations`). */
import { contains, isPublicAddress, parseAddress, parseRange, type AddressRange } from './address-ranges.ts'

export class PermittedDestinations {
  private readonly ranges: readonly AddressRange[]

  /** `entries`: addresses and blocks, IPv6 with or without brackets, and `localhost`; other texts permit nothing. */
  constructor(entries: readonly string[] = []) {
    this.ranges = entries.flatMap((entry) => {
      const text = entry
        .trim()
        .toLowerCase()
        .replace(/^\[(.*)\]/, '$1')
      const texts = text === 'localhost' ? ['127.0.0.0/8', '::1'] : [text]
      return texts.map((each) => parseRange(each)).filter((range) => range !== null)
    })
  }

  /** Whether a connection may go to the address. */
  allows(address: string): boolean {
    if (isPublicAddress(address)) return true
    const bytes = parseAddress(address)
    return bytes !== null && this.ranges.some((range) => contains(range, bytes))
  }
}

/** For servers that the operator named: where they are makes no difference. */
export const everywhere = new PermittedDestinations(['0.0.0.0/0', '::/0'])

/** The public internet alone. */
export const publicOnly = new PermittedDestinations()
