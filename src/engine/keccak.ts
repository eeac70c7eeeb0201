/** keccak256 of what may be large: it takes some 100 ms a mebibyte, which the main thread has not got at once. */
import { keccak_256 } from '@noble/hashes/sha3'

/** Bytes hashed before others get their turn: some milliseconds. */
const sliceBytes = 64 * 1024

/** 0x and 64 digits: keccak256 of the parts one after the other, giving way to other work of the thread. */
export async function keccakInTurns(...parts: readonly Uint8Array[]): Promise<`0x${string}`> {
  const hash = keccak_256.create()
  let sinceTurn = 0
  for (const part of parts) {
    for (let at = 0; at < part.length; at += sliceBytes) {
      const slice = part.subarray(at, at + sliceBytes)
      if (sinceTurn + slice.length > sliceBytes) {
        await new Promise((resolve) => setImmediate(resolve))
        sinceTurn = 0
      }
      hash.update(slice)
      sinceTurn += slice.length
    }
  }
  return `0x${Buffer.from(hash.digest()).toString('hex')}`
}
