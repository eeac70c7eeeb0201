/** Reads tar archives: ustar with pax and GNU long names. Links, devices and sparse files are refused. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import {
  checkCount,
  checkedPath,
  checkSize,
  maxArchiveBytes,
  unsafeArchive,
  type ArchiveEntry,
} from './entry.ts'
import { errnoOf } from '../../errno.ts'

const block = 512
/** Size of a pax header or a long name. */
const maxHeaderBytes = 64 * 1024
const unzip = promisify(gunzip)

/** Entries of a gzip-compressed tar archive. Unpacks off the main thread. Throws `bundle.unsafe_archive`. */
export async function readTarGz(packed: Uint8Array): Promise<ArchiveEntry[]> {
  let unpacked: Buffer
  try {
    unpacked = await unzip(packed, { maxOutputLength: maxArchiveBytes + block * 4 })
  } catch (cause) {
    if (errnoOf(cause) === 'ERR_BUFFER_TOO_LARGE') {
      throw unsafeArchive(
        'too-large',
        `The archive unpacks to more than ${maxArchiveBytes} bytes.`,
        undefined,
        cause,
      )
    }
    throw unsafeArchive('damaged', 'The archive cannot be unpacked: it is damaged.', undefined, cause)
  }
  checkSize(unpacked.byteLength - block * 4, packed.byteLength)
  return readTar(unpacked)
}

/** Entries of a tar archive. Throws `bundle.unsafe_archive`. */
export function readTar(bytes: Uint8Array): ArchiveEntry[] {
  const entries: ArchiveEntry[] = []
  let longName: string | null = null
  let pax: ReadonlyMap<string, string> = new Map()
  let at = 0
  for (let headers = 0; at + block <= bytes.byteLength; headers++) {
    // Extended headers come in front of entries, two at most each.
    checkCount(Math.floor(headers / 3))
    const header = bytes.subarray(at, at + block)
    if (header.every((byte) => byte === 0)) return entries
    checkHeader(header)
    const type = String.fromCharCode(header[156] ?? 0)
    const paxSize = pax.get('size')
    const size = paxSize === undefined ? octal(header.subarray(124, 136)) : decimal(paxSize)
    const start = at + block
    if (start + size > bytes.byteLength)
      throw unsafeArchive('damaged', 'The archive ends before its contents do.')
    const data = bytes.subarray(start, start + size)
    at = start + Math.ceil(size / block) * block
    if (type === 'x') {
      pax = readPax(bounded(data))
    } else if (type === 'L') {
      longName = text(bounded(data))
    } else if (type !== 'g') {
      const name = pax.get('path') ?? longName ?? headerName(header)
      const entry = toEntry(type, name, data)
      if (entry.path !== '') entries.push(entry)
      checkCount(entries.length)
      longName = null
      pax = new Map()
    }
  }
  throw unsafeArchive('damaged', 'The archive has no end mark: it is cut off.')
}

function toEntry(type: string, name: string, data: Uint8Array): ArchiveEntry {
  const shown = JSON.stringify(name.slice(0, 256))
  switch (type) {
    case '\0':
    case '0':
      // Old archives mark a folder by a slash only.
      return { path: checkedPath(name), kind: name.endsWith('/') ? 'folder' : 'file', data }
    case '5':
      return { path: checkedPath(name), kind: 'folder', data: new Uint8Array() }
    case '1':
    case '2':
      throw unsafeArchive('link', `The archive holds a link: ${shown}.`, name)
    case '3':
    case '4':
    case '6':
      throw unsafeArchive('device', `The archive holds a device: ${shown}.`, name)
    default:
      throw unsafeArchive('unsupported', `The archive holds an entry of an unknown type: ${shown}.`, name)
  }
}

function checkHeader(header: Uint8Array): void {
  let sum = 0
  for (let index = 0; index < block; index++) sum += index >= 148 && index < 156 ? 32 : (header[index] ?? 0)
  if (sum !== octal(header.subarray(148, 156)))
    throw unsafeArchive('damaged', 'A header of the archive is damaged, or it is no tar archive.')
}

function headerName(header: Uint8Array): string {
  const name = text(header.subarray(0, 100))
  const isUstar = text(header.subarray(257, 263)).startsWith('ustar')
  const prefix = isUstar && header[262] === 0 ? text(header.subarray(345, 500)) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

/** Records `<length> <key>=<value>\n`. */
function readPax(data: Uint8Array): Map<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < data.byteLength;) {
    const blank = data.indexOf(32, at)
    const length = blank === -1 ? 0 : decimal(text(data.subarray(at, blank)))
    const record = data.subarray(blank + 1, at + length - 1)
    const equals = record.indexOf(61)
    if (length < 5 || at + length > data.byteLength || equals === -1) {
      throw unsafeArchive('damaged', 'An extended header of the archive is damaged.')
    }
    records.set(text(record.subarray(0, equals)), decode(record.subarray(equals + 1)))
    at += length
  }
  if ([...records.keys()].some((key) => key.startsWith('GNU.sparse'))) {
    throw unsafeArchive('unsupported', 'The archive holds a sparse file.')
  }
  return records
}

function bounded(data: Uint8Array): Uint8Array {
  if (data.byteLength <= maxHeaderBytes) return data
  throw unsafeArchive('name', `The archive has a header of more than ${maxHeaderBytes} bytes.`)
}

/** Text up to the first NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return decode(end === -1 ? bytes : bytes.subarray(0, end))
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw unsafeArchive('name', 'The archive names a path that is not UTF-8.', undefined, cause)
  }
}

function octal(bytes: Uint8Array): number {
  const digits = text(bytes).trim()
  // The binary form of GNU tar serves files above 8 GiB only.
  if (!/^[0-7]{1,12}$/.test(digits))
    throw unsafeArchive('damaged', 'A number in the archive is damaged, or it is no tar archive.')
  return Number.parseInt(digits, 8)
}

function decimal(digits: string): number {
  if (!/^\d{1,12}$/.test(digits)) throw unsafeArchive('damaged', 'A number in the archive is damaged.')
  return Number(digits)
}
