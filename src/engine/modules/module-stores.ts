/** What an operator does with the stores of modules (spec nexum-host 16): look, carry, purge, compact. */
import type { StoreCarried } from '../store-browser/protocol.ts'
import type { StoreBrowser } from '../store-browser/store-browser.ts'
import type { ModuleEntry } from './module-entry.ts'
import type { ModuleRegistry } from './registry.ts'
import { purgeStoreFiles } from './store-path.ts'

export interface ModuleStoresOptions {
  readonly registry: ModuleRegistry
  readonly browser: StoreBrowser
}

export class ModuleStores {
  private readonly options: ModuleStoresOptions

  constructor(options: ModuleStoresOptions) {
    this.options = options
  }

  /** Writes the store as NDJSON to an absolute path, also while the module runs. Throws `module.unknown`, `store.*`. */
  export(name: string, file: string): Promise<StoreCarried> {
    return this.options.browser.export(this.pathOf(name), name, file)
  }

  /** Copies the store to an absolute path where nothing is, also while the module runs. Throws as `export` does. */
  backup(name: string, file: string): Promise<StoreCarried> {
    return this.options.browser.backup(this.pathOf(name), file)
  }

  /**
   * Puts an export in place of everything in the store, whole or not at all. Throws `module.must_stop` while the module
   * is not stopped, `module.unknown` and `store.*`.
   */
  async import(name: string, file: string): Promise<StoreCarried> {
    const path = this.pathOf(name)
    const carried = await this.whileStopped(name, (entry) =>
      this.options.browser.import({ path, module: name, file, quotaBytes: entry.limits.storeBytes }),
    )
    this.note(name, 'store_imported', `Store of ${name} imported, ${carried.entries} keys`, carried.usedBytes)
    return carried
  }

  /** Gives room back to the disk. Answers the size of the file in bytes. Throws as `import` does. */
  compact(name: string): Promise<{ before: number; after: number }> {
    const path = this.pathOf(name)
    return this.whileStopped(name, () => this.options.browser.compact(path, name))
  }

  /** Deletes everything in the store, source positions as well. Throws as `import` does. */
  async purge(name: string): Promise<void> {
    const path = this.pathOf(name)
    await this.whileStopped(name, async () => {
      await this.options.browser.close(path)
      await purgeStoreFiles(path)
    })
    this.note(name, 'store_purged', `Store of ${name} purged`, 0)
  }

  private whileStopped<T>(name: string, work: (entry: ModuleEntry) => Promise<T>): Promise<T> {
    return this.options.registry.whileStopped(name, work)
  }

  private pathOf(name: string): string {
    this.options.registry.entry(name)
    return this.options.registry.storePathOf(name)
  }

  private note(name: string, event: string, text: string, usedBytes: number): void {
    this.options.registry.find(name)?.storeChanged(event, text, usedBytes)
  }
}
