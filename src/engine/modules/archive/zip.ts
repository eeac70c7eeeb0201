/** Reads zip archives by their central directory. Links, devices, encrypted and overlapping entries are refused. */
import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { checkCount, checkedPath, checkSize, unsafeArchive, type ArchiveEntry } from './entry.ts'
import { errnoOf } from '../../errno.ts'

const endRecordBytes = 22
const centralBytes = 46
const localBytes = 30
const inflate = promisify(inflateRaw)

/** An entry as the central directory states it. */
interface Listed {
  readonly name: string
  readonly path: string
  readonly kind: 'file' | 'folder'
  readonly method: number
  readonly packed: number
  readonly size: number
  readonly offset: number
}

/** Entries of a zip archive. Unpacks off the main thread. Throws `bundle.unsafe_archive`. */
export async function readZip(bytes: Uint8Array): Promise<ArchiveEntry[]> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const listed = readCentralDirectory(buffer)
  checkSize(
    listed.reduce((sum, entry) => sum + entry.size, 0),
    buffer.length,
  )
  const ranges = listed.map((entry) => dataRange(buffer, entry))
  refuseOverlaps(ranges)
  const entries: ArchiveEntry[] = []
  for (const [index, entry] of listed.entries()) {
    const range = ranges[index]
    if (entry.path === '' || range === undefined) continue
    const data =
      entry.kind === 'folder'
        ? new Uint8Array()
        : await unpack(entry, buffer.subarray(range.dataStart, range.end))
    entries.push({ path: entry.path, kind: entry.kind, data })
  }
  return entries
}

function readCentralDirectory(buffer: Buffer): Listed[] {
  const end = findEndRecord(buffer)
  const count = buffer.readUInt16LE(end + 10)
  const start = buffer.readUInt32LE(end + 16)
  if (count === 0xffff || start === 0xffff_ffff)
    throw unsafeArchive('unsupported', 'The archive is a zip64 archive.')
  checkCount(count)
  const listed: Listed[] = []
  let at = start
  for (let index = 0; index < count; index++) {
    if (at + centralBytes > end || buffer.readUInt32LE(at) !== 0x0201_4b50) throw damaged()
    const nameLength = buffer.readUInt16LE(at + 28)
    const next = at + centralBytes + nameLength + buffer.readUInt16LE(at + 30) + buffer.readUInt16LE(at + 32)
    if (next > end) throw damaged()
    listed.push(readListed(buffer, at, nameLength))
    at = next
  }
  return listed
}

function findEndRecord(buffer: Buffer): number {
  const lowest = Math.max(0, buffer.length - endRecordBytes - 0xffff)
  for (let at = buffer.length - endRecordBytes; at >= lowest; at--) {
    if (
      buffer.readUInt32LE(at) === 0x0605_4b50 &&
      at + endRecordBytes + buffer.readUInt16LE(at + 20) === buffer.length
    )
      return at
  }
  throw damaged()
}

function readListed(buffer: Buffer, at: number, nameLength: number): Listed {
  const nameBytes = buffer.subarray(at + centralBytes, at + centralBytes + nameLength)
  const name = decodeName(nameBytes)
  const shown = JSON.stringify(name.slice(0, 256))
  if ((buffer.readUInt16LE(at + 8) & 1) !== 0)
    throw unsafeArchive('encrypted', `The archive entry ${shown} is encrypted.`, name)
  const method = buffer.readUInt16LE(at + 10)
  if (method !== 0 && method !== 8)
    throw unsafeArchive('unsupported', `The archive entry ${shown} is packed in an unknown way.`, name)
  // The upper half holds the Unix mode, whatever system the archive says it is from.
  const type = (buffer.readUInt32LE(at + 38) >>> 16) & 0o170000
  if (type === 0o120000) throw unsafeArchive('link', `The archive holds a link: ${shown}.`, name)
  if (type !== 0 && type !== 0o100000 && type !== 0o040000)
    throw unsafeArchive('device', `The archive holds a device: ${shown}.`, name)
  return {
    name,
    path: checkedPath(name),
    kind: name.endsWith('/') || type === 0o040000 ? 'folder' : 'file',
    method,
    packed: buffer.readUInt32LE(at + 20),
    size: buffer.readUInt32LE(at + 24),
    offset: buffer.readUInt32LE(at + 42),
  }
}

interface Range {
  readonly start: number
  readonly dataStart: number
  readonly end: number
}

/** Where an entry lies. Its local header must name the same file, or two readers would see two archives. */
function dataRange(buffer: Buffer, entry: Listed): Range {
  const start = entry.offset
  if (start + localBytes > buffer.length || buffer.readUInt32LE(start) !== 0x0403_4b50)
    throw damaged(entry.name)
  const nameEnd = start + localBytes + buffer.readUInt16LE(start + 26)
  const dataStart = nameEnd + buffer.readUInt16LE(start + 28)
  const end = dataStart + entry.packed
  if (end > buffer.length || decodeName(buffer.subarray(start + localBytes, nameEnd)) !== entry.name)
    throw damaged(entry.name)
  return { start, dataStart, end }
}

/** Entries that share bytes are how a small archive unpacks without end. */
function refuseOverlaps(ranges: readonly Range[]): void {
  const sorted = [...ranges].sort((a, b) => a.start - b.start)
  for (const [index, range] of sorted.entries()) {
    const next = sorted[index + 1]
    if (next !== undefined && next.start < range.end)
      throw unsafeArchive('ratio', 'Entries of the archive overlap.')
  }
}

async function unpack(entry: Listed, packed: Buffer): Promise<Uint8Array> {
  if (entry.method === 0) {
    if (packed.length !== entry.size) throw damaged(entry.name)
    return packed
  }
  let data: Buffer
  try {
    data = await inflate(packed, { maxOutputLength: Math.max(entry.size, 1) })
  } catch (cause) {
    if (errnoOf(cause) === 'ERR_BUFFER_TOO_LARGE') {
      throw unsafeArchive(
        'too-large',
        `The archive entry ${JSON.stringify(entry.path)} is larger than stated.`,
        entry.path,
        cause,
      )
    }
    throw damaged(entry.name, cause)
  }
  if (data.length !== entry.size) throw damaged(entry.name)
  return data
}

function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw unsafeArchive('name', 'The archive names a path that is not UTF-8.', undefined, cause)
  }
}

function damaged(entry?: string, cause?: unknown): Error {
  return unsafeArchive('damaged', 'The archive cannot be unpacked: it is damaged.', entry, cause)
}
