/** Requests to a worker thread that starts with the first of them, and anew with the next after it was lost. */
import { Worker } from 'node:worker_threads'
import { PaddockError, type ErrorReport } from '../shared/errors.ts'

export type RequestReply<Answer> =
  | { readonly id: number; readonly ok: true; readonly answer: Answer }
  | { readonly id: number; readonly ok: false; readonly error: ErrorReport }

export interface RequestThreadOptions {
  /** The built script of the thread. */
  readonly entry: string | URL
  /** For messages: what asks ("event browser"), and what answers ("event reader"). */
  readonly client: string
  readonly thread: string
  /** Requests that may wait for the thread. */
  readonly maxPending: number
}

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: PaddockError) => void
}

export class RequestThread {
  private readonly options: RequestThreadOptions
  private worker: Worker | undefined
  private nextId = 1
  private readonly pending = new Map<number, Pending>()
  private isDisposed = false

  constructor(options: RequestThreadOptions) {
    this.options = options
  }

  /** Whether there is a thread, which may hold files open. */
  get isStarted(): boolean {
    return this.worker !== undefined
  }

  /** The answer to a message. Rejects with what the thread answered, `store.busy`, or `store.io` when it is lost. */
  request(message: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { client, thread: name, maxPending } = this.options
      if (this.isDisposed) throw new PaddockError('store.io', `The ${client} is closed.`)
      if (this.pending.size >= maxPending)
        throw new PaddockError('store.busy', `Too many requests wait for the ${name}.`)
      const id = this.nextId++
      this.pending.set(id, { resolve, reject })
      const thread = this.thread()
      // Only what waits for an answer keeps the process alive.
      thread.ref()
      thread.postMessage({ ...message, id })
    })
  }

  /** Ends the thread. Requests that wait fail with `store.io`. */
  async dispose(): Promise<void> {
    this.isDisposed = true
    const { worker } = this
    this.onThreadGone(worker, undefined)
    await worker?.terminate()
  }

  private thread(): Worker {
    if (this.worker !== undefined) return this.worker
    const worker = new Worker(this.options.entry)
    this.worker = worker
    worker.on('message', (reply: RequestReply<unknown>) => this.onReply(reply))
    worker.on('error', (error) => this.onThreadGone(worker, error))
    worker.on('exit', () => this.onThreadGone(worker, undefined))
    return worker
  }

  private onReply(reply: RequestReply<unknown>): void {
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
    const message = `The ${this.options.thread} ended before it answered.`
    const error = new PaddockError('store.io', message, { cause })
    for (const pending of this.pending.values()) pending.reject(error)
    this.pending.clear()
  }
}
