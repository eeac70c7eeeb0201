/** Read-only browsing of module stores. One worker thread reads for all; it starts with the first request. */
import { Worker } from 'node:worker_threads'
import { PaddockError } from '../../shared/errors.ts'
import type {
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

  /** Entries and cost of a store. Throws `store.*`. */
  usage(path: string): Promise<StoreUsage> {
    return this.request('usage', { path })
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
      this.thread().postMessage({ id, operation, query })
    })
  }

  private thread(): Worker {
    if (this.worker !== undefined) return this.worker
    const worker = new Worker(this.entry)
    this.worker = worker
    // Browsing alone must not keep the process alive.
    worker.unref()
    worker.on('message', (reply: StoreReply) => this.onReply(reply))
    worker.on('error', (error) => this.onThreadGone(worker, error))
    worker.on('exit', () => this.onThreadGone(worker, undefined))
    return worker
  }

  private onReply(reply: StoreReply): void {
    const pending = this.pending.get(reply.id)
    this.pending.delete(reply.id)
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
