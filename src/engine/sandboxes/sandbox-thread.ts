/** The engine's end of one guest thread of a shared sandbox process: calls, host calls, and one honest end. */
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { GuestLogRecord } from '../../shared/domain/log.ts'
import type {
  CallReply,
  EngineMessage,
  GuestCall,
  HostCall,
  HostOutcome,
  LoadResult,
  LoadSpec,
  SandboxMessage,
  StatementMark,
} from '../../shared/sandbox/protocol.ts'

export interface ThreadHandlers {
  onHostCall(call: HostCall): Promise<HostOutcome>
  onLogs(records: readonly GuestLogRecord[], dropped: number): void
  /** A call ran too long; the thread is being ended, which a statement that runs holds up. */
  onOverdue(call: number, statement: StatementMark | null): void
  /** Called once: null after an orderly stop. Everything pending has been rejected. */
  onEnded(error: ErrorReport | null): void
}

export interface ThreadOptions {
  readonly number: number
  readonly generation: number
  readonly handlers: ThreadHandlers
  readonly post: (message: EngineMessage) => void
  readonly refuse: (call: HostCall) => HostOutcome
  readonly onGone: () => void
}

interface Waiter<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: PaddockError) => void
}

type ThreadMessage = Extract<
  SandboxMessage,
  { type: 'loaded' | 'replies' | 'host-calls' | 'logs' | 'overdue' | 'thread-ended' }
>

export class SandboxThread {
  private readonly options: ThreadOptions
  private readonly calls = new Map<number, Waiter<CallReply>>()
  private loading: Waiter<LoadResult> | undefined
  private end: PaddockError | undefined
  private nextId = 1

  constructor(options: ThreadOptions) {
    this.options = options
  }

  get number(): number {
    return this.options.number
  }

  get ended(): boolean {
    return this.end !== undefined
  }

  allocateCallId(): number {
    return this.nextId++
  }

  /** Begins the thread and its guest program. Rejects only when it ended first; a faulty module is a result. */
  load(spec: LoadSpec): Promise<LoadResult> {
    return new Promise((resolve, reject) => {
      if (this.end !== undefined) {
        reject(this.end)
        return
      }
      this.loading = { resolve, reject }
      const { number, generation, post } = this.options
      post({ type: 'load', generation, thread: number, id: this.nextId++, spec })
    })
  }

  /** Runs one guest call after those sent before it. Rejects with why the thread or its process ended. */
  call(call: GuestCall): Promise<CallReply> {
    return new Promise((resolve, reject) => {
      if (this.end !== undefined) {
        reject(this.end)
        return
      }
      this.calls.set(call.id, { resolve, reject })
      const { number, generation, post } = this.options
      post({ type: 'calls', generation, thread: number, calls: [call] })
    })
  }

  /** Ends the call if it runs, drops it if it waits; its promise settles all the same. */
  cancel(id: number): void {
    const { number, generation, post } = this.options
    post({ type: 'cancel', generation, thread: number, id })
  }

  /** Lets the running call finish within `graceMs`, then ends the thread; `onEnded` tells when. */
  stop(graceMs: number): void {
    if (this.end !== undefined) return
    const { number, generation, post } = this.options
    post({ type: 'stop-thread', generation, thread: number, graceMs })
  }

  /** A message of the process about this thread. */
  receive(message: ThreadMessage): void {
    switch (message.type) {
      case 'loaded': {
        const { loading } = this
        this.loading = undefined
        loading?.resolve(message.result)
        return
      }
      case 'replies':
        for (const reply of message.replies) {
          const waiter = this.calls.get(reply.id)
          this.calls.delete(reply.id)
          waiter?.resolve(reply)
        }
        return
      case 'host-calls':
        for (const call of message.calls) void this.answer(call)
        return
      case 'logs':
        this.options.handlers.onLogs(message.records, message.dropped)
        return
      case 'overdue':
        this.options.handlers.onOverdue(message.call, message.statement)
        return
      case 'thread-ended':
        this.finish(message.error)
        return
    }
  }

  /** The thread is gone, alone or with its process. */
  finish(error: ErrorReport | null): void {
    if (this.end !== undefined) return
    const reason =
      error === null
        ? new PaddockError('sandbox.stopped', 'The guest thread was stopped.')
        : PaddockError.fromReport(error)
    this.end = reason
    this.loading?.reject(reason)
    this.loading = undefined
    for (const waiter of this.calls.values()) waiter.reject(reason)
    this.calls.clear()
    this.options.onGone()
    this.options.handlers.onEnded(error)
  }

  private async answer(call: HostCall): Promise<void> {
    const { number, generation, post, handlers, refuse } = this.options
    const outcome = await handlers.onHostCall(call).catch((): HostOutcome => refuse(call))
    if (this.end !== undefined) return
    post({ type: 'host-replies', generation, thread: number, replies: [{ id: call.id, outcome }] })
  }
}
