/**
 * The main thread's end of the bridge: owns the guest thread, passes messages, ends what overruns, and
 * gives every call exactly one answer whatever becomes of the thread.
 */
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads'
import { sandboxHeapMb } from '../../shared/domain/limits.ts'
import type { GuestLogRecord } from '../../shared/domain/log.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type {
  CallReply,
  CallUsage,
  GuestCall,
  HostCall,
  HostOutcome,
  LoadResult,
  LoadSpec,
  StatementMark,
} from '../../shared/sandbox/protocol.ts'
import { ControlBlock, monotonicMs, nextOrdinal } from './control.ts'
import type { FromGuest, GuestThreadData, QueuedCall, ToGuest } from './messages.ts'
import { AdaptiveSpin } from './spin.ts'
import { Watchdog, type EndReason, type WatchedCall } from './watchdog.ts'

export interface GuestHostOptions {
  /** Path of the guest thread's built script. */
  readonly script: string
  readonly onLoaded: (result: LoadResult) => void
  readonly onReplies: (replies: CallReply[]) => void
  readonly onHostCalls: (calls: HostCall[]) => void
  readonly onLogs: (records: GuestLogRecord[], dropped: number) => void
  /** What the program says while its call runs. */
  readonly onMail?: (letters: unknown[]) => void
  /** A call ran too long and its thread is being ended, which a statement that runs holds up. */
  readonly onOverdue?: (call: number, statement: StatementMark | null) => void
  /** The thread is gone, and everything it sent and every answer it owed has been passed on. */
  readonly onEnded?: (error: ErrorReport | null) => void
}

/** What arrived from the guest thread in one turn of the event loop. */
interface Turn {
  readonly replies: CallReply[]
  readonly hostCalls: HostCall[]
  readonly records: GuestLogRecord[]
  readonly letters: unknown[]
  dropped: number
}

/** Small events are answered within this; the main thread never looks longer, so that it always answers. */
const answerSpinMs = 0.1

const noUsage: CallUsage = {
  durationUs: 0,
  hostWaitUs: 0,
  fuel: null,
  hostCalls: 0,
  writes: 0,
  memoryBytes: 0,
  storeBytes: 0,
}

export class GuestHost {
  private readonly options: GuestHostOptions
  private readonly control = new ControlBlock()
  private readonly worker: Worker
  private readonly port: MessagePort
  private readonly watchdog: Watchdog
  private readonly spin = new AdaptiveSpin(answerSpinMs)
  /** Calls in the guest thread's hands, in order. */
  private readonly outstanding = new Map<number, WatchedCall>()
  private ordinal = 0
  private watchesStatements = false
  /** What the program calls its steps; empty while it marks none. */
  private stepNames: readonly string[] = []
  private loading = false
  /** Nothing can run any more; later calls are answered at once. */
  private ended = false
  private closed = false
  private deadReason: ErrorReport | undefined
  private stoppedCall: { readonly watched: WatchedCall; readonly durationUs: number } | undefined
  private lastUsage = noUsage
  private readonly exited: Promise<void>

  constructor(options: GuestHostOptions) {
    this.options = options
    const { port1, port2 } = new MessageChannel()
    this.port = port1
    const workerData: GuestThreadData = { control: this.control.buffer, port: port2 }
    this.worker = new Worker(options.script, {
      workerData,
      transferList: [port2],
      // Nothing of the process is the guest's, nor its thread's.
      env: {},
      argv: [],
      stdin: false,
      // The thread ends with a reason of its own, and the process lives to tell it.
      resourceLimits: { maxOldGenerationSizeMb: sandboxHeapMb },
    })
    port1.on('message', (message: FromGuest) => this.onTurn(message))
    this.worker.on('error', (error) => this.onThreadError(error))
    this.exited = new Promise((resolve) => {
      this.worker.once('exit', () => {
        this.onTurn()
        const inOrder = this.closed
        this.end()
        resolve()
        options.onEnded?.(inOrder ? null : this.threadGone())
      })
    })
    this.watchdog = new Watchdog({
      control: this.control,
      outstanding: () => this.outstanding.values(),
      onOverdue: (call, reason, settled) => this.endOverdue(call, reason, settled),
      watchesStatements: () => this.watchesStatements,
      watchesSteps: () => this.stepNames.length > 0,
    })
  }

  /** Loads the module; `onLoaded` answers once. */
  load(spec: LoadSpec): void {
    this.loading = true
    this.watchesStatements = spec.watchStatements === true
    if (this.ended) {
      this.settleLoad({ ok: false, error: this.threadGone() })
      return
    }
    this.worker.postMessage({ type: 'load', spec } satisfies ToGuest)
  }

  /** Runs the calls in order after those before them. */
  call(calls: readonly GuestCall[]): void {
    if (this.ended) {
      this.options.onReplies(calls.map((call) => this.notStarted(call.id)))
      return
    }
    const queued: QueuedCall[] = []
    for (const call of calls) {
      this.ordinal = nextOrdinal(this.ordinal)
      this.outstanding.set(call.id, { ordinal: this.ordinal, call, cancelled: false })
      queued.push({ ordinal: this.ordinal, call })
      this.watchdog.watch(call.deadlineMs)
    }
    this.ask({ type: 'calls', calls: queued })
  }

  /** Stops the clock of the call's deadline, or lets it go on. */
  pauseDeadline(id: number, paused: boolean): void {
    const watched = this.outstanding.get(id)
    if (watched !== undefined) this.watchdog.pause(watched, paused)
  }

  link(linkages: LoadSpec['capabilities']): void {
    this.send({ type: 'link', linkages })
  }

  /** Passes letters on to the program. */
  mail(letters: readonly unknown[]): void {
    this.send({ type: 'mail', letters })
  }

  /** Passes the engine's answer to a host call on. */
  reply(id: number, outcome: HostOutcome): void {
    this.ask({ type: 'host-reply', id, outcome })
  }

  /** Ends the call if it runs, and the instance with it; drops it if it waits. */
  cancel(id: number): void {
    const watched = this.outstanding.get(id)
    if (watched === undefined) return
    watched.cancelled = true
    this.send({ type: 'drop', id })
    this.watchdog.checkCancelled()
  }

  /** Lets the running call finish within `graceMs`, answers the others `not-started`, closes the store. Never rejects. */
  async stop(graceMs: number): Promise<void> {
    this.send({ type: 'stop' })
    const timer = setTimeout(() => this.endForStop(), this.loading ? 0 : graceMs)
    await this.exited
    clearTimeout(timer)
  }

  private send(message: ToGuest): void {
    if (this.ended) return
    this.port.postMessage(message)
    this.control.signal()
  }

  /** Sends what the guest will answer, and takes the answer at once when it comes at once. */
  private ask(message: ToGuest): void {
    if (this.ended) return
    const { outputs } = this.control
    this.send(message)
    // With more calls under way nobody waits for this one answer.
    if (this.outstanding.size > 1) return
    if (this.spin.look(() => this.control.outputs !== outputs)) this.onTurn()
  }

  /** Takes everything that has arrived, so that it travels on in as few messages as possible. */
  private onTurn(first?: FromGuest): void {
    const turn: Turn = { replies: [], hostCalls: [], records: [], letters: [], dropped: 0 }
    if (first !== undefined) this.take(first, turn)
    for (;;) {
      const received = receiveMessageOnPort(this.port) as { message: FromGuest } | undefined
      if (received === undefined) break
      this.take(received.message, turn)
    }
    // Replies first: somebody waits for them.
    if (turn.replies.length > 0) this.options.onReplies(turn.replies)
    if (turn.hostCalls.length > 0) this.options.onHostCalls(turn.hostCalls)
    if (turn.letters.length > 0) this.options.onMail?.(turn.letters)
    if (turn.records.length > 0 || turn.dropped > 0) this.options.onLogs(turn.records, turn.dropped)
  }

  private take(message: FromGuest, turn: Turn): void {
    switch (message.type) {
      case 'loaded':
        this.settleLoad(message.result)
        return
      case 'output':
        turn.records.push(...message.records)
        turn.dropped += message.dropped
        if (message.reply !== null && this.outstanding.delete(message.reply.id)) {
          this.lastUsage = message.reply.usage
          turn.replies.push(message.reply)
        }
        return
      case 'host-call':
        turn.hostCalls.push(message.call)
        return
      case 'mail':
        turn.letters.push(message.letter)
        return
      case 'steps':
        this.stepNames = message.names
        if (this.outstanding.size > 0) this.watchdog.watch(0)
        return
      case 'closed':
        this.closed = true
        if (message.error !== null) {
          turn.records.push(engineRecord('warn', `Closing the store: ${message.error.message}`))
        }
        return
    }
  }

  private settleLoad(result: LoadResult): void {
    if (!this.loading) return
    this.loading = false
    this.options.onLoaded(result)
  }

  private endOverdue(watched: WatchedCall, reason: EndReason, settled: boolean): void {
    const { call } = watched
    const statement = this.watchesStatements ? (this.control.runningStatement() ?? null) : null
    this.options.onOverdue?.(call.id, statement)
    const error =
      reason === 'step'
        ? this.overdueStep()
        : statement !== null && reason === 'statement'
          ? new PaddockError(
              statement.revertible ? 'sqlite.statement_timeout' : 'sqlite.remote_indeterminate_result',
              `The ${statement.kind} took longer than ${statement.budgetMs} ms and was ended with its instance.`,
              { details: { budgetMs: statement.budgetMs, kind: statement.kind } },
            )
          : settled
            ? new PaddockError('store.io', 'The store did not commit in time.')
            : reason === 'deadline'
              ? new PaddockError(
                  'sandbox.deadline',
                  `The call took longer than ${call.deadlineMs} ms and was stopped.`,
                )
              : new PaddockError('sandbox.cancelled', 'The call was cancelled while it ran.')
    this.terminate(watched, error.toReport())
  }

  private overdueStep(): PaddockError {
    const step = this.control.runningStep()
    const name = this.stepNames[step?.step ?? -1] ?? 'unknown'
    const budgetMs = step?.budgetMs ?? 0
    return new PaddockError(
      'stage.timeout',
      `Stage "${name}" did not return within ${budgetMs} ms and was ended with its thread.`,
      { details: { node: name, budgetMs } },
    )
  }

  private endForStop(): void {
    const running = this.control.runningCall()
    const watched = [...this.outstanding.values()].find(({ ordinal }) => ordinal === running?.ordinal)
    // One that settles right now may finish: it takes no time that matters.
    if (watched !== undefined && !this.control.stop(watched.ordinal)) return
    const error = new PaddockError(
      'sandbox.stopped',
      'The call did not end in time and was stopped with its sandbox.',
    )
    this.terminate(watched, error.toReport())
  }

  /** Ends the thread; its exit settles what is left, once everything that it sent has been taken. */
  private terminate(watched: WatchedCall | undefined, error: ErrorReport): void {
    this.deadReason ??= error
    if (watched !== undefined) {
      const durationUs = Math.max(0, (monotonicMs() - this.control.lastStartMs) * 1_000)
      this.stoppedCall = { watched, durationUs }
    }
    void this.worker.terminate()
  }

  private onThreadError(error: unknown): void {
    this.deadReason ??= threadFailure(error)
  }

  /** The thread is gone: whatever was in its hands gets its answer. */
  private end(): void {
    this.ended = true
    this.watchdog.close()
    const error = this.threadGone()
    this.settleLoad({ ok: false, error })
    const interrupted = this.interruptedCall()
    const replies: CallReply[] = []
    const records: GuestLogRecord[] = []
    for (const watched of this.outstanding.values()) {
      const { id, context } = watched.call
      if (watched !== interrupted) {
        // What shares a commit that is under way may be durable, though it no longer runs.
        replies.push(
          this.control.isSettling(watched.ordinal)
            ? { id, outcome: { status: 'failed', error, uncertain: true }, usage: this.idleUsage() }
            : this.notStarted(id),
        )
        continue
      }
      const usage = { ...this.idleUsage(), durationUs: this.stoppedCall?.durationUs ?? 0 }
      // Between the claim to settle and the answer the commit may have happened.
      const uncertain = this.control.runningCall()?.isSettling === true
      replies.push({ id, outcome: { status: 'failed', error, ...(uncertain ? { uncertain } : {}) }, usage })
      records.push({ ...context, ...engineRecord('error', error.message), source: 'panic' })
    }
    this.outstanding.clear()
    if (replies.length > 0) this.options.onReplies(replies)
    if (records.length > 0) this.options.onLogs(records, 0)
  }

  /** The call during which the thread ended: the one that was stopped, or the one that ran when it failed by itself. */
  private interruptedCall(): WatchedCall | undefined {
    if (this.closed) return undefined
    if (this.stoppedCall !== undefined) return this.stoppedCall.watched
    const running = this.control.runningCall()
    return [...this.outstanding.values()].find(({ ordinal }) => ordinal === running?.ordinal)
  }

  private threadGone(): ErrorReport {
    return this.deadReason ?? new PaddockError('sandbox.exited', 'The guest thread ended.').toReport()
  }

  private notStarted(id: number): CallReply {
    return { id, outcome: { status: 'not-started' }, usage: this.idleUsage() }
  }

  private idleUsage(): CallUsage {
    const { memoryBytes, storeBytes } = this.lastUsage
    return { ...noUsage, memoryBytes, storeBytes }
  }
}

function engineRecord(level: GuestLogRecord['level'], message: string): GuestLogRecord {
  return { time: Math.max(0, Date.now()), level, source: 'engine', message }
}

function threadFailure(error: unknown): ErrorReport {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? new PaddockError('sandbox.out_of_memory', 'The guest thread ran out of memory.').toReport()
    : new PaddockError(
        'internal.bug',
        `The guest thread failed: ${error instanceof Error ? error.message : 'unknown'}`,
      ).toReport()
}
