import { hexToBytes } from 'viem'
import type { Hex } from 'viem'
import { z } from 'zod'
import { notJsonRpc } from '../wires/rpc-codec.ts'

/** A log as an event module gets it, with what its position is told by (spec nexum-host 8.1). */
export interface LogEvent {
  /** Decimal chain id. */
  readonly chainId: string
  /** 20 bytes. */
  readonly address: Uint8Array
  /** At most 4 of 32 bytes. */
  readonly topics: readonly Uint8Array[]
  readonly data: Uint8Array
  /** 0 for a log that is in no block yet. */
  readonly blockNumber: bigint
  /** 32 bytes, or empty for a log that is in no block yet. */
  readonly blockHash: Uint8Array
  /** 32 bytes, or empty. */
  readonly transactionHash: Uint8Array
  /** 0 for a log that is in no block yet. */
  readonly logIndex: number
}

/** A log as a node sends it. */
export interface LogEntry {
  readonly number: bigint
  /** Empty for a log that is in no block yet. */
  readonly blockHash: Hex | ''
  readonly transactionHash: Hex | ''
  readonly index: number
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly data: Hex
  /** The node takes it back: its block was left. */
  readonly removed: boolean
}

const greatestU64 = 0xffff_ffff_ffff_ffffn
const hash = hex(64)
const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,16}$/)
  .transform(BigInt)
const logSchema = z.object({
  address: hex(40),
  topics: z.array(hash).max(4),
  data: z
    .string()
    .regex(/^0x(?:[0-9a-fA-F]{2})*$/)
    .transform((text) => text as Hex),
  blockNumber: quantity.refine((n) => n <= greatestU64).nullish(),
  blockHash: hash.nullish(),
  transactionHash: hash.nullish(),
  logIndex: quantity.refine((n) => n <= 0xffff_ffffn).nullish(),
  removed: z.boolean().nullish(),
})

/** Checks what a node calls a log. Throws ChainRequestError `not-json-rpc` for anything else. */
export function readLog(value: unknown): LogEntry {
  const parsed = logSchema.safeParse(value)
  if (!parsed.success) throw notJsonRpc('The node sent a log that is none.')
  const log = parsed.data
  return {
    number: log.blockNumber ?? 0n,
    blockHash: log.blockHash ?? '',
    transactionHash: log.transactionHash ?? '',
    index: Number(log.logIndex ?? 0n),
    address: log.address,
    topics: log.topics,
    data: log.data,
    removed: log.removed ?? false,
  }
}

/** Identifies a log on its branch (spec nexum-host 10.4). */
export function logKey(entry: LogEntry): string {
  return `${entry.blockHash}:${entry.transactionHash}:${entry.index}`
}

/** The order of delivery: block, then position in it (spec nexum-host 10.3). */
export function compareLogs(a: LogEntry, b: LogEntry): number {
  return a.number === b.number ? a.index - b.index : a.number < b.number ? -1 : 1
}

export function toLogEvent(chainId: string, entry: LogEntry): LogEvent {
  return {
    chainId,
    address: hexToBytes(entry.address),
    topics: entry.topics.map((topic) => hexToBytes(topic)),
    data: hexToBytes(entry.data),
    blockNumber: entry.number,
    blockHash: bytesOf(entry.blockHash),
    transactionHash: bytesOf(entry.transactionHash),
    logIndex: entry.index,
  }
}

function bytesOf(text: Hex | ''): Uint8Array {
  return text === '' ? new Uint8Array() : hexToBytes(text)
}

function hex(digits: number) {
  return z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${digits}}$`))
    .transform((text) => text.toLowerCase() as Hex)
}
