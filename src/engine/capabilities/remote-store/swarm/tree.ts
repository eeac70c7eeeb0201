/** Content of any length as a 128-way tree of chunks (spec nexum-host 8.9). Pure; a mebibyte takes about 0.1 s. */
import { addressBytes, chunkPayloadBytes, concat, makeChunk, type Chunk } from './chunk.ts'

/** Children of a full intermediate chunk. */
const branches = chunkPayloadBytes / addressBytes
/** Bytes hashed before others get their turn. */
const sliceBytes = 64 * chunkPayloadBytes

type Node = Pick<Chunk, 'address' | 'span'>
type Visit = (chunk: Chunk) => void

/**
 * The Swarm address of content, 32 bytes. `visit` sees every chunk once, children before their parents.
 * A chunk left alone at the end of a level moves up as it is, as Bee nodes do it.
 */
export function swarmAddress(content: Uint8Array, visit?: Visit): Uint8Array {
  return rootOf(leaves(content, visit), visit)
}

/** The same, giving way to other work of the thread every 256 KiB. */
export async function swarmAddressInTurns(content: Uint8Array): Promise<Uint8Array> {
  const nodes: Node[] = []
  for (let at = 0; at < Math.max(1, content.length); at += sliceBytes) {
    nodes.push(...leaves(content.subarray(at, at + sliceBytes), undefined))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return rootOf(nodes, undefined)
}

function leaves(content: Uint8Array, visit: Visit | undefined): Node[] {
  const nodes: Node[] = []
  for (let at = 0; at < Math.max(1, content.length); at += chunkPayloadBytes) {
    const chunk = makeChunk(content.subarray(at, at + chunkPayloadBytes))
    visit?.(chunk)
    nodes.push({ address: chunk.address, span: chunk.span })
  }
  return nodes
}

function rootOf(nodes: readonly Node[], visit: Visit | undefined): Uint8Array {
  let level = nodes
  while (level.length > 1) level = parentsOf(level, visit)
  return level[0]?.address ?? makeChunk(new Uint8Array()).address
}

function parentsOf(level: readonly Node[], visit: Visit | undefined): Node[] {
  const parents: Node[] = []
  for (let at = 0; at < level.length; at += branches) {
    const children = level.slice(at, at + branches)
    const [only] = children
    if (only !== undefined && children.length === 1) {
      parents.push(only)
      continue
    }
    const span = children.reduce((sum, child) => sum + child.span, 0)
    const chunk = makeChunk(concat(...children.map((child) => child.address)), span)
    visit?.(chunk)
    parents.push({ address: chunk.address, span })
  }
  return parents
}
