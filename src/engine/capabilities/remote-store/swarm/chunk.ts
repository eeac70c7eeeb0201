/** Content-addressed chunks of Swarm: at most 4096 bytes under a binary Merkle root (spec nexum-host 8.9). Pure. */
import { keccak256 } from 'viem'

export const chunkPayloadBytes = 4096
export const addressBytes = 32
export const spanBytes = 8
const segmentBytes = 32
const levels = 7

/** A chunk: what it spans, and its payload (data, or the addresses of its children). */
export interface Chunk {
  readonly address: Uint8Array
  /** Bytes of content below it; at most 2^53 - 1. */
  readonly span: number
  readonly payload: Uint8Array
}

export function hash(bytes: Uint8Array): Uint8Array {
  return keccak256(bytes, 'bytes')
}

/** Roots of subtrees that are all zero, by height: most of a short chunk is such. */
const zeroRoots: readonly Uint8Array[] = zeroRootsUpTo(levels)

function zeroRootsUpTo(height: number): Uint8Array[] {
  const roots: Uint8Array[] = [new Uint8Array(segmentBytes)]
  for (let level = 0; level < height; level += 1) {
    const below = roots[level] ?? new Uint8Array(segmentBytes)
    roots.push(hash(concat(below, below)))
  }
  return roots
}

/** The chunk of this payload, at most 4096 bytes; `span` is the payload's own length unless it is of a tree. */
export function makeChunk(payload: Uint8Array, span: number = payload.length): Chunk {
  if (payload.length > chunkPayloadBytes) throw new RangeError('A chunk holds at most 4096 bytes.')
  return { address: hash(concat(encodeSpan(span), merkleRoot(payload))), span, payload }
}

/** Root over 128 segments of 32 bytes, the payload padded with zeros. */
function merkleRoot(payload: Uint8Array): Uint8Array {
  let count = Math.max(1, Math.ceil(payload.length / segmentBytes))
  let nodes = new Uint8Array((count + 1) * segmentBytes)
  nodes.set(payload)
  for (let level = 0; level < levels; level += 1) {
    const parents = Math.ceil(count / 2)
    const above = new Uint8Array((parents + 1) * segmentBytes)
    // The right half of the last pair is a subtree of zeros where the payload ends on the left.
    if (count % 2 === 1) nodes.set(zeroRoots[level] ?? new Uint8Array(segmentBytes), count * segmentBytes)
    for (let index = 0; index < parents; index += 1) {
      const at = index * 2 * segmentBytes
      above.set(hash(nodes.subarray(at, at + 2 * segmentBytes)), index * segmentBytes)
    }
    nodes = above
    count = parents
  }
  return nodes.subarray(0, segmentBytes)
}

/** Eight bytes, little-endian. */
export function encodeSpan(span: number): Uint8Array {
  const bytes = new Uint8Array(spanBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(span), true)
  return bytes
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
