/** Opens what an operator drops: a folder, an archive of one, or a bare component (DESIGN "Bundles and manifests"). */
import { constants } from 'node:fs'
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { maxComponentBytes } from '../../shared/domain/limits.ts'
import { PaddockError } from '../../shared/errors.ts'
import { archiveKind, extractArchive } from './archive/extract.ts'
import { manifestDialects } from './manifest/dialects.ts'
import type { ModuleManifest } from './manifest/model.ts'
import { bareManifest, readManifestFile, readManifestOf } from './manifest/read-manifest.ts'
import { errnoOf } from '../errno.ts'

export interface BundleContext {
  /** Archives are unpacked below it. */
  readonly stateDir: string
  readonly knownCapabilities: readonly string[]
  /** A manifest that wins over the bundle's own (spec nexum-host 3.1). */
  readonly manifestFile?: string
  /** Fetches the component that a manifest names where none lies beside it (4.5); answers its file. */
  readonly fetchComponent?: (reference: string) => Promise<string>
}

export interface Bundle {
  readonly kind: 'folder' | 'archive' | 'component'
  /** What was opened, absolute. */
  readonly path: string
  /** The folder that holds manifest and component; for an archive, where it was unpacked. */
  readonly root: string
  readonly manifest: ModuleManifest
  /** Absolute, links resolved. */
  readonly componentPath: string
  readonly componentBytes: number
}

/**
 * Opens a bundle and reads its manifest; nothing of it runs. The component is only located: the compiler process
 * reads and hashes it once.
 * Throws `bundle.*`, `manifest.*`, `component.not_wasm` and `state.unwritable`.
 */
export async function openBundle(path: string, context: BundleContext): Promise<Bundle> {
  const absolute = resolve(path)
  const stats = await stat(absolute).catch((cause: unknown) => {
    throw notFound(absolute, cause)
  })
  if (stats.isDirectory()) return openFolder('folder', absolute, absolute, context)
  if (!stats.isFile()) throw notBundle(absolute)
  if (isManifestName(basename(absolute))) {
    return openFolder('folder', absolute, dirname(absolute), { manifestFile: absolute, ...context })
  }
  const head = await readHead(absolute)
  const kind = archiveKind(head)
  if (kind !== null) {
    const folder = await extractArchive(absolute, kind, context.stateDir)
    return openFolder('archive', absolute, await innerRoot(folder), context)
  }
  if (extname(absolute).toLowerCase() !== '.wasm' && !isWasm(head)) throw notBundle(absolute)
  return openComponent(absolute, context)
}

async function openFolder(
  kind: Bundle['kind'],
  path: string,
  root: string,
  context: BundleContext,
): Promise<Bundle> {
  await refuseEscapingManifests(root)
  const manifest =
    context.manifestFile === undefined
      ? await readManifestOf(root, context)
      : await readManifestFile(resolve(context.manifestFile), context)
  if (manifest === null) throw await missingManifest(root)
  const component = await componentOf(root, manifest, context)
  return { kind, path, root, manifest, ...component }
}

/**
 * A component by itself. A manifest beside it counts when it names this very file (spec nexum-host 3.1); otherwise
 * the component gets defaults and no grants.
 */
async function openComponent(path: string, context: BundleContext): Promise<Bundle> {
  const root = dirname(path)
  if (context.manifestFile !== undefined) {
    const manifest = await readManifestFile(resolve(context.manifestFile), context)
    const component = await locateComponent(root, basename(path))
    return { kind: 'component', path, root, manifest, ...component }
  }
  const beside = await readManifestOf(root, context)
  if (beside !== null && resolve(root, beside.component.file) === path) {
    return openFolder('folder', path, root, context)
  }
  const component = await locateComponent(root, basename(path))
  return { kind: 'component', path, root, manifest: bareManifest(path), ...component }
}

/** The file beside the manifest; without one, what its content reference leads to. */
async function componentOf(
  root: string,
  { component }: ModuleManifest,
  { fetchComponent }: BundleContext,
): Promise<{ componentPath: string; componentBytes: number }> {
  const { reference, file } = component
  const isThere = (await stat(join(root, file)).catch(() => null)) !== null
  if (isThere || reference === null || fetchComponent === undefined) return locateComponent(root, file)
  const fetched = await fetchComponent(reference)
  return locateComponent(dirname(fetched), basename(fetched))
}

/** Throws `bundle.no_component`, `bundle.unsafe_archive` (a link that leaves the folder) and `bundle.too_large`. */
async function locateComponent(
  root: string,
  file: string,
): Promise<{ componentPath: string; componentBytes: number }> {
  const path = join(root, file)
  const stats = await stat(path).catch(() => null)
  if (stats?.isFile() !== true) {
    throw new PaddockError('bundle.no_component', `${root} holds no component ${file}.`, {
      details: { path, file },
    })
  }
  const componentPath = await insideOf(root, path)
  if (stats.size > maxComponentBytes) {
    throw new PaddockError(
      'bundle.too_large',
      `${path} has ${stats.size} bytes; a component may have ${maxComponentBytes}.`,
      {
        details: { path, sizeBytes: stats.size, allowed: maxComponentBytes },
      },
    )
  }
  return { componentPath, componentBytes: stats.size }
}

/** A manifest that is a link out of the folder would make the operator's own files part of the bundle. */
async function refuseEscapingManifests(root: string): Promise<void> {
  for (const name of manifestDialects.flatMap((dialect) => dialect.fileNames)) {
    const path = join(root, name)
    const stats = await lstat(path).catch(() => null)
    // A link that leads nowhere is as good as no file.
    if (stats?.isSymbolicLink() === true && (await stat(path).catch(() => null)) !== null)
      await insideOf(root, path)
  }
}

/** The real path of `path`, which must lie below the real path of `root`. */
async function insideOf(root: string, path: string): Promise<string> {
  const [realRoot, realFile] = await Promise.all([realpath(root), realpath(path)])
  const inner = relative(realRoot, realFile)
  if (inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner)) {
    throw new PaddockError('bundle.unsafe_archive', `${path} is a link that leaves the bundle.`, {
      details: { reason: 'link', path },
      remedy: 'Put the file itself into the bundle instead of a link to it.',
    })
  }
  return realFile
}

/** Archives often hold one folder with everything in it. */
async function innerRoot(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter(
    (name) => name !== '__MACOSX' && name !== '.DS_Store' && !name.startsWith('._'),
  )
  if (names.some(isManifestName)) return folder
  const [only] = names
  if (names.length !== 1 || only === undefined) return folder
  const inner = join(folder, only)
  return (await stat(inner)).isDirectory() ? inner : folder
}

async function missingManifest(root: string): Promise<PaddockError> {
  const names = await readdir(root)
  const components = names.filter((name) => name.toLowerCase().endsWith('.wasm'))
  if (components.length === 0) {
    return new PaddockError('bundle.no_component', `${root} holds neither a manifest nor a component.`, {
      details: { path: root },
    })
  }
  const expected = manifestDialects.flatMap((dialect) => dialect.fileNames)
  return new PaddockError(
    'manifest.missing',
    `${root} holds no manifest; looked for ${expected.join(', ')}.`,
    {
      details: { path: root, expected, components: components.slice(0, 10) },
    },
  )
}

function isManifestName(name: string): boolean {
  return manifestDialects.some((dialect) => dialect.fileNames.includes(name))
}

function isWasm(head: Uint8Array): boolean {
  return head[0] === 0 && head[1] === 0x61 && head[2] === 0x73 && head[3] === 0x6d
}

async function readHead(path: string): Promise<Uint8Array> {
  try {
    const handle = await open(path, constants.O_RDONLY)
    try {
      const head = new Uint8Array(4)
      const { bytesRead } = await handle.read(head, 0, 4, 0)
      return head.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw notFound(path, cause)
  }
}

function notFound(path: string, cause: unknown): PaddockError {
  const reason = errnoOf(cause) ?? null
  const what =
    reason === 'ENOENT' ? `There is no ${path}.` : `${path} cannot be read (${reason ?? 'unknown'}).`
  return new PaddockError('bundle.not_found', what, { cause, details: { path, reason } })
}

function notBundle(path: string): PaddockError {
  return new PaddockError(
    'component.not_wasm',
    `${path} is neither a folder, an archive (.tar.gz, .zip) nor a component (.wasm).`,
    {
      details: { path },
    },
  )
}
