/** Browsing and carrying of module stores. One worker thread serves all; it starts with the first request. */
import { RequestThread } from '../request-thread.ts'
import type {
  StoreCarried,
  StoreImport,
  StoreKeys,
  StoreKeysQuery,
  StoreOperations,
  StoreUsage,
  StoreValue,
} from './protocol.ts'

/** Requests that may wait for the thread. */
const maxPending = 256

export interface StoreBrowserOptions {
  /** The built store reader thread, `out/main/store-reader.cjs`. */
  readonly entry: string | URL
}

export class StoreBrowser {
  private readonly thread: RequestThread

  constructor({ entry }: StoreBrowserOptions) {
    this.thread = new RequestThread({ entry, client: 'store browser', thread: 'store reader', maxPending })
  }

  /** A page of keys in UTF-8 byte order. Throws `store.*`. */
  keys(query: StoreKeysQuery): Promise<StoreKeys> {
    return this.request('keys', query)
  }

  /** The size and the first 64 KiB of a value, or null when there is no such key. Throws `store.*`. */
  value(query: { readonly path: string; readonly key: string }): Promise<StoreValue | null> {
    return this.request('value', query)
  }

  /** A whole value, or null when there is no such key. Throws `store.*`. */
  whole(query: { readonly path: string; readonly key: string }): Promise<Uint8Array | null> {
    return this.request('whole', query)
  }

  /** Entries and cost of a store. Throws `store.*`. */
  usage(path: string): Promise<StoreUsage> {
    return this.request('usage', { path })
  }

  /** Writes the store as NDJSON to `file`, also while its module runs. Throws `store.*`. */
  export(path: string, module: string, file: string): Promise<StoreCarried> {
    return this.request('export', { path, module, file })
  }

  /** Copies the store to `file`, which must not be there, also while its module runs. Throws `store.*`. */
  backup(path: string, file: string): Promise<StoreCarried> {
    return this.request('backup', { path, file })
  }

  /** Puts an export in place of all that is in the store; its module must not run. Throws `store.*`. */
  import(query: StoreImport): Promise<StoreCarried> {
    return this.request('import', query)
  }

  /** Gives room back to the disk; the module must not run. Answers the size in bytes. Throws `store.*`. */
  compact(path: string, module: string): Promise<{ before: number; after: number }> {
    return this.request('compact', { path, module })
  }

  /** Lets go of a store file, for instance before it is deleted. */
  async close(path: string): Promise<void> {
    // Without a thread nothing is open.
    if (this.thread.isStarted) await this.request('close', { path })
  }

  /** Ends the thread. Requests that wait fail with `store.io`. */
  dispose(): Promise<void> {
    return this.thread.dispose()
  }

  private async request<Operation extends keyof StoreOperations>(
    operation: Operation,
    query: StoreOperations[Operation]['query'],
  ): Promise<StoreOperations[Operation]['answer']> {
    return (await this.thread.request({ operation, query })) as StoreOperations[Operation]['answer']
  }
}
