/**
 * Artifacts on disk, one folder each, named by what they were made of.
 *
 * An entry appears by one rename and never changes after it, so that a process killed at any moment leaves
 * at most a stray temporary folder. Every read checks every file against `artifact.json`.
 * Runs in the compiler process only: hashing does not belong on the engine's main thread.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { PaddockError } from '../../shared/errors.ts'
import {
  artifactManifestSchema,
  type ArtifactManifest,
  type CompiledLimits,
} from '../../shared/compiler/protocol.ts'
import { toolchain } from './toolchain.ts'

const manifestName = 'artifact.json'
const temporaryPrefix = '.new-'
const discardedPrefix = '.old-'
/** A temporary folder older than this belongs to nobody any more, in milliseconds. */
const strayAgeMs = 60 * 60 * 1000

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The name of the entry for this component compiled with these limits by this toolchain. */
export function artifactKey(componentSha256: string, limits: CompiledLimits): string {
  const { memoryBytes, tableElements, initialFuel, parts } = limits
  const all = [componentSha256, toolchain, memoryBytes, tableElements, initialFuel]
  return sha256(JSON.stringify(parts === undefined ? all : [...all, parts]))
}

/**
 * The manifest of the entry, if it is whole: the schema, the digest of the manifest itself and of every file.
 * A damaged entry is removed. A hit counts as use for eviction.
 */
export async function readArtifact(cacheDir: string, key: string): Promise<ArtifactManifest | undefined> {
  const directory = join(cacheDir, key)
  const manifest = await verify(directory, key)
  if (manifest === undefined) {
    await discard(cacheDir, key)
    return undefined
  }
  const now = new Date()
  // Another process may evict it at this very moment: then the sandbox's launch fails and asks again.
  await utimes(directory, now, now).catch(() => undefined)
  return manifest
}

async function verify(directory: string, key: string): Promise<ArtifactManifest | undefined> {
  const text = await readFile(join(directory, manifestName), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const manifest = parseManifest(text)
  if (manifest === undefined) return undefined
  if (artifactKey(manifest.componentSha256, manifest.limits) !== key) return undefined
  if (![manifest.glue, ...manifest.cores].every((name) => Object.hasOwn(manifest.files, name)))
    return undefined
  for (const [name, expected] of Object.entries(manifest.files)) {
    const bytes = await readFile(join(directory, name)).catch(() => undefined)
    if (bytes?.length !== expected.bytes || sha256(bytes) !== expected.sha256) return undefined
  }
  return manifest
}

/** `artifact.json` is the manifest and the digest of its own text. */
function parseManifest(text: string): ArtifactManifest | undefined {
  try {
    const outer: unknown = JSON.parse(text)
    if (typeof outer !== 'object' || outer === null || !('manifest' in outer) || !('sha256' in outer))
      return undefined
    const parsed = artifactManifestSchema.safeParse(outer.manifest)
    return parsed.success && sha256(JSON.stringify(outer.manifest)) === outer.sha256 ? parsed.data : undefined
  } catch {
    return undefined
  }
}

/**
 * Writes an entry and makes it appear at once. Where another process was faster, its entry is kept if it is whole.
 * Throws `compiler.cache_unwritable`.
 */
export async function writeArtifact(
  cacheDir: string,
  key: string,
  manifest: ArtifactManifest,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<ArtifactManifest> {
  const temporary = join(cacheDir, `${temporaryPrefix}${process.pid}-${randomUUID()}`)
  try {
    await mkdir(temporary, { recursive: true })
    for (const [name, bytes] of files) await writeDurably(join(temporary, name), bytes)
    const text = JSON.stringify({ manifest, sha256: sha256(JSON.stringify(manifest)) })
    await writeDurably(join(temporary, manifestName), text)
    await syncFolder(temporary)
    const kept = await publish(cacheDir, temporary, key)
    await syncFolder(cacheDir)
    return kept ?? manifest
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined)
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new PaddockError(
      'compiler.cache_unwritable',
      `The compiler cannot write to its cache ${cacheDir} (${reason}).`,
      {
        cause,
      },
    )
  }
}

/** The manifest of an entry that was there already, or `undefined` once `temporary` has taken its place. */
async function publish(
  cacheDir: string,
  temporary: string,
  key: string,
): Promise<ArtifactManifest | undefined> {
  try {
    await rename(temporary, join(cacheDir, key))
    return undefined
  } catch (thrown) {
    const present = await readArtifact(cacheDir, key)
    if (present !== undefined) {
      await rm(temporary, { recursive: true, force: true })
      return present
    }
    if ((await stat(temporary).catch(() => undefined)) === undefined) throw thrown
    // What stood there was damaged, and readArtifact has just removed it.
    await rename(temporary, join(cacheDir, key))
    return undefined
  }
}

async function writeDurably(path: string, contents: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(contents)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Removes an entry: out of the way by one rename first, so that nobody sees half of it. */
async function discard(cacheDir: string, key: string): Promise<void> {
  const aside = join(cacheDir, `${discardedPrefix}${randomUUID()}`)
  try {
    await rename(join(cacheDir, key), aside)
  } catch {
    return
  }
  await rm(aside, { recursive: true, force: true }).catch(() => undefined)
}

/** Removes the entries used longest ago until at most `maxBytes` are left; `keep` is never removed. */
export async function evictArtifacts(
  cacheDir: string,
  maxBytes: number,
  keep: string,
  now = Date.now(),
): Promise<string[]> {
  const entries: { name: string; bytes: number; usedMs: number }[] = []
  for (const name of await readdir(cacheDir).catch(() => [])) {
    const path = join(cacheDir, name)
    const info = await stat(path).catch(() => undefined)
    if (info?.isDirectory() !== true) continue
    if (/^[0-9a-f]{64}$/.test(name))
      entries.push({ name, bytes: await folderBytes(path), usedMs: info.mtimeMs })
    else if (
      (name.startsWith(temporaryPrefix) || name.startsWith(discardedPrefix)) &&
      now - info.mtimeMs > strayAgeMs
    ) {
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
  }
  entries.sort((a, b) => a.usedMs - b.usedMs)
  let total = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  const evicted: string[] = []
  for (const entry of entries) {
    if (total <= maxBytes) break
    if (entry.name === keep) continue
    await discard(cacheDir, entry.name)
    total -= entry.bytes
    evicted.push(entry.name)
  }
  return evicted
}

async function folderBytes(path: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(path).catch(() => [])) {
    bytes += (await stat(join(path, name)).catch(() => undefined))?.size ?? 0
  }
  return bytes
}
