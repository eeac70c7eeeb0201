/** Folders that module authors work in: bundles found there are offered, changed ones reloaded. */
import { PaddockError, toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { SettingsPort } from '../settings-port.ts'
import type { StateHub } from '../state-hub.ts'
import type { Installer } from './installer.ts'
import { FolderWatcher, type FolderEvent } from './folder-watcher.ts'
import type { ModuleRegistry } from './registry.ts'

export interface WatchedFoldersOptions {
  readonly settings: SettingsPort
  readonly registry: ModuleRegistry
  readonly installer: Installer
  readonly state: StateHub
}

export class WatchedFolders {
  private readonly options: WatchedFoldersOptions
  private readonly watcher: FolderWatcher
  /** Bundles whose change is being taken in, so that two changes in a row are handled one after the other. */
  private readonly busy = new Map<string, Promise<void>>()

  constructor(options: WatchedFoldersOptions) {
    this.options = options
    this.watcher = new FolderWatcher({ onEvent: (event) => this.onEvent(event) })
  }

  /** Watches what the settings name; a folder that is gone is told and does not stop the others. */
  async start(): Promise<void> {
    await Promise.all(
      this.options.settings.get().watchFolders.map(async (folder) => {
        try {
          await this.watcher.add(folder)
        } catch (error) {
          this.raise(folder, toErrorReport(error))
        }
      }),
    )
  }

  /** Throws `bundle.not_found` when it is no folder, `usage.invalid` above the bound. */
  async add(folder: string): Promise<void> {
    const { settings, state } = this.options
    await this.watcher.add(folder)
    const { watchFolders } = settings.get()
    if (!watchFolders.includes(folder))
      settings.set({ ...settings.get(), watchFolders: [...watchFolders, folder] })
    state.touch()
  }

  async remove(folder: string): Promise<void> {
    const { settings, state } = this.options
    await this.watcher.remove(folder)
    settings.set({
      ...settings.get(),
      watchFolders: settings.get().watchFolders.filter((each) => each !== folder),
    })
    state.clear(`watch ${folder}`)
    state.touch()
  }

  async dispose(): Promise<void> {
    await this.watcher.dispose()
    await Promise.allSettled(this.busy.values())
  }

  private onEvent(event: FolderEvent): void {
    if (event.kind === 'failed') this.raise(event.folder, event.error.toReport())
    else if (event.kind === 'removed') this.options.state.clear(`watch ${event.bundlePath}`)
    else this.queue(event.bundlePath, event.kind === 'found')
  }

  private raise(path: string, error: ErrorReport): void {
    this.options.state.raise(`watch ${path}`, 'warn', { kind: 'watch-folder', path }, error)
  }

  private queue(bundlePath: string, isFound: boolean): void {
    const before = this.busy.get(bundlePath) ?? Promise.resolve()
    const work = before.then(() => this.takeIn(bundlePath, isFound))
    this.busy.set(bundlePath, work)
    void work.finally(() => {
      if (this.busy.get(bundlePath) === work) this.busy.delete(bundlePath)
    })
  }

  /** A known bundle is reloaded, a found one only when it is another; a new one waits for the operator. */
  private async takeIn(bundlePath: string, isFound: boolean): Promise<void> {
    const { registry, installer, state } = this.options
    const notice = `watch ${bundlePath}`
    const known = registry.all().find((entry) => entry.record.bundlePath === bundlePath)
    try {
      if (known === undefined) {
        const request = await installer.inspect(bundlePath, {})
        const found = new PaddockError(
          'module.consent_required',
          `${request.name} was found in a watched folder.`,
          {
            details: { bundlePath },
          },
        )
        state.raise(notice, 'warn', { kind: 'watch-folder', path: bundlePath }, found.toReport())
        return
      }
      await installer.reload(known.name, { onlyIfChanged: isFound })
      state.clear(notice)
    } catch (error) {
      const subject =
        known === undefined
          ? { kind: 'watch-folder' as const, path: bundlePath }
          : { kind: 'module' as const, name: known.name }
      state.raise(notice, 'warn', subject, toErrorReport(error))
    }
  }
}
