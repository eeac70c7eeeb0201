/** The guest thread's end of the bridge: takes messages without an event loop, and blocks for host replies. */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { hostOutcomeSchema, type HostOutcome, type LoadSpec } from '../../shared/sandbox/protocol.ts'
import { HostRefusal } from '../host-refusal.ts'
import type { ControlBlock } from './control.ts'
import type { FromGuest, QueuedCall, ToGuest } from './messages.ts'

export class GuestLink {
  /** How capabilities are linked from now on. */
  onLink: (linkages: LoadSpec['capabilities']) => void = () => undefined
  /** Set once no further call may start. */
  stopping = false
  private readonly control: ControlBlock
  private readonly port: MessagePort
  private readonly queue: QueuedCall[] = []
  private readonly letters: unknown[] = []
  private seenSignals = 0
  private readonly droppedCalls = new Set<number>()
  private nextHostCall = 1
  private reply: { id: number; outcome: HostOutcome } | undefined
  private waitedMs = 0
  private madeHostCalls = 0

  constructor(control: ControlBlock, port: MessagePort) {
    this.control = control
    this.port = port
  }

  post(message: FromGuest): void {
    this.port.postMessage(message)
    this.control.announce()
  }

  /** The next call; sleeps until there is one. Undefined once the sandbox stops and nothing waits. */
  nextCall(): QueuedCall | undefined {
    for (;;) {
      const seen = this.control.signals
      this.drain()
      const next = this.queue.shift()
      if (next !== undefined) return next
      if (this.stopping) return undefined
      this.control.wait(seen)
    }
  }

  /** Calls that wait behind the one taken last, at most `most` of them and none of another operation; never sleeps. */
  takeWaiting(operation: string, most: number): QueuedCall[] {
    this.drain()
    let count = 0
    while (count < most && this.queue[count]?.call.operation === operation) count += 1
    return this.queue.splice(0, count)
  }

  /** Whether nothing waits for this thread. */
  get isIdle(): boolean {
    this.drain()
    return this.queue.length === 0 && !this.stopping
  }

  /** Whether the call was cancelled before it began; forgets that it was. */
  takeDropped(id: number): boolean {
    return this.droppedCalls.delete(id)
  }

  /** What the running call spent on host calls, counted from zero again. */
  takeUsage(): { readonly hostWaitMs: number; readonly hostCalls: number } {
    const usage = { hostWaitMs: this.waitedMs, hostCalls: this.madeHostCalls }
    this.waitedMs = 0
    this.madeHostCalls = 0
    return usage
  }

  /** Whether anything was sent to this thread since `takeMail`: one atomic load. */
  get hasNews(): boolean {
    return this.control.signals !== this.seenSignals
  }

  /** Letters of the engine, in order; never sleeps. */
  takeMail(): unknown[] {
    this.seenSignals = this.control.signals
    this.drain()
    return this.letters.splice(0)
  }

  /** Sleeps until something is sent to this thread, `ms` have passed, or at once when something was since `takeMail`. */
  awaitNews(ms: number): void {
    this.control.wait(this.seenSignals, ms)
  }

  /** Asks the engine and blocks until it answers. Throws `HostRefusal` with the engine's error, or `internal` for a malformed answer. */
  callHost(call: number, capability: string, name: string, args: unknown[]): unknown {
    const id = this.nextHostCall++
    const began = performance.now()
    this.madeHostCalls += 1
    this.post({ type: 'host-call', call: { id, call, capability, function: name, args } })
    const outcome = this.awaitReply(id)
    this.waitedMs += performance.now() - began
    const parsed = hostOutcomeSchema.safeParse(outcome)
    if (!parsed.success) throw HostRefusal.of(capability, 'internal', 0, 'the host gave a malformed answer')
    if (!parsed.data.ok) throw new HostRefusal(parsed.data.error)
    return parsed.data.value
  }

  private awaitReply(id: number): HostOutcome {
    for (;;) {
      const seen = this.control.signals
      this.drain()
      const { reply } = this
      this.reply = undefined
      // An answer to another call is one that came twice: nobody waits for it.
      if (reply?.id === id) return reply.outcome
      if (reply === undefined) this.control.wait(seen)
    }
  }

  private drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.port) as { message: ToGuest } | undefined
      if (received === undefined) return
      this.take(received.message)
      if (this.reply !== undefined) return
    }
  }

  private take(message: ToGuest): void {
    switch (message.type) {
      case 'calls':
        this.queue.push(...message.calls)
        return
      case 'host-reply':
        this.reply = message
        return
      case 'mail':
        this.letters.push(...message.letters)
        return
      case 'drop':
        this.droppedCalls.add(message.id)
        return
      case 'stop':
        this.stopping = true
        return
      case 'link':
        this.onLink(message.linkages)
        return
      case 'load':
        return
    }
  }
}
