/**
 * Which addresses are of the public internet, and which are of this machine, its networks, or of nobody
 * (spec nexum-host 8.8, spec tools 4 step 10). One list for everything that leaves through the egress.
 */
import { isIPv4, isIPv6 } from 'node:net'

/** An address as its bytes: 4 or 16 of them. */
export type AddressBytes = readonly number[]

export interface AddressRange {
  readonly bytes: AddressBytes
  readonly prefix: number
}

/** Ranges that no request reaches unless the operator permits it. */
const nonPublicRanges: readonly AddressRange[] = [
  '0.0.0.0/8', // this network, the unspecified address
  '10.0.0.0/8',
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local, the metadata service of clouds
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16',
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  // Global addresses begin with 001 (RFC 4291, 2.4); all else is local, multicast, or nobody's yet.
  '::/3',
  '4000::/2',
  '8000::/1',
  '2001::/23', // for protocols; Teredo among them
  '2001:db8::/32',
  '2002::/16', // 6to4
  '3fff::/20', // documentation
].map((text) => mustParseRange(text))

/** Ranges whose last four bytes are an IPv4 address that is judged instead: mapped, compatible, NAT64. */
const embeddingRanges = ['::ffff:0:0/96', '::/96', '64:ff9b::/96'].map((text) => mustParseRange(text))

/** Whether the address is of the public internet. Text that is no address is not. */
export function isPublicAddress(address: string): boolean {
  const bytes = parseAddress(address)
  return bytes !== null && !nonPublicRanges.some((range) => contains(range, bytes))
}

/**
 * The bytes of an address in any notation, with an embedded IPv4 address taken out; null for other text. A zone
 * (`fe80::1%eth0`) is dropped.
 */
export function parseAddress(text: string): AddressBytes | null {
  const bytes = rawBytes(text)
  if (bytes?.length !== 16) return bytes
  // "::" and "::1" are addresses of their own, not 0.0.0.0 and 0.0.0.1 in another notation.
  if (bytes.slice(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) <= 1) return bytes
  return embeddingRanges.some((range) => contains(range, bytes)) ? bytes.slice(12) : bytes
}

/** Whether both texts are the same address, whatever their notation. */
export function isSameAddress(one: string, other: string): boolean {
  const a = parseAddress(one)
  const b = parseAddress(other)
  return a !== null && b !== null && a.length === b.length && a.every((byte, index) => byte === b[index])
}

/** An address or a block such as `10.0.0.0/8`; null for other text. An embedded IPv4 block is taken out. */
export function parseRange(text: string): AddressRange | null {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const raw = rawBytes(address)
  if (raw === null) return null
  const prefixText = slash < 0 ? String(raw.length * 8) : text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(prefixText) || Number(prefixText) > raw.length * 8) return null
  const prefix = Number(prefixText)
  const bytes = parseAddress(address)
  if (bytes === null) return null
  // A block wider than what embeds it stays one of IPv6.
  if (bytes.length === 4 && raw.length === 16) {
    return prefix >= 96 ? { bytes, prefix: prefix - 96 } : { bytes: raw, prefix }
  }
  return { bytes, prefix }
}

/** Whether the range holds the address; both of the same family, embedded addresses taken out. */
export function contains(range: AddressRange, address: AddressBytes): boolean {
  if (range.bytes.length !== address.length) return false
  for (let bit = 0; bit < range.prefix; bit += 8) {
    const index = bit >> 3
    const width = Math.min(8, range.prefix - bit)
    const mask = (0xff << (8 - width)) & 0xff
    if (((range.bytes[index] ?? 0) & mask) !== ((address[index] ?? 0) & mask)) return false
  }
  return true
}

function rawBytes(text: string): AddressBytes | null {
  if (isIPv4(text)) return text.split('.').map(Number)
  const percent = text.indexOf('%')
  const plain = percent < 0 ? text : text.slice(0, percent)
  return isIPv6(plain) ? bytesOfIPv6(plain) : null
}

/** `text` was found to be an IPv6 address already. */
function bytesOfIPv6(text: string): AddressBytes {
  const [head = '', tail] = text.split('::')
  const before = groupBytes(head)
  if (tail === undefined) return before
  const after = groupBytes(tail)
  return [...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after]
}

function groupBytes(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

function mustParseRange(text: string): AddressRange {
  const [address = '', prefix = ''] = text.split('/')
  const bytes = rawBytes(address)
  if (bytes === null) throw new Error(`The built-in range ${text} is no range.`)
  return { bytes, prefix: Number(prefix) }
}
