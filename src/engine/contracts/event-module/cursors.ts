/** Positions of block and log sources, as they are committed with each event in the module's store. */
import { createHash } from 'node:crypto'
import type { ChainId } from '../../../shared/domain/primitives.ts'
import type { BlockEvent } from '../../chains/heads/header.ts'
import { filterKey } from '../../chains/logs/log-filter.ts'
import type { LogFilter } from '../../chains/logs/log-filter.ts'
import type { HandledLog } from '../../chains/logs/log-subscriber.ts'
import type { HandledBlock } from '../../chains/heads/head-subscriber.ts'

export function blockSource(chainId: ChainId): string {
  return `block:${chainId}`
}

export function blockCursor(block: Pick<BlockEvent, 'number' | 'hash'>): string {
  return `${block.number}:${Buffer.from(block.hash).toString('hex')}`
}

/** The block a cursor names, or null when the text is not one of ours. */
export function parseBlockCursor(text: string): HandledBlock | null {
  const match = /^(\d{1,20}):([0-9a-f]{64})$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) return null
  return { number: BigInt(match[1]), hash: new Uint8Array(Buffer.from(match[2], 'hex')) }
}

/** Names the source by what it matches, so that a manifest written otherwise goes on where the last one was. */
export function logSource(chainId: ChainId, filter: LogFilter): string {
  return `log:${chainId}:${createHash('sha256').update(filterKey(filter)).digest('hex').slice(0, 32)}`
}

export function logCursor({ number, blockHash, index }: HandledLog): string {
  return `${number}:${Buffer.from(blockHash).toString('hex')}:${index}`
}

/** The log a cursor names, or null when the text is not one of ours. */
export function parseLogCursor(text: string): HandledLog | null {
  const match = /^(\d{1,20}):([0-9a-f]{64}):(\d{1,10})$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return null
  const blockHash = new Uint8Array(Buffer.from(match[2], 'hex'))
  return { number: BigInt(match[1]), blockHash, index: Number(match[3]) }
}
