/** Browsing and carrying of module stores. One worker thread serves all; it starts with the first request. */
import { Worker } from 'node:worker_threads'
import { PaddockError } from '../../shared/errors.ts'
import type {
  StoreCarried,
  StoreImport,
  StoreKeys,
  StoreKeysQuery,
  StoreOperations,
  StoreReply,
  StoreUsage,
  StoreValue,
} from './protocol.ts'

/** Requests that may wait for the thread. */
const maxPending = 256

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: PaddockError) => void
}

export interface StoreBrowserOptions {
  /** The built store reader thread, `out/main/store-reader.cjs`. */
  readonly entry: string | URL
}

export class StoreBrowser {
  private readonly entry: string | URL
  private worker: Worker | undefined
  private nextId = 1
  private readonly pending = new Map<number, Pending>()
  private isDisposed = false

  constructor(options: StoreBrowserOptions) {
    this.entry = options.entry
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
    if (this.worker !== undefined) await this.request('close', { path })
  }

  /** Ends the thread. Requests that wait fail with `store.io`. */
  async dispose(): Promise<void> {
    this.isDisposed = true
    const worker = this.worker
    this.onThreadGone(worker, undefined)
    await worker?.terminate()
  }

  private request<Operation extends keyof StoreOperations>(
    operation: Operation,
    query: StoreOperations[Operation]['query'],
  ): Promise<StoreOperations[Operation]['answer']> {
    return new Promise((resolve, reject) => {
      if (this.isDisposed) throw new PaddockError('store.io', 'The store browser is closed.')
      if (this.pending.size >= maxPending)
        throw new PaddockError('store.busy', 'Too many requests wait for the store reader.')
      const id = this.nextId++
      this.pending.set(id, { resolve: resolve as Pending['resolve'], reject })
      const thread = this.thread()
      // Only what waits for an answer keeps the process alive.
      thread.ref()
      thread.postMessage({ id, operation, query })
    })
  }

  private thread(): Worker {
    if (this.worker !== undefined) return this.worker
    const worker = new Worker(this.entry)
    this.worker = worker
    worker.on('message', (reply: StoreReply) => this.onReply(reply))
    worker.on('error', (error) => this.onThreadGone(worker, error))
    worker.on('exit', () => this.onThreadGone(worker, undefined))
    return worker
  }

  private onReply(reply: StoreReply): void {
    const pending = this.pending.get(reply.id)
    this.pending.delete(reply.id)
    if (this.pending.size === 0) this.worker?.unref()
    if (reply.ok) pending?.resolve(reply.answer)
    else pending?.reject(PaddockError.fromReport(reply.error))
  }

  /** Fails what waits; the next request starts another thread. */
  private onThreadGone(worker: Worker | undefined, cause: unknown): void {
    if (worker === undefined || worker !== this.worker) return
    this.worker = undefined
    const error = new PaddockError('store.io', 'The store reader ended before it answered.', { cause })
    for (const pending of this.pending.values()) pending.reject(error)
    this.pending.clear()
  }
}
