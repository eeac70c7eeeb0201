/** Unpacks a bundle's archive into the state directory, once per content. */
import { randomBytes, webcrypto } from 'node:crypto'
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PaddockError } from '../../../shared/errors.ts'
import { checkEntries, maxArchiveBytes, type ArchiveEntry } from './entry.ts'
import { readTarGz } from './tar.ts'
import { readZip } from './zip.ts'
import { errnoOf } from '../../errno.ts'

export type ArchiveKind = 'tar.gz' | 'zip'

/** Which archive the first bytes of a file begin, or null. */
export function archiveKind(head: Uint8Array): ArchiveKind | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'tar.gz'
  if (head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5)) return 'zip'
  return null
}

/**
 * Unpacks the archive into `<stateDir>/bundles/<sha256>` and answers that folder. All checks come before the first
 * write, and the folder appears whole or not at all.
 * Throws `bundle.unsafe_archive`, `bundle.too_large` and `state.unwritable`.
 */
export async function extractArchive(path: string, kind: ArchiveKind, stateDir: string): Promise<string> {
  const packed = await readArchive(path)
  const entries = kind === 'zip' ? await readZip(packed) : await readTarGz(packed)
  checkEntries(entries, packed.byteLength)
  const digest = Buffer.from(await webcrypto.subtle.digest('SHA-256', packed)).toString('hex')
  const target = join(stateDir, 'bundles', digest)
  if (await holdsEntries(target, entries)) return target
  const partial = join(stateDir, 'bundles', `.${digest}-${randomBytes(6).toString('hex')}`)
  try {
    await writeEntries(partial, entries)
    await rm(target, { recursive: true, force: true })
    await rename(partial, target)
  } catch (cause) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined)
    // Another extraction of the same archive may have come first.
    if (await holdsEntries(target, entries)) return target
    throw new PaddockError('state.unwritable', `The archive could not be unpacked into ${target}.`, {
      cause,
      details: { path: target, reason: errnoOf(cause) ?? null },
    })
  }
  return target
}

async function readArchive(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    if (size > maxArchiveBytes) {
      throw new PaddockError(
        'bundle.too_large',
        `${path} has ${size} bytes; an archive may have ${maxArchiveBytes}.`,
        {
          details: { path, sizeBytes: size, allowed: maxArchiveBytes },
          remedy: 'Ask the author for a smaller archive.',
        },
      )
    }
    const buffer = new Uint8Array(new ArrayBuffer(size))
    let length = 0
    while (length < size) {
      const { bytesRead } = await handle.read(buffer, length, size - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return buffer.subarray(0, length)
  } finally {
    await handle.close()
  }
}

/** Whether an earlier extraction is there in full, by the sizes of its files. */
async function holdsEntries(target: string, entries: readonly ArchiveEntry[]): Promise<boolean> {
  for (const entry of entries) {
    if (entry.kind === 'folder') continue
    const stats = await stat(join(target, entry.path)).catch(() => null)
    if (stats?.isFile() !== true || stats.size !== entry.data.byteLength) return false
  }
  return (await stat(target).catch(() => null))?.isDirectory() === true
}

async function writeEntries(root: string, entries: readonly ArchiveEntry[]): Promise<void> {
  await mkdir(root, { recursive: true })
  for (const entry of entries) {
    const path = join(root, entry.path)
    await mkdir(entry.kind === 'folder' ? path : dirname(path), { recursive: true })
    if (entry.kind === 'file') await writeFile(path, entry.data, { flag: 'wx' })
  }
}
