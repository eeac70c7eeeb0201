/** What an archive holds, and the rules that every entry keeps before anything is written (spec nexum-host 4.6). */
import { PaddockError } from '../../../shared/errors.ts'

/** Bytes of an archive, packed and unpacked. */
export const maxArchiveBytes = 128 * 1024 * 1024
export const maxArchiveEntries = 1_000
/** How many times larger than packed an archive may unpack; WebAssembly packs to a third or so. */
export const maxArchiveRatio = 200
/** Below this size a high ratio is harmless. */
const ratioMattersFrom = 4 * 1024 * 1024

export interface ArchiveEntry {
  /** With forward slashes, without a slash at its end. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  readonly data: Uint8Array
}

export type UnsafeReason =
  | 'absolute' | 'damaged' | 'device' | 'duplicate' | 'encrypted' | 'link' | 'name' | 'parent' | 'ratio'
  | 'too-large' | 'too-many' | 'unsupported' // prettier-ignore

/** `bundle.unsafe_archive` with its reason and entry in the details. */
export function unsafeArchive(
  reason: UnsafeReason,
  what: string,
  entry?: string,
  cause?: unknown,
): PaddockError {
  return new PaddockError('bundle.unsafe_archive', what, {
    details: { reason, ...(entry === undefined ? {} : { entry: entry.slice(0, 256) }) },
    ...(reason === 'damaged' ? { remedy: 'Get the archive again; it is damaged.' } : {}),
    ...(cause === undefined ? {} : { cause }),
  })
}

/** The checked path of an entry. Throws `bundle.unsafe_archive` for what could leave the folder. */
export function checkedPath(name: string): string {
  const shown = JSON.stringify(name.slice(0, 256))
  if (/^[/\\]/.test(name) || /^[A-Za-z]:/.test(name)) {
    throw unsafeArchive('absolute', `The archive names an absolute path: ${shown}.`, name)
  }
  if (name.split(/[/\\]/).includes('..'))
    throw unsafeArchive('parent', `The archive names a path with "..": ${shown}.`, name)
  const path = name.replace(/^(?:\.\/+)+/, '').replace(/\/+$/, '')
  const parts = path.split('/')
  // A colon, a backslash, or a dot or blank at the end of a name mean something else on Windows.

  const bad = parts.some((part) => part === '' || part === '.' || /[\\:\u0000-\u001f\u007f]|[. ]$/.test(part))
  if (path !== '' && path !== '.' && (bad || path.length > 512 || parts.length > 32)) {
    throw unsafeArchive('name', `The archive names a path that Paddock does not write: ${shown}.`, name)
  }
  return path === '.' ? '' : path
}

/**
 * Checks entries against each other: duplicates, files that are also folders, and the bounds on number and size.
 * `packedBytes` is the size of the archive. Throws `bundle.unsafe_archive`.
 */
export function checkEntries(entries: readonly ArchiveEntry[], packedBytes: number): void {
  checkCount(entries.length)
  let total = 0
  const kinds = new Map<string, 'file' | 'folder'>()
  for (const entry of entries) {
    total += entry.data.byteLength
    // Names that differ by case only are one file on Windows and macOS.
    const name = entry.path.normalize('NFC').toLowerCase()
    if (kinds.has(name) && (entry.kind === 'file' || kinds.get(name) === 'file')) {
      throw unsafeArchive('duplicate', `The archive names "${entry.path}" twice.`, entry.path)
    }
    kinds.set(name, entry.kind)
  }
  for (const name of kinds.keys()) {
    const parts = name.split('/')
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join('/')
      if (kinds.get(parent) === 'file')
        throw unsafeArchive('duplicate', `The archive uses "${parent}" as file and as folder.`, parent)
    }
  }
  checkSize(total, packedBytes)
}

/** Throws `bundle.unsafe_archive` above the number of entries allowed. */
export function checkCount(count: number): void {
  if (count <= maxArchiveEntries) return
  throw unsafeArchive('too-many', `The archive has more than ${maxArchiveEntries} entries.`)
}

/** Throws `bundle.unsafe_archive` when the unpacked size is above its bound or out of proportion to the packed one. */
export function checkSize(unpackedBytes: number, packedBytes: number): void {
  if (unpackedBytes > maxArchiveBytes) {
    throw unsafeArchive('too-large', `The archive unpacks to more than ${maxArchiveBytes} bytes.`)
  }
  if (unpackedBytes > ratioMattersFrom && unpackedBytes > packedBytes * maxArchiveRatio) {
    throw unsafeArchive('ratio', `The archive unpacks to more than ${maxArchiveRatio} times its size.`)
  }
}
