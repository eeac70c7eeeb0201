/** Finds and reads the manifest of a bundle (spec nexum-host 3.1). */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { PaddockError } from '../../../shared/errors.ts'
import type { DialectContext, ManifestDialect } from './dialect.ts'
import { manifestDialects } from './dialects.ts'
import { ManifestDocument, maxManifestBytes } from './document.ts'
import type { ModuleManifest } from './model.ts'
import { nameFault } from './sections.ts'
import { errnoOf } from '../../errno.ts'

/** A manifest's bytes with the dialect that reads them. */
interface Candidate {
  readonly file: string
  readonly dialect: ManifestDialect
  readonly bytes: Uint8Array
}

/**
 * Reads the manifest of `folder`: `paddock.toml`, then `nexum.toml`, then `module.toml`. Null when there is none.
 * Throws `manifest.ambiguous` when `nexum.toml` and `module.toml` differ, and `manifest.*` for its contents.
 */
export async function readManifestOf(
  folder: string,
  context: DialectContext,
): Promise<ModuleManifest | null> {
  for (const dialect of manifestDialects) {
    const found: Candidate[] = []
    for (const name of dialect.fileNames) {
      const file = join(folder, name)
      const bytes = await readBounded(file)
      if (bytes !== null) found.push({ file, dialect, bytes })
    }
    const [first, ...others] = found
    if (first === undefined) continue
    const differing = others.find((other) => Buffer.compare(first.bytes, other.bytes) !== 0)
    if (differing !== undefined) {
      throw new PaddockError(
        'manifest.ambiguous',
        `${folder} holds ${basename(first.file)} and ${basename(differing.file)}, and they differ.`,
        { details: { folder, files: [first.file, differing.file] } },
      )
    }
    return dialect.read(new ManifestDocument(first.file, first.bytes), context)
  }
  return null
}

/**
 * Reads a manifest named by its path; its file name tells the dialect, `paddock.toml` where it is none of the known.
 * Throws `manifest.missing` when there is no such file.
 */
export async function readManifestFile(file: string, context: DialectContext): Promise<ModuleManifest> {
  const bytes = await readBounded(file)
  if (bytes === null) {
    throw new PaddockError('manifest.missing', `There is no manifest ${file}.`, { details: { file } })
  }
  return parseManifest(file, bytes, context)
}

/** Reads the bytes of a manifest of that file name. Throws `manifest.*`. */
export function parseManifest(file: string, bytes: Uint8Array, context: DialectContext): ModuleManifest {
  const dialect =
    manifestDialects.find((candidate) => candidate.fileNames.includes(basename(file))) ?? manifestDialects[0]
  if (dialect === undefined) throw new PaddockError('internal.bug', 'There is no manifest dialect.')
  return dialect.read(new ManifestDocument(file, bytes), context)
}

/**
 * What Paddock assumes of a bare component: its name is the file's, it may use its own store, log, read the time
 * and draw random bytes; every other capability answers `denied`; it receives no events but `init`.
 */
export function bareManifest(componentPath: string): ModuleManifest {
  const file = basename(componentPath)
  const name = bareName(file)
  return {
    source: { dialect: 'none', file: null },
    name,
    version: '',
    description: '',
    authors: [],
    component: { file, sha256: null, reference: null },
    capabilities: {
      policy: 'none',
      required: [],
      optional: [],
      denied: [],
      httpAllow: [],
      identityMethods: null,
      messagingTopics: [],
    },
    limits: {},
    chains: { required: [], optional: [] },
    extraChainMethods: [],
    restart: { maxConsecutiveFailures: null },
    durability: null,
    subscriptions: [],
    config: [['name', name]],
    contractTable: {},
    warnings: [
      'There is no manifest: the module gets no events, and nothing but its own store, its log, the time and random bytes.',
    ],
  }
}

/** A sound module name from a file's name. */
function bareName(file: string): string {
  const name = file
    .replace(/\.wasm$/i, '')

    .replaceAll(/[\u0000-\u001f\u007f/\\]|\.{2,}/g, '-')
    .slice(0, 128)
    .trim()
  return nameFault(name) === null ? name : 'module'
}

/** At most one byte more than a manifest may have, so that a huge file is never read whole; null when there is none. */
async function readBounded(file: string): Promise<Uint8Array | null> {
  let handle
  try {
    // Not blocking, because the file may be a pipe that nobody writes to.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return null
    throw unreadable(file, cause)
  }
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw unreadable(file, new Error('not a file'))
    const buffer = Buffer.alloc(Math.min(stats.size, maxManifestBytes) + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
      length += bytesRead
      if (bytesRead === 0 || length === buffer.length) break
    }
    return buffer.subarray(0, length)
  } catch (cause) {
    throw cause instanceof PaddockError ? cause : unreadable(file, cause)
  } finally {
    await handle.close()
  }
}

function unreadable(file: string, cause: unknown): PaddockError {
  const reason = errnoOf(cause) ?? (cause as Error).message
  return new PaddockError('manifest.unreadable', `${file} cannot be read (${reason}).`, {
    cause,
    details: { file, reason },
  })
}
