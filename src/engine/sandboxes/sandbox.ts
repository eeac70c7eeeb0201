/**
 * The engine's end of one sandbox process: typed calls over the sandbox protocol, a watchdog, and
 * one honest end. Whatever happens to the process, every pending promise settles with a typed error.
 */
import { PaddockError } from '../../shared/errors.ts'
import { sandboxHeapMb } from '../../shared/domain/limits.ts'
import {
  generationArgument,
  sharedArgument,
  sandboxMessageSchema,
  type CallReply,
  type EngineMessage,
  type GuestCall,
  type HostCall,
  type HostOutcome,
  type LoadResult,
  type LoadSpec,
  type SandboxMessage,
} from '../../shared/sandbox/protocol.ts'
import type { Clock } from '../clock.ts'
import type { LaunchedProcess, ProcessExit } from './launcher.ts'
import { CallSignals } from './call-signals.ts'
import { classifyEnd, describeEnd } from './process-end.ts'
import {
  sandboxTimes,
  type SandboxEnd,
  type SandboxHandlers,
  type SandboxOptions,
} from './sandbox-options.ts'
import { SandboxThread, type ThreadHandlers } from './sandbox-thread.ts'

import { endError, pausable, refused, settle, tooLarge } from './sandbox-replies.ts'

export * from './sandbox-options.ts'

const pingEveryChecks = sandboxTimes.pingEveryMs / sandboxTimes.checkEveryMs

interface Waiter<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: PaddockError) => void
}

export class Sandbox {
  readonly generation: number
  /** Settles once when the process listens; rejects when it ended or was too slow. */
  readonly ready: Promise<void>

  private readonly process: LaunchedProcess
  private readonly clock: Clock
  /** May be set anew once it is known what the process takes by itself. */
  residentLimitBytes: number
  private readonly threads = new Map<number, SandboxThread>()
  private readonly handlers: SandboxHandlers
  private readonly pendingCalls = new Map<number, Waiter<CallReply>>()
  private readonly signals = new CallSignals()
  private readonly pendingLoads = new Map<number, Waiter<LoadResult>>()
  private readonly pendingStops = new Map<number, Waiter<void>>()
  private readonly endListeners = new Set<(end: SandboxEnd) => void>()
  private readonly outbox: GuestCall[] = []
  private readonly replyBox: { id: number; outcome: HostOutcome }[] = []
  private flushScheduled = false
  private nextId = 1
  private lastSignOfLife: number
  private lastTick: number
  private stopWatch: () => void = () => undefined
  private cancelReadyTimer: () => void = () => undefined
  private settleReady: Waiter<void> | undefined
  /** Why we killed it, when we did; wins over what the platform says. */
  private killReason: PaddockError | undefined
  private stopping = false
  private end: SandboxEnd | undefined

  constructor(options: SandboxOptions) {
    this.generation = options.generation
    this.clock = options.clock
    this.residentLimitBytes = options.residentLimitBytes
    this.handlers = options.handlers
    this.lastSignOfLife = options.clock.monotonicMs()
    this.lastTick = this.lastSignOfLife
    this.ready = new Promise((resolve, reject) => {
      this.settleReady = { resolve, reject }
    })
    // A sandbox that nobody awaits must not become an unhandled rejection.
    this.ready.catch(() => undefined)
    this.process = options.launcher.launch({
      entry: options.entry,
      serviceName: options.serviceName,
      args: [
        `${generationArgument}${options.generation}`,
        ...(options.shared === true ? [sharedArgument] : []),
      ],
      heapLimitMb: sandboxHeapMb,
      ...(options.execArgv === undefined ? {} : { execArgv: options.execArgv }),
    })
    this.cancelReadyTimer = this.clock.after(sandboxTimes.readyMs, () =>
      this.kill(
        new PaddockError(
          'sandbox.start_timeout',
          `The sandbox was not ready within ${sandboxTimes.readyMs / 1000} s.`,
        ),
      ),
    )
    this.process.onMessage((message) => this.receive(message))
    this.process.onOutput((line) => this.handlers.onOutput(line))
    this.process.onExit((exit) => this.onExit(exit))
  }

  get pid(): number | undefined {
    return this.process.pid
  }

  get ended(): boolean {
    return this.end !== undefined
  }

  /** Instantiates the module. Rejects only when the sandbox ended; a faulty module is a result. */
  load(spec: LoadSpec): Promise<LoadResult> {
    const id = this.nextId++
    const cancel = this.clock.after(sandboxTimes.loadMs, () =>
      this.kill(
        new PaddockError(
          'sandbox.start_timeout',
          `The module was not instantiated within ${sandboxTimes.loadMs / 1000} s.`,
        ),
      ),
    )
    return new Promise<LoadResult>((resolve, reject) => {
      if (!this.refuseWhenEnded(reject)) return
      this.pendingLoads.set(id, { resolve, reject })
      this.signals.begin(id)
      this.post({ type: 'load', generation: this.generation, id, spec })
    }).finally(cancel)
  }

  /** A further guest thread, of a shared process; it begins with its `load`. */
  openThread(handlers: ThreadHandlers): SandboxThread {
    const number = this.nextId++
    const thread = new SandboxThread({
      number,
      generation: this.generation,
      handlers,
      onGone: () => this.threads.delete(number),
      post: (message) => this.post(message),
      refuse: refused,
    })
    this.threads.set(number, thread)
    if (this.end !== undefined) thread.finish(endError(this.end).toReport())
    return thread
  }

  /** A fresh id for a guest call of this sandbox. */
  allocateCallId(): number {
    return this.nextId++
  }

  /**
   * Runs one guest call after those sent before it. Calls of one turn travel in one message.
   * Rejects with `sandbox.*` when the sandbox ended first: the outcome is then known only from the store.
   */
  call(call: GuestCall): Promise<CallReply> {
    return new Promise((resolve, reject) => {
      if (!this.refuseWhenEnded(reject)) return
      this.pendingCalls.set(call.id, { resolve, reject })
      this.signals.begin(call.id)
      this.outbox.push(call)
      this.scheduleFlush()
    })
  }

  /** Stops the guest if the call runs, drops it if it waits; its promise settles all the same. */
  cancel(callId: number): void {
    this.flush()
    this.post({ type: 'cancel', generation: this.generation, id: callId })
  }

  /**
   * Lets the running call finish within `graceMs`, closes the store, ends the process; kills it when
   * it does not obey. Settles when the process is gone; never rejects.
   */
  stop(graceMs: number): Promise<void> {
    if (this.end !== undefined) return Promise.resolve()
    this.stopping = true
    const ended = new Promise<void>((resolve) => {
      this.onEnd(() => resolve())
    })
    this.flush()
    const id = this.nextId++
    this.pendingStops.set(id, { resolve: () => undefined, reject: () => undefined })
    this.post({ type: 'stop', generation: this.generation, id, graceMs })
    const cancel = this.clock.after(graceMs + sandboxTimes.stopSlackMs, () =>
      this.kill(new PaddockError('sandbox.stopped', 'The sandbox did not stop in time and was killed.')),
    )
    return ended.finally(cancel)
  }

  /** Ends the process at once; everything pending rejects with `reason`. */
  kill(reason: PaddockError): void {
    if (this.end !== undefined) return
    this.killReason ??= reason
    this.process.kill()
  }

  /** Called once with how it ended; at once when it already has. */
  onEnd(listener: (end: SandboxEnd) => void): () => void {
    if (this.end !== undefined) {
      listener(this.end)
      return () => undefined
    }
    this.endListeners.add(listener)
    return () => this.endListeners.delete(listener)
  }

  private refuseWhenEnded(reject: (error: PaddockError) => void): boolean {
    if (this.end === undefined) return true
    reject(endError(this.end))
    return false
  }

  private post(message: EngineMessage): void {
    this.process.post(message)
  }

  private scheduleFlush(): void {
    if (this.flushScheduled) return
    this.flushScheduled = true
    queueMicrotask(() => this.flush())
  }

  private flush(): void {
    this.flushScheduled = false
    if (this.replyBox.length > 0) {
      this.post({ type: 'host-replies', generation: this.generation, replies: this.replyBox.splice(0) })
    }
    if (this.outbox.length > 0) {
      this.post({ type: 'calls', generation: this.generation, calls: this.outbox.splice(0) })
    }
  }

  private receive(raw: unknown): void {
    const parsed = sandboxMessageSchema.safeParse(raw)
    if (!parsed.success) {
      const where = parsed.error.issues[0]?.path.join('.') ?? ''
      this.kill(
        new PaddockError(
          'sandbox.protocol',
          `The sandbox sent a message that is not of the protocol (at "${where}").`,
        ),
      )
      return
    }
    const message = parsed.data
    if (message.generation !== this.generation) return
    this.lastSignOfLife = this.clock.monotonicMs()
    if ('thread' in message && message.thread !== undefined)
      this.threads.get(message.thread)?.receive(message)
    else this.dispatch(message)
  }

  private dispatch(message: SandboxMessage): void {
    switch (message.type) {
      case 'ready':
        this.cancelReadyTimer()
        this.watch()
        this.settleReady?.resolve()
        return
      case 'loaded':
        settle(this.pendingLoads, message.id, message.result)
        this.signals.end(message.id)
        return
      case 'replies':
        for (const reply of message.replies) {
          settle(this.pendingCalls, reply.id, reply)
          this.signals.end(reply.id)
        }
        return
      case 'host-calls':
        for (const call of message.calls) void this.answer(call)
        return
      case 'mail':
        this.handlers.onMail?.(message.letters)
        return
      case 'logs':
        this.handlers.onLogs(message.records, message.dropped)
        return
      case 'process':
        this.handlers.onProcess(message)
        this.checkMemory(message.residentBytes)
        return
      case 'pong':
        return
      case 'stopped':
        settle(this.pendingStops, message.id, undefined)
        return
      case 'overdue':
      case 'thread-ended':
        // Of a thread that has been forgotten.
        return
    }
  }

  /** Letters for a program that looks at its mail while a long call runs. */
  mail(letters: readonly unknown[]): void {
    if (this.end === undefined && letters.length > 0)
      this.post({ type: 'mail', generation: this.generation, letters: [...letters] })
  }

  /** Says how capabilities are linked from the next guest call on. */
  link(capabilities: LoadSpec['capabilities']): void {
    if (this.end === undefined) this.post({ type: 'linkages', generation: this.generation, capabilities })
  }

  private async answer(call: HostCall): Promise<void> {
    const pauseDeadline = pausable((paused) => {
      if (this.end !== undefined) return
      this.post({ type: 'deadline', generation: this.generation, call: call.call, paused })
    })
    const outcome = await this.handlers
      .onHostCall(call, { pauseDeadline, signal: this.signals.of(call.call) })
      .catch((): HostOutcome => refused(call))
    if (this.end !== undefined) return
    this.replyBox.push({ id: call.id, outcome })
    this.scheduleFlush()
  }

  /** Pings while the process lives; a silent main thread means the process is beyond answering. */
  private watch(): void {
    let checks = 0
    this.lastTick = this.clock.monotonicMs()
    this.stopWatch = this.clock.every(sandboxTimes.checkEveryMs, () => {
      const now = this.clock.monotonicMs()
      // A late check means that we were asleep or blocked, not the sandbox: fail open (style 4).
      const weWereAway = now - this.lastTick > sandboxTimes.pingEveryMs
      this.lastTick = now
      const silentMs = now - this.lastSignOfLife
      if (weWereAway) {
        this.lastSignOfLife = now
      } else if (silentMs >= sandboxTimes.unresponsiveMs) {
        const seconds = (silentMs / 1_000).toFixed(1)
        this.kill(new PaddockError('sandbox.unresponsive', `The sandbox did not answer for ${seconds} s.`))
        return
      }
      if (checks++ % pingEveryChecks !== 0) return
      this.post({ type: 'ping', generation: this.generation, nonce: Math.floor(now) })
    })
  }

  /** Out of memory ends this process only, before the system looks for a victim of its own choice. */
  private checkMemory(residentBytes: number): void {
    if (residentBytes <= this.residentLimitBytes) return
    this.kill(tooLarge(residentBytes, this.residentLimitBytes))
  }

  private onExit(exit: ProcessExit): void {
    this.cancelReadyTimer()
    this.stopWatch()
    const orderly = this.stopping && this.killReason === undefined && exit.class === 'clean'
    const killReason = this.killReason?.toReport() ?? null
    const end: SandboxEnd = {
      class: classifyEnd(exit, killReason),
      exit,
      killReason,
      error: orderly ? null : describeEnd(exit, killReason),
    }
    this.end = end
    const reason = endError(end)
    this.signals.endAll()
    this.settleReady?.reject(reason)
    for (const waiting of [this.pendingLoads, this.pendingCalls, this.pendingStops]) {
      for (const entry of waiting.values()) entry.reject(reason)
      waiting.clear()
    }
    for (const thread of [...this.threads.values()]) thread.finish(reason.toReport())
    for (const listener of this.endListeners) listener(end)
    this.endListeners.clear()
  }
}
