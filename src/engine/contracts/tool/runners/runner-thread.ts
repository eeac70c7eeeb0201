/** One guest thread of a runner process: serves calls of one tool, one at a time, until it is destroyed. */
import { PaddockError } from '../../../../shared/errors.ts'
import type { GuestLogRecord } from '../../../../shared/domain/log.ts'
import type {
  CallReply,
  HostCall,
  HostOutcome,
  LoadResult,
  LoadSpec,
} from '../../../../shared/sandbox/protocol.ts'
import type { Clock } from '../../../clock.ts'
import { refused } from '../../../sandboxes/sandbox-replies.ts'
import type { SandboxThread } from '../../../sandboxes/sandbox-thread.ts'
import type { CarriedThread, RunnerProcess } from './runner-process.ts'

/** A thread that was told to end and has not after this is beyond telling: its process is killed. */
const endThreadMs = 3_000

/** What the call that a thread serves does with what comes from it. */
export interface CallHandlers {
  onHostCall(call: HostCall): Promise<HostOutcome>
  onLogs(records: readonly GuestLogRecord[], dropped: number): void
}

export interface ThreadCall {
  readonly operation: string
  readonly payload: unknown
  readonly fuel: number
  /** When the sandbox's own watchdog ends it, should nobody have before. */
  readonly deadlineMs: number
}

export class RunnerThread implements CarriedThread {
  readonly process: RunnerProcess
  readonly key: string
  readonly digest: string
  readonly memoryBytes: number
  uses = 0
  /** When it last became idle, on the monotonic clock. */
  idleSince = 0
  /** Settles when the thread is gone. */
  readonly gone: Promise<void>
  private readonly clock: Clock
  private readonly thread: SandboxThread
  private handlers: CallHandlers | undefined
  private runningCall: number | undefined
  private destroying = false
  private interrupted = false
  private loading = false
  private tellGone: () => void = () => undefined

  constructor(process: RunnerProcess, spec: LoadSpec, key: string, digest: string, clock: Clock) {
    this.process = process
    this.key = key
    this.digest = digest
    this.memoryBytes = spec.limits.memoryBytes
    this.clock = clock
    this.gone = new Promise((resolve) => {
      this.tellGone = resolve
    })
    this.thread = process.openThread({
      onHostCall: (call) => this.handlers?.onHostCall(call) ?? Promise.resolve(refused(call)),
      onLogs: (records, dropped) => this.handlers?.onLogs(records, dropped),
      onOverdue: () => undefined,
      onEnded: () => this.onEnded(),
    })
  }

  get ended(): boolean {
    return this.thread.ended
  }

  /** Whether a call runs in it. */
  get isBusy(): boolean {
    return this.runningCall !== undefined
  }

  /** Whether it may serve another call. */
  get isSound(): boolean {
    return !this.interrupted && !this.destroying && !this.ended && !this.process.ended
  }

  /** Rejects with why the thread or its process ended; a faulty component is a result. */
  async load(spec: LoadSpec): Promise<LoadResult> {
    this.loading = true
    try {
      return await this.thread.load(spec)
    } finally {
      this.loading = false
    }
  }

  /** Runs one call. Rejects with why the thread or its process ended before it was answered. */
  async run(call: ThreadCall, handlers: CallHandlers): Promise<CallReply> {
    if (this.runningCall !== undefined)
      throw new PaddockError('internal.bug', 'The thread is serving a call.')
    const id = this.thread.allocateCallId()
    this.runningCall = id
    this.handlers = handlers
    try {
      return await this.thread.call({
        id,
        sequence: id,
        operation: call.operation,
        payload: call.payload,
        cursor: null,
        fuel: call.fuel,
        deadlineMs: call.deadlineMs,
        context: { eventType: 'call' },
      })
    } finally {
      this.runningCall = undefined
    }
  }

  /** Nothing that comes from it belongs to a call any more. */
  detach(): void {
    this.handlers = undefined
  }

  /** Ends the running call, and the thread with it. */
  interrupt(): void {
    this.interrupted = true
    if (this.runningCall !== undefined) this.thread.cancel(this.runningCall)
    this.watchEnd()
  }

  /** Ends the thread; settles when it is gone. Safe to call again. */
  destroy(): Promise<void> {
    if (!this.destroying) {
      this.destroying = true
      this.thread.stop(0)
      this.watchEnd()
    }
    return this.gone
  }

  private watchEnd(): void {
    if (this.ended) return
    const stop = this.clock.after(endThreadMs, () =>
      this.process.kill(new PaddockError('sandbox.unresponsive', 'A guest thread did not end in time.')),
    )
    void this.gone.then(stop)
  }

  private onEnded(): void {
    this.process.threadGone(this, this.loading || this.isBusy)
    this.tellGone()
  }
}
