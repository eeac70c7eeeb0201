/**
 * One module's events on their way into its sandbox: a bounded queue, strictly ordered, with a few
 * calls sent ahead so that the guest thread never waits for the engine (spec nexum-host 11).
 *
 * Exactly once: every event gets an ascending sequence number which the sandbox commits in the same
 * transaction as the event's effects. When a sandbox dies, the store of the next one says up to
 * where events were committed; what comes after is sent again, nothing before it is.
 */
import type { Dispatch } from '../../shared/domain/module.ts'
import type { LogContext } from '../../shared/domain/log.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { CallReply, GuestCall } from '../../shared/sandbox/protocol.ts'
import { hostErrorReport } from '../sandboxes/guest-errors.ts'
import type { Clock } from '../clock.ts'
import type { DropReason } from '../telemetry/metrics/metrics-port.ts'
import type { Admission, CallEnd, Ticket } from './admission.ts'
import type { RateBucket } from './rate-bucket.ts'

/** Calls sent ahead of the running one. More buys nothing once the guest thread never idles. */
export const sendAhead = 32
/** An event during which the process died this often is given up: it may be what kills it. */
export const maxAttempts = 3

export interface ModuleEvent {
  readonly operation: string
  readonly payload: unknown
  readonly cursor: GuestCall['cursor']
  readonly context: LogContext
  /** Called when the event was handled or given up; without a dispatch when it was dropped from a full queue. */
  readonly onSettled?: (dispatch?: Dispatch) => void
}

/** The part of a sandbox the dispatcher uses. */
export interface CallTarget {
  allocateCallId(): number
  call(call: GuestCall): Promise<CallReply>
}

export interface DispatcherOptions {
  readonly clock: Clock
  readonly capacity: number
  readonly fuelPerCall: number
  readonly deadlineMs: number
  /** Permits and budgets; without it every call is sent at once with the fuel and deadline above. */
  readonly admission?: Admission
  /** How many events may enter the guest a second; without it as many as it handles. */
  readonly rate?: RateBucket
  readonly onDispatch: (dispatch: Dispatch, reply: CallReply | null, event: ModuleEvent) => void
  readonly onDropped: (count: number, reason: DropReason, events: readonly ModuleEvent[]) => void
  /** The instance is dead by this event's doing; the sandbox must be replaced. */
  readonly onFailed: (error: ErrorReport) => void
}

/** What one dispatcher leaves to the next: events that wait, and those whose outcome only the store knows. */
export interface DispatcherLegacy {
  readonly waiting: readonly Item[]
  readonly uncertain: readonly Sent[]
  readonly nextSequence: number
}

interface Item {
  readonly event: ModuleEvent
  readonly enqueuedAt: number
  sequence: number | undefined
  attempts: number
  /** Has taken its token; what comes back unstarted does not take another. */
  isPaid?: boolean
}

interface Sent {
  readonly item: Item
  readonly sequence: number
  readonly ticket: Ticket | undefined
}

interface Attachment {
  readonly target: CallTarget
  readonly run: number
  /** Set with the first call lost: the guest works in order, so that one may have been running. */
  hasLost: boolean
}

export class Dispatcher {
  private readonly options: DispatcherOptions
  private waiting: Item[] = []
  /** Sent and not answered, in sending order. */
  private sent: Sent[] = []
  /** Sent to a sandbox that died before it answered. */
  private uncertain: Sent[] = []
  private attachment: Attachment | undefined
  private nextSequence = 0
  private cancelRefill: (() => void) | undefined

  constructor(options: DispatcherOptions, legacy?: DispatcherLegacy) {
    this.options = options
    if (legacy !== undefined) {
      this.waiting = [...legacy.waiting]
      this.uncertain = [...legacy.uncertain]
      this.nextSequence = legacy.nextSequence
    }
    options.admission?.onRoom(() => this.pump())
  }

  /** Events that wait for the guest, those sent ahead included. */
  get queued(): number {
    return this.waiting.length + this.sent.length + this.uncertain.length
  }

  /**
   * Accepts an event; when the queue is full the oldest waiting one is dropped and counted. Over the rate, an event
   * that its source could not tell again is dropped; the others wait.
   */
  offer(event: ModuleEvent): void {
    const { rate } = this.options
    if (rate !== undefined && event.cursor === null && !rate.has(this.waiting.length + 1)) {
      event.onSettled?.()
      this.options.onDropped(1, 'rate', [event])
      return
    }
    this.waiting.push({
      event,
      enqueuedAt: this.options.clock.monotonicMs(),
      sequence: undefined,
      attempts: 0,
    })
    const excess = this.waiting.length - this.options.capacity
    if (excess > 0) {
      const dropped = this.waiting.splice(0, excess).map((item) => item.event)
      for (const each of dropped) each.onSettled?.()
      this.options.onDropped(excess, 'queue_full', dropped)
    }
    this.pump()
  }

  /** Takes the next sequence number for a call outside the queue, such as `init`. */
  takeSequence(): number {
    return this.nextSequence++
  }

  /** Learns from a freshly loaded store what was committed; call before the first call of the run. */
  reconcile(lastSequence: number, run: number): void {
    const lost: Item[] = []
    for (const { item, sequence } of this.uncertain) {
      if (sequence <= lastSequence) this.record(item, run, 'committed', null, null, sequence)
      else lost.push(item)
    }
    this.uncertain = []
    const first = lost[0]
    // The guest works in order, so only the first uncommitted event can have been running.
    if (first !== undefined) {
      first.attempts += 1
      if (first.attempts >= maxAttempts) {
        lost.shift()
        const error = new PaddockError(
          'sandbox.exited',
          `The sandbox process died ${maxAttempts} times during this event; it was given up.`,
        ).toReport()
        this.record(first, run, 'failed', error, null, first.sequence ?? 0)
      }
    }
    this.waiting = [...lost, ...this.waiting]
    this.nextSequence = Math.max(this.nextSequence, lastSequence + 1)
    // What is sent again comes first, so its numbers must rise again too.
    for (const item of this.waiting) item.sequence = undefined
  }

  /** Begins to send to a sandbox whose module is initialised. */
  attach(target: CallTarget, run: number): void {
    this.attachment = { target, run, hasLost: false }
    this.pump()
  }

  /** Stops sending; answers still come in. */
  detach(): void {
    this.attachment = undefined
    this.cancelRefill?.()
    this.cancelRefill = undefined
    this.options.admission?.withdraw()
  }

  /** Gives everything away; call when its sandbox has ended. Afterwards this one is empty. */
  handOver(): DispatcherLegacy {
    const { waiting, uncertain, nextSequence } = this
    this.clear()
    return { waiting, uncertain, nextSequence }
  }

  /** Forgets every event, those sent included: what of them was not committed, its source tells again. */
  clear(): void {
    this.detach()
    this.waiting = []
    this.sent = []
    this.uncertain = []
  }

  private pump(): void {
    const attachment = this.attachment
    if (attachment === undefined) return
    const { admission } = this.options
    while (this.sent.length < sendAhead) {
      const [item] = this.waiting
      if (item === undefined) return
      if (!this.isWithinRate(item)) return
      const ticket = admission?.admit()
      if (admission !== undefined && ticket === undefined) return
      this.waiting.shift()
      this.send(item, attachment, ticket)
    }
  }

  /** Takes the token of an item that has none yet; otherwise the pump goes on when there is one. */
  private isWithinRate(item: Item): boolean {
    const { rate, clock } = this.options
    if (rate === undefined || item.isPaid === true || rate.take()) {
      item.isPaid = true
      return true
    }
    this.cancelRefill ??= clock.after(rate.waitMs(), () => {
      this.cancelRefill = undefined
      this.pump()
    })
    return false
  }

  private send(item: Item, attachment: Attachment, ticket: Ticket | undefined): void {
    const sequence = this.nextSequence++
    item.sequence = sequence
    const sent: Sent = { item, sequence, ticket }
    this.sent.push(sent)
    const { event } = item
    const call: GuestCall = {
      id: attachment.target.allocateCallId(),
      sequence,
      operation: event.operation,
      payload: event.payload,
      cursor: event.cursor,
      fuel: ticket?.fuel ?? this.options.fuelPerCall,
      deadlineMs: ticket?.deadlineMs ?? this.options.deadlineMs,
      context: { ...event.context, dispatch: sequence },
    }
    attachment.target.call(call).then(
      (reply) => this.onReply(sent, attachment, reply),
      () => this.onLost(sent, attachment),
    )
  }

  private onReply(sent: Sent, attachment: Attachment, reply: CallReply): void {
    const { outcome } = reply
    // Forgotten or not, what it held comes back only now that it has ended.
    this.settle(sent, outcome.status === 'not-started' ? 'not-started' : reply.usage)
    if (!this.takeBack(sent)) {
      this.pump()
      return
    }
    const { item, sequence } = sent
    switch (outcome.status) {
      case 'ok':
        this.record(item, attachment.run, 'committed', null, reply, sequence)
        break
      case 'guest-error':
        this.record(item, attachment.run, 'rolled-back', hostErrorReport(outcome.error), reply, sequence)
        break
      case 'failed':
        this.detach()
        if (outcome.uncertain === true) {
          this.uncertain.push(sent)
          this.options.onFailed(outcome.error)
          return
        }
        this.record(item, attachment.run, 'failed', outcome.error, reply, sequence)
        this.options.onFailed(outcome.error)
        return
      case 'not-started':
        this.requeue(item)
        return
    }
    this.pump()
  }

  /** Replies come in sending order, so what comes back unstarted is put behind what came back before it. */
  private requeue(item: Item): void {
    const sequence = item.sequence ?? 0
    let index = 0
    while (index < this.waiting.length) {
      const other = this.waiting[index]?.sequence
      if (other === undefined || other > sequence) break
      index += 1
    }
    this.waiting.splice(index, 0, item)
  }

  private onLost(sent: Sent, attachment: Attachment): void {
    this.settle(sent, attachment.hasLost ? 'not-started' : 'lost')
    attachment.hasLost = true
    if (this.takeBack(sent)) this.uncertain.push(sent)
    else this.pump()
  }

  private settle({ ticket }: Sent, end: CallEnd): void {
    if (ticket !== undefined) this.options.admission?.settle(ticket, end)
  }

  /** False when it was forgotten meanwhile. */
  private takeBack(sent: Sent): boolean {
    const index = this.sent.indexOf(sent)
    if (index < 0) return false
    this.sent.splice(index, 1)
    return true
  }

  private record(
    item: Item,
    run: number,
    result: Dispatch['result'],
    error: ErrorReport | null,
    reply: CallReply | null,
    sequence: number,
  ): void {
    const { clock } = this.options
    const durationMs = (reply?.usage.durationUs ?? 0) / 1_000
    const sinceEnqueued = clock.monotonicMs() - item.enqueuedAt
    const { context } = item.event
    this.options.onDispatch(
      {
        dispatch: sequence,
        run,
        startedAt: Math.max(0, Math.round(clock.now() - durationMs)),
        eventType: context.eventType ?? 'call',
        chainId: context.chainId ?? null,
        blockNumber: context.blockNumber ?? null,
        result,
        error,
        queuedMs: Math.max(0, sinceEnqueued - durationMs),
        durationMs,
        fuel: reply?.usage.fuel ?? null,
        hostCalls: reply?.usage.hostCalls ?? 0,
        writes: reply?.usage.writes ?? 0,
      },
      reply,
      item.event,
    )
  }
}
