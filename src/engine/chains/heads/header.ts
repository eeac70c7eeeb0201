import { hexToBigInt, hexToBytes, numberToHex } from 'viem'
import type { Hex } from 'viem'
import { z } from 'zod'
import { notJsonRpc } from '../wires/rpc-codec.ts'
import type { RpcRequest } from '../wires/rpc-codec.ts'

/** A block as a guest gets it (spec nexum-host 8.1). */
export interface BlockEvent {
  /** Decimal chain id. */
  readonly chainId: string
  readonly number: bigint
  /** 32 bytes. */
  readonly hash: Uint8Array
  /** Header seconds × 1000, at most 2^64 - 1. */
  readonly timestampMs: bigint
}

/** What Paddock keeps of a block header. */
export interface Header {
  readonly number: bigint
  /** 0x and 64 lower-case hexadecimal digits. */
  readonly hash: Hex
  readonly timestampMs: bigint
  /** Null where the node does not say. */
  readonly parentHash: Hex | null
}

const greatestU64 = 0xffff_ffff_ffff_ffffn
const hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .transform((text) => text.toLowerCase() as Hex)
const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => hexToBigInt(text as Hex))
const headerSchema = z.object({
  number: quantity.refine((n) => n <= greatestU64),
  hash,
  timestamp: quantity,
  parentHash: hash.nullish(),
})

/** Checks what a node calls a header. Throws ChainRequestError `not-json-rpc` for anything else. */
export function readHeader(value: unknown): Header {
  const parsed = headerSchema.safeParse(value)
  if (!parsed.success) throw notJsonRpc('The node sent a block header that is none.')
  const { number, timestamp } = parsed.data
  const timestampMs = timestamp * 1_000n
  return {
    number,
    hash: parsed.data.hash,
    timestampMs: timestampMs > greatestU64 ? greatestU64 : timestampMs,
    parentHash: parsed.data.parentHash ?? null,
  }
}

/** The block that an event module is told of. */
export function toBlockEvent(chainId: string, header: Header): BlockEvent {
  return { chainId, number: header.number, hash: hexToBytes(header.hash), timestampMs: header.timestampMs }
}

/** Asks for a header by number, or for the newest one. */
export function headerRequest(number: bigint | 'latest'): RpcRequest {
  const block = number === 'latest' ? 'latest' : numberToHex(number)
  return { method: 'eth_getBlockByNumber', params: `["${block}",false]` }
}
