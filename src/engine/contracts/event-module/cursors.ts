/** Positions of block sources, as they are committed with each event in the module's store. */
import type { ChainId } from '../../../shared/domain/primitives.ts'
import type { BlockEvent } from '../../chains/heads/header.ts'
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
