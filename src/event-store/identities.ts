/** Identities in the event store: command and event ids (spec decider 7), snapshot keys (spec decider 6), fingerprints. */
import { createHash, randomFillSync } from 'node:crypto'

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const maxTimestampMs = 2 ** 48 - 1

/** The canonical form of a UUID in any case, or null when it is none. */
export function canonicalUuid(text: string): string | null {
  const lower = text.toLowerCase()
  return uuidPattern.test(lower) ? lower : null
}

/** The 16 bytes of a canonical UUID. Throws TypeError for anything else. */
export function uuidBytes(uuid: string): Buffer {
  if (!uuidPattern.test(uuid)) throw new TypeError('not a canonical UUID')
  return Buffer.from(uuid.replaceAll('-', ''), 'hex')
}

/** The canonical text of 16 bytes. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** UUID of a name in a namespace, by SHA-1 (RFC 9562, 5.5). */
export function uuidV5(namespace: string, name: Uint8Array): string {
  const bytes = createHash('sha1').update(uuidBytes(namespace)).update(name).digest().subarray(0, 16)
  return uuidText(stamp(bytes, 5))
}

/** UUID that sorts by time, of a Unix time in milliseconds and 74 random bits (RFC 9562, 5.7). */
export function uuidV7(nowMs: number = Date.now()): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(Math.min(Math.max(0, Math.floor(nowMs)), maxTimestampMs), 0, 6)
  randomFillSync(bytes, 6)
  return uuidText(stamp(bytes, 7))
}

/** The id of the event at `index` of a decision: derived from the command id, or new without one (spec decider 7). */
export function eventId(commandId: string | null, index: number): string {
  if (commandId === null) return uuidV7()
  const name = Buffer.alloc(8)
  name.writeBigUInt64BE(BigInt(index))
  return uuidV5(commandId, name)
}

/** SHA-256 of type, NUL, payload in hexadecimal: what a command id stands for (spec decider 7). */
export function commandFingerprint(type: string, payload: Uint8Array): string {
  return createHash('sha256').update(type, 'utf8').update('\0').update(payload).digest('hex')
}

/**
 * The portable key of a snapshot: `v1_` and unpadded base64url of `name@version/stream` (spec decider 6). No two
 * identities share one, because name and version hold neither `@` nor `/` and the stream id comes last.
 */
export function snapshotName(module: string, version: string, streamId: string): string {
  return `v1_${Buffer.from(`${module}@${version}/${streamId}`, 'utf8').toString('base64url')}`
}

/** Sets version and variant. */
function stamp(bytes: Buffer, version: number): Buffer {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes
}
