/**
 * Watches authors' folders and tells which bundles appear, change and go. A change is told when the files have
 * been quiet for a while, so that a component is not read while a build writes it.
 */
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { watch, type FSWatcher } from 'chokidar'
import { PaddockError } from '../../shared/errors.ts'
import { manifestDialects } from './manifest/dialects.ts'
import { errnoOf } from '../errno.ts'

/** Bundles told per folder; more are left out, with an error. */
const maxBundlesPerFolder = 256
const maxFolders = 32
/** Deepest folder, below the watched one, in which a bundle is found. */
const maxDepth = 3
/** The system may not tell of files that appear while their folder is being looked at; a look now and then finds them. */
const sweepMs = 2_000
const ignored = new Set(['node_modules', '.git', 'target', '.cache'])

export type FolderEvent =
  | { readonly kind: 'found' | 'changed' | 'removed'; readonly folder: string; readonly bundlePath: string }
  | { readonly kind: 'failed'; readonly folder: string; readonly error: PaddockError }

export interface FolderWatcherOptions {
  readonly onEvent: (event: FolderEvent) => void
  /** How long a file must be quiet before it counts, in milliseconds; 300 unless given. */
  readonly settleMs?: number
}

interface WatchedFolder {
  readonly watcher: FSWatcher
  /** Bundle folders with the files seen in them. */
  readonly bundles: Map<string, Set<string>>
  /** Bundles with a change that is not told yet. */
  readonly pending: Map<string, NodeJS.Timeout>
  /** Bundles that were told. */
  readonly told: Set<string>
  overflowed: boolean
  stopSweeping: () => void
}

export class FolderWatcher {
  private readonly onEvent: (event: FolderEvent) => void
  private readonly settleMs: number
  private readonly folders = new Map<string, WatchedFolder>()

  constructor(options: FolderWatcherOptions) {
    this.onEvent = options.onEvent
    this.settleMs = options.settleMs ?? 300
  }

  get watched(): string[] {
    return [...this.folders.keys()]
  }

  /**
   * Begins to watch a folder and answers when it was read once. Bundles in it are told as found; later failures come
   * as events. Throws `bundle.not_found` when it is no folder, and `usage.invalid` above 32 folders.
   */
  async add(path: string): Promise<void> {
    const folder = resolve(path)
    if (this.folders.has(folder)) return
    const stats = await stat(folder).catch(() => null)
    if (stats?.isDirectory() !== true) {
      throw new PaddockError('bundle.not_found', `${folder} is no folder that can be watched.`, {
        details: { path: folder },
      })
    }
    if (this.folders.size >= maxFolders) {
      throw new PaddockError('usage.invalid', `At most ${maxFolders} folders are watched.`, {
        details: { allowed: maxFolders },
        remedy: 'Stop watching a folder first.',
      })
    }
    const watcher = watch(folder, {
      ignoreInitial: false,
      followSymlinks: false,
      depth: maxDepth,
      ignored: (candidate) => ignored.has(basename(candidate)) && candidate !== folder,
      awaitWriteFinish: {
        stabilityThreshold: this.settleMs,
        pollInterval: Math.max(10, Math.floor(this.settleMs / 4)),
      },
    })
    const watched: WatchedFolder = {
      watcher,
      bundles: new Map(),
      pending: new Map(),
      told: new Set(),
      overflowed: false,
      stopSweeping: () => undefined,
    }
    this.folders.set(folder, watched)
    watcher.on('add', (file) => this.onFile(folder, watched, file))
    watcher.on('change', (file) => this.onFile(folder, watched, file))
    watcher.on('unlink', (file) => this.onGone(folder, watched, file))
    watcher.on('error', (cause) => this.onFailed(folder, cause))
    await new Promise<void>((ready) => {
      watcher.on('ready', () => ready())
    })
    const timer = setInterval(() => void this.sweep(folder, watched), sweepMs)
    watched.stopSweeping = () => clearInterval(timer)
  }

  /** Stops watching a folder; nothing more is told of it. */
  async remove(path: string): Promise<void> {
    const folder = resolve(path)
    const watched = this.folders.get(folder)
    if (watched === undefined) return
    this.folders.delete(folder)
    watched.stopSweeping()
    for (const timer of watched.pending.values()) clearTimeout(timer)
    watched.pending.clear()
    await watched.watcher.close()
  }

  async dispose(): Promise<void> {
    await Promise.all(this.watched.map((folder) => this.remove(folder)))
  }

  /** Takes in files of bundles that nobody told of. */
  private async sweep(folder: string, watched: WatchedFolder): Promise<void> {
    for (const file of await bundleFilesBelow(folder, maxDepth)) {
      if (this.folders.get(folder) !== watched) return
      if (watched.bundles.get(dirname(file))?.has(file) !== true) this.onFile(folder, watched, file)
    }
  }

  private onFile(folder: string, watched: WatchedFolder, file: string): void {
    if (!isBundleFile(file)) return
    const bundlePath = dirname(file)
    const files = watched.bundles.get(bundlePath)
    if (files === undefined && watched.bundles.size >= maxBundlesPerFolder) {
      this.onOverflow(folder, watched)
      return
    }
    watched.bundles.set(bundlePath, (files ?? new Set()).add(file))
    this.schedule(folder, watched, bundlePath)
  }

  private onGone(folder: string, watched: WatchedFolder, file: string): void {
    const bundlePath = dirname(file)
    const files = watched.bundles.get(bundlePath)
    if (files?.delete(file) !== true) return
    if (files.size === 0) watched.bundles.delete(bundlePath)
    // A build may delete a file only to write it again, so this settles as well.
    this.schedule(folder, watched, bundlePath)
  }

  private schedule(folder: string, watched: WatchedFolder, bundlePath: string): void {
    clearTimeout(watched.pending.get(bundlePath))
    const timer = setTimeout(() => {
      watched.pending.delete(bundlePath)
      this.tell(folder, watched, bundlePath)
    }, this.settleMs)
    watched.pending.set(bundlePath, timer)
  }

  private tell(folder: string, watched: WatchedFolder, bundlePath: string): void {
    if (isComplete(watched.bundles.get(bundlePath))) {
      const kind = watched.told.has(bundlePath) ? 'changed' : 'found'
      watched.told.add(bundlePath)
      this.onEvent({ kind, folder, bundlePath })
    } else if (watched.told.delete(bundlePath)) {
      this.onEvent({ kind: 'removed', folder, bundlePath })
    }
  }

  private onOverflow(folder: string, watched: WatchedFolder): void {
    if (watched.overflowed) return
    watched.overflowed = true
    const error = new PaddockError(
      'usage.invalid',
      `${folder} holds more than ${maxBundlesPerFolder} bundles; the others are left out.`,
      {
        details: { path: folder, allowed: maxBundlesPerFolder },
        remedy: 'Watch a folder with fewer bundles.',
      },
    )
    this.onEvent({ kind: 'failed', folder, error })
  }

  private onFailed(folder: string, cause: unknown): void {
    const reason = errnoOf(cause) ?? null
    const error = new PaddockError(
      'bundle.not_found',
      `${folder} cannot be watched (${reason ?? 'unknown'}).`,
      {
        cause,
        details: { path: folder, reason },
        remedy:
          reason === 'ENOSPC' || reason === 'EMFILE'
            ? 'This system allows no more watches; watch a smaller folder.'
            : 'Check that the folder is there and can be read.',
      },
    )
    this.onEvent({ kind: 'failed', folder, error })
  }
}

/** Manifests and components in `folder` and `depth` levels below it; what cannot be read holds none. */
async function bundleFilesBelow(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isFile() && isBundleFile(path)) found.push(path)
    if (entry.isDirectory() && depth > 0 && !ignored.has(entry.name)) {
      found.push(...(await bundleFilesBelow(path, depth - 1)))
    }
  }
  return found
}

const manifestNames = new Set(manifestDialects.flatMap((dialect) => dialect.fileNames))

function isBundleFile(file: string): boolean {
  return manifestNames.has(basename(file)) || file.toLowerCase().endsWith('.wasm')
}

/** A folder is a bundle when it holds a manifest and a component; an author's build makes the latter last. */
function isComplete(files: ReadonlySet<string> | undefined): boolean {
  if (files === undefined) return false
  const names = [...files].map((file) => basename(file))
  return (
    names.some((name) => manifestNames.has(name)) &&
    names.some((name) => name.toLowerCase().endsWith('.wasm'))
  )
}
