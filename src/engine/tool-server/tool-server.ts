/** The engine's end of the server of tools: starts its thread, answers it, and lets nothing outlive it. */
import { Worker } from 'node:worker_threads'
import { PaddockError, toErrorReport } from '../../shared/errors.ts'
import type { ToolApi } from '../contracts/tool/api.ts'
import { fromServerSchema, type FromServer, type ServerStart, type ToServer } from './protocol.ts'

export interface ToolServerOptions {
  readonly api: ToolApi
  /** The built script of the thread. */
  readonly entry: string
  readonly version: string
  /** It ended by itself: told once. */
  readonly onLost: (error: PaddockError) => void
}

/** How long open requests have when it closes. */
const closeMs = 2_000

export class ToolServer {
  private readonly options: ToolServerOptions
  private worker: Worker | undefined
  private readonly calls = new Map<number, AbortController>()
  private unsubscribe: () => void = () => undefined
  private settleStart: { resolve(url: string): void; reject(error: PaddockError): void } | undefined
  private closing = false

  constructor(options: ToolServerOptions) {
    this.options = options
  }

  /** Listens on the loopback address, for who has the token; answers where. Throws `settings.invalid`. */
  start(start: Omit<ServerStart, 'version'>): Promise<string> {
    const { entry, version, api } = this.options
    const worker = new Worker(entry, { workerData: { ...start, version } satisfies ServerStart })
    this.worker = worker
    worker.on('message', (raw: unknown) => this.receive(raw))
    worker.on('error', (error) => this.onGone(error))
    worker.on('exit', () => this.onGone(undefined))
    this.unsubscribe = api.onDidChange(() => this.post({ kind: 'changed' }))
    return new Promise((resolve, reject) => {
      this.settleStart = { resolve, reject }
    })
  }

  /** Ends it; callers that are left are cancelled. Safe to call again. */
  async close(): Promise<void> {
    const { worker } = this
    if (worker === undefined || this.closing) return
    this.closing = true
    const gone = new Promise<void>((resolve) => void worker.once('exit', () => resolve()))
    this.post({ kind: 'close' })
    const timer = setTimeout(() => void worker.terminate(), closeMs)
    await gone
    clearTimeout(timer)
  }

  private receive(raw: unknown): void {
    const parsed = fromServerSchema.safeParse(raw)
    if (!parsed.success) {
      // Our own code speaks there: it is broken, and better gone.
      void this.worker?.terminate()
      return
    }
    this.handle(parsed.data)
  }

  private handle(message: FromServer): void {
    switch (message.kind) {
      case 'listening':
        this.settleStart?.resolve(message.url)
        this.settleStart = undefined
        return
      case 'failed-to-listen':
        this.closing = true
        this.settleStart?.reject(PaddockError.fromReport(message.error))
        this.settleStart = undefined
        return
      case 'list':
        this.post({ kind: 'listed', id: message.id, tools: this.options.api.list() })
        return
      case 'call':
        void this.call(message)
        return
      case 'cancel':
        this.calls.get(message.id)?.abort()
        return
      case 'closed':
        return
    }
  }

  private async call(message: Extract<FromServer, { kind: 'call' }>): Promise<void> {
    const { id, operation, params, caller } = message
    const leaving = new AbortController()
    this.calls.set(id, leaving)
    try {
      const call = await this.options.api.call({
        operation,
        params,
        caller,
        signal: leaving.signal,
        onProgress: ({ state }) => this.post({ kind: 'state', id, state }),
      })
      this.post({ kind: 'called', id, call })
    } catch (error) {
      this.post({ kind: 'failed', id, error: toErrorReport(error) })
    } finally {
      this.calls.delete(id)
    }
  }

  private post(message: ToServer): void {
    this.worker?.postMessage(message)
  }

  private onGone(error: Error | undefined): void {
    if (this.worker === undefined) return
    this.worker = undefined
    this.unsubscribe()
    for (const leaving of this.calls.values()) leaving.abort()
    const lost = new PaddockError('tool.server_lost', 'The server of tools ended by itself.', {
      cause: error,
    })
    this.settleStart?.reject(lost)
    this.settleStart = undefined
    if (!this.closing) this.options.onLost(lost)
  }
}
