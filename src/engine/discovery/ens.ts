/** What an ENS name says its contents are, read on chain (spec nexum-host 15.2, ENSIP-7 and ENSIP-10). */
import { decode, getCodec } from '@ensdomains/content-hash'
import { decodeFunctionResult, encodeFunctionData, parseAbi, zeroAddress, type Hex } from 'viem'
import { namehash, normalize, packetToBytes } from 'viem/ens'
import { bytesToHex } from 'viem/utils'
import { PaddockError } from '../../shared/errors.ts'
import { ChainRequestError } from '../chains/request-error.ts'
import type { EthReader } from './eth-reader.ts'

/** The registry of ENS on mainnet and its test chains. */
export const ensRegistry: Hex = '0x00000000000c2e074ec69a0dfb2997ba6c7d2e1e'
/** ENSIP-10: `resolve(bytes,bytes)`. */
const wildcardInterface: Hex = '0x9061b923'

const abi = parseAbi([
  'function resolver(bytes32 node) view returns (address)',
  'function supportsInterface(bytes4 id) view returns (bool)',
  'function contenthash(bytes32 node) view returns (bytes)',
  'function text(bytes32 node, string key) view returns (string)',
  'function resolve(bytes name, bytes data) view returns (bytes)',
])

/** Text records that say more about a module; hints only. */
export const hintKeys = ['shepherd.name', 'shepherd.version', 'shepherd.chains'] as const

export interface EnsRecord {
  /** `bzz:…` or `ipfs:…`; null when the name has no contents. */
  readonly reference: string | null
  readonly hints: Readonly<Partial<Record<(typeof hintKeys)[number], string>>>
}

interface Resolver {
  readonly address: Hex
  readonly isWildcard: boolean
}

export class EnsReader {
  private readonly reader: EthReader
  private readonly registry: Hex

  constructor(reader: EthReader, registry: Hex = ensRegistry) {
    this.reader = reader
    this.registry = registry
  }

  /** Throws `discovery.failed` for a name that is none, and `discovery.unsupported` for other contents. */
  async record(name: string): Promise<EnsRecord> {
    const normal = normalName(name)
    const resolver = await this.resolverOf(normal)
    if (resolver === null) return { reference: null, hints: {} }
    const node = namehash(normal)
    const query = encodeFunctionData({ abi, functionName: 'contenthash', args: [node] })
    const answer = await this.ask(resolver, normal, query)
    const contents = answer === null ? '0x' : decodeBytes('contenthash', answer)
    const hints: Record<string, string> = {}
    for (const key of hintKeys) {
      const text = await this.text(resolver, normal, key)
      if (text !== '') hints[key] = text.slice(0, 256)
    }
    return { reference: contents === '0x' ? null : referenceOf(contents), hints }
  }

  /** A text record of a node at a resolver; empty where there is none. */
  async textAt(address: Hex, node: Hex, key: string): Promise<string> {
    const query = encodeFunctionData({ abi, functionName: 'text', args: [node, key] })
    return decodeText(await this.reader.tryCall(address, query, isRevert))
  }

  private async text(resolver: Resolver, name: string, key: string): Promise<string> {
    const query = encodeFunctionData({ abi, functionName: 'text', args: [namehash(name), key] })
    return decodeText(await this.ask(resolver, name, query))
  }

  /** The name's own resolver, or that of the nearest parent which answers for names below it. */
  private async resolverOf(name: string): Promise<Resolver | null> {
    const labels = name.split('.')
    for (let skipped = 0; skipped < labels.length; skipped += 1) {
      const address = await this.resolverAt(namehash(labels.slice(skipped).join('.')))
      if (address === null) continue
      const isWildcard = await this.isWildcard(address)
      if (skipped === 0 || isWildcard) return { address, isWildcard }
      return null
    }
    return null
  }

  private async resolverAt(node: Hex): Promise<Hex | null> {
    const query = encodeFunctionData({ abi, functionName: 'resolver', args: [node] })
    const answer = await this.reader.call(this.registry, query)
    if (answer === '0x') return null
    const address = decodeFunctionResult({ abi, functionName: 'resolver', data: answer })
    return address === zeroAddress ? null : address
  }

  private async isWildcard(address: Hex): Promise<boolean> {
    const query = encodeFunctionData({ abi, functionName: 'supportsInterface', args: [wildcardInterface] })
    const answer = await this.reader.tryCall(address, query, isRevert)
    return answer !== null && /^0x0{63}1$/.test(answer)
  }

  private async ask({ address, isWildcard }: Resolver, name: string, query: Hex): Promise<Hex | null> {
    if (!isWildcard) return this.reader.tryCall(address, query, isRevert)
    const dnsName = bytesToHex(packetToBytes(name))
    const wrapped = encodeFunctionData({ abi, functionName: 'resolve', args: [dnsName, query] })
    const answer = await this.reader.tryCall(address, wrapped, isRevert)
    return answer === null || answer === '0x' ? null : decodeBytes('resolve', answer)
  }
}

/** `bzz:` or `ipfs:` of an ENSIP-7 contenthash. Throws `discovery.unsupported` for every other codec. */
export function referenceOf(contenthash: Hex): string {
  try {
    const codec = getCodec(contenthash)
    if (codec === 'ipfs') return `ipfs:${decode(contenthash)}`
    const value = codec === 'swarm' ? decode(contenthash) : ''
    if (/^[0-9a-f]{64}$/.test(value)) return `bzz:${value}`
    throw new Error(`the codec ${codec ?? 'is unknown'}`)
  } catch (cause) {
    throw new PaddockError('discovery.unsupported', 'The name leads neither to Swarm nor to IPFS.', { cause })
  }
}

function normalName(name: string): string {
  try {
    return normalize(name)
  } catch (cause) {
    throw new PaddockError('discovery.failed', `${JSON.stringify(name)} is no ENS name.`, { cause })
  }
}

function decodeBytes(functionName: 'contenthash' | 'resolve', data: Hex): Hex {
  if (data === '0x') return '0x'
  try {
    return decodeFunctionResult({ abi, functionName, data })
  } catch (cause) {
    throw new PaddockError('discovery.failed', 'The resolver answered with something else than bytes.', {
      cause,
    })
  }
}

function decodeText(data: Hex | null): string {
  if (data === null || data === '0x') return ''
  try {
    return decodeFunctionResult({ abi, functionName: 'text', data })
  } catch {
    return ''
  }
}

function isRevert(error: unknown): boolean {
  return error instanceof ChainRequestError && error.kind === 'rpc'
}
