/** Read-only browsing of event stores. One worker thread reads for all; it starts with the first request. */
import { Worker } from 'node:worker_threads'
import { PaddockError } from '../../shared/errors.ts'
import {
  readerMethods,
  type AsyncEventReader,
  type Carriage,
  type EventReply,
  type EventRequest,
} from './protocol.ts'

/** Requests that may wait for the thread. */
const maxPending = 1_024

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: PaddockError) => void
}

type Unsent<T> = T extends unknown ? Omit<T, 'id'> : never

export class EventBrowser {
  private readonly entry: string | URL
  private worker: Worker | undefined
  private nextId = 1
  private readonly pending = new Map<number, Pending>()
  private isDisposed = false

  /** `entry` is the built event reader thread, `out/main/event-reader.cjs`. */
  constructor(entry: string | URL) {
    this.entry = entry
  }

  /** The store in a file. Every method of it throws `store.*`. */
  store(path: string): AsyncEventReader {
    const methods = readerMethods.map((method) => [
      method,
      (...args: unknown[]) => this.request({ path, method, args }),
    ])
    return Object.fromEntries(methods) as AsyncEventReader
  }

  /** The module whose streams a file holds, '' while there are none. Throws `store.*`. */
  async module(path: string): Promise<string> {
    return (await this.request({ path, method: 'module' })) as string
  }

  /** A text that changes whenever something was committed to the file. Throws `store.*`. */
  async changes(path: string): Promise<string> {
    return (await this.request({ path, method: 'changes' })) as string
  }

  /** Writes all events as NDJSON to `file`. Throws `store.*`. */
  async export(path: string, file: string): Promise<Carriage> {
    return (await this.request({ path, method: 'export', file })) as Carriage
  }

  /** Makes the store at `path` of the NDJSON in `file`; no store may be there. Throws `store.*`. */
  async import(path: string, file: string): Promise<Carriage> {
    return (await this.request({ path, method: 'import', file })) as Carriage
  }

  /** Copies the store to `file` while it may be written to. Throws `store.*`. */
  async backup(path: string, file: string): Promise<void> {
    await this.request({ path, method: 'backup', file })
  }

  /** Lets go of a file, for instance before it is deleted. */
  async close(path: string): Promise<void> {
    if (this.worker !== undefined) await this.request({ path, method: 'close' })
  }

  /** Ends the thread. Requests that wait fail with `store.io`. */
  async dispose(): Promise<void> {
    this.isDisposed = true
    const { worker } = this
    this.onThreadGone(worker, undefined)
    await worker?.terminate()
  }

  private request(request: Unsent<EventRequest>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.isDisposed) throw new PaddockError('store.io', 'The event browser is closed.')
      if (this.pending.size >= maxPending) {
        throw new PaddockError('store.busy', 'Too many requests wait for the event reader.')
      }
      const id = this.nextId++
      this.pending.set(id, { resolve, reject })
      const thread = this.thread()
      // Only what waits for an answer keeps the process alive.
      thread.ref()
      thread.postMessage({ ...request, id })
    })
  }

  private thread(): Worker {
    if (this.worker !== undefined) return this.worker
    const worker = new Worker(this.entry)
    this.worker = worker
    worker.on('message', (reply: EventReply) => this.onReply(reply))
    worker.on('error', (error) => this.onThreadGone(worker, error))
    worker.on('exit', () => this.onThreadGone(worker, undefined))
    return worker
  }

  private onReply(reply: EventReply): void {
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
    const error = new PaddockError('store.io', 'The event reader ended before it answered.', { cause })
    for (const pending of this.pending.values()) pending.reject(error)
    this.pending.clear()
  }
}
