/** Asks a worker thread and awaits its answers, so that no disk and no hashing holds up the engine. */
import { Worker } from 'node:worker_threads'
import { PaddockError } from '../../../shared/errors.ts'
import type { ThreadOperations, ThreadReply } from './protocol.ts'

/** Requests that may wait for one thread. */
const maxPending = 4_096

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: PaddockError) => void
}

export interface ThreadClientOptions {
  /** Built script of the thread. */
  readonly entry: string | URL
  /** What the thread gets as its `workerData`. */
  readonly data: unknown
  /** For messages: "The message store". */
  readonly title: string
}

/** Starts its thread with the first request, and another one after it was lost. */
export class ThreadClient<Operations extends ThreadOperations<Operations>> {
  private readonly options: ThreadClientOptions
  private worker: Worker | undefined
  private nextId = 1
  private readonly pending = new Map<number, Pending>()
  private isClosed = false

  constructor(options: ThreadClientOptions) {
    this.options = options
  }

  /** Rejects with what the thread's handler threw, `store.busy`, or `store.io` when the thread is lost. */
  request<Name extends keyof Operations & string>(
    operation: Name,
    query: Operations[Name]['query'],
  ): Promise<Operations[Name]['answer']> {
    return new Promise((resolve, reject) => {
      const { title } = this.options
      if (this.isClosed) throw new PaddockError('store.io', `${title} is closed.`)
      if (this.pending.size >= maxPending)
        throw new PaddockError('store.busy', `${title} has too much to do.`)
      const id = this.nextId++
      this.pending.set(id, { resolve: resolve, reject })
      this.thread().postMessage({ id, operation, query })
    })
  }

  /** Lets the thread finish what it was asked and end. Never rejects. */
  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    const { worker } = this
    if (worker === undefined) return
    await new Promise<void>((resolve) => {
      worker.once('exit', () => resolve())
      worker.postMessage({ id: 0, operation: null, query: null })
    })
  }

  private thread(): Worker {
    if (this.worker !== undefined) return this.worker
    const worker = new Worker(this.options.entry, { workerData: this.options.data })
    this.worker = worker
    // A thread with nothing to do must not keep the process alive.
    worker.unref()
    worker.on('message', (reply: ThreadReply) => this.onReply(reply))
    worker.on('error', (error) => this.onGone(worker, error))
    worker.on('exit', () => this.onGone(worker, undefined))
    return worker
  }

  private onReply(reply: ThreadReply): void {
    const pending = this.pending.get(reply.id)
    this.pending.delete(reply.id)
    if (reply.ok) pending?.resolve(reply.answer)
    else pending?.reject(PaddockError.fromReport(reply.error))
  }

  private onGone(worker: Worker, cause: unknown): void {
    if (worker !== this.worker) return
    this.worker = undefined
    const error = new PaddockError('store.io', `${this.options.title} ended before it answered.`, { cause })
    for (const pending of this.pending.values()) pending.reject(error)
    this.pending.clear()
  }
}
