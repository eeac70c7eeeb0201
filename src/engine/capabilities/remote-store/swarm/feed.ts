/** Feeds: sequences of single-owner chunks, each signed by the feed's owner (spec nexum-host 8.9). */
import { bytesToHex, hexToBytes, recoverMessageAddress, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { addressBytes, chunkPayloadBytes, concat, encodeSpan, hash, makeChunk, spanBytes } from './chunk.ts'

export const ownerBytes = 20
const signatureBytes = 65
const timeBytes = 8
/** Data of one update, without its time. */
export const maxFeedDataBytes = chunkPayloadBytes - timeBytes

/** One update of a feed, signed. */
export interface FeedUpdate {
  readonly owner: Uint8Array
  readonly identifier: Uint8Array
  /** 65 bytes r, s, v with v of 27 or 28. */
  readonly signature: Uint8Array
  /** Time and data. */
  readonly payload: Uint8Array
}

/** Signs updates of the host's own feeds. The key stays inside. */
export interface FeedSigner {
  /** 20 bytes. */
  readonly owner: Uint8Array
  sign(topic: Uint8Array, index: bigint, data: Uint8Array, unixSeconds: number): Promise<FeedUpdate>
}

/** A signer for the private key, 0x and 64 hexadecimal digits. Throws what viem throws for anything else. */
export function feedSigner(privateKey: Hex): FeedSigner {
  const account = privateKeyToAccount(privateKey)
  const owner = hexToBytes(account.address)
  return {
    owner,
    sign: async (topic, index, data, unixSeconds) => {
      const identifier = feedIdentifier(topic, index)
      const time = new Uint8Array(timeBytes)
      new DataView(time.buffer).setBigUint64(0, BigInt(unixSeconds), false)
      const payload = concat(time, data)
      const raw = bytesToHex(signedDigest(identifier, payload))
      const signature = hexToBytes(await account.signMessage({ message: { raw } }))
      return { owner, identifier, signature, payload }
    },
  }
}

/** keccak256(topic ‖ index as 8 bytes big-endian). */
export function feedIdentifier(topic: Uint8Array, index: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, index, false)
  return hash(concat(topic, bytes))
}

/** Where the chunk of this identifier and owner is: keccak256(identifier ‖ owner). */
export function ownedAddress(identifier: Uint8Array, owner: Uint8Array): Uint8Array {
  return hash(concat(identifier, owner))
}

function signedDigest(identifier: Uint8Array, payload: Uint8Array): Uint8Array {
  return hash(concat(identifier, makeChunk(payload).address))
}

/** Whether the owner that is named signed this update. Never throws: a malformed signature is not one. */
export async function isSignedByOwner(update: FeedUpdate): Promise<boolean> {
  try {
    const address = await recoverMessageAddress({
      message: { raw: bytesToHex(signedDigest(update.identifier, update.payload)) },
      signature: bytesToHex(update.signature),
    })
    return address.toLowerCase() === bytesToHex(update.owner)
  } catch {
    return false
  }
}

/** The data of an update without its time, or null where it is too short to hold one. */
export function feedData(update: FeedUpdate): Uint8Array | null {
  return update.payload.length < timeBytes ? null : update.payload.subarray(timeBytes)
}

/** Span and payload, as nodes take the content of a single-owner chunk. */
export function wrappedChunk(update: FeedUpdate): Uint8Array {
  return concat(encodeSpan(update.payload.length), update.payload)
}

/** Reads a single-owner chunk as nodes hand it out: identifier, signature, span, payload. Null where it is none. */
export function parseOwnedChunk(bytes: Uint8Array, owner: Uint8Array): FeedUpdate | null {
  const head = addressBytes + signatureBytes
  if (bytes.length < head + spanBytes || bytes.length > head + spanBytes + chunkPayloadBytes) return null
  const payload = bytes.subarray(head + spanBytes)
  const span = new DataView(bytes.buffer, bytes.byteOffset + head, spanBytes).getBigUint64(0, true)
  if (span !== BigInt(payload.length)) return null
  return {
    owner,
    identifier: bytes.subarray(0, addressBytes),
    signature: bytes.subarray(addressBytes, head),
    payload,
  }
}
