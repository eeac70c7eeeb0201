/**
 * Commands on their way into a decider's sandbox: bounded, in arrival order, a few sent ahead so that those which wait
 * together share a commit. Nothing is answered twice and nothing is carried out twice: what was sent to a sandbox that
 * died is looked up by its command id in the next one, and without an id the caller is told that nobody knows
 * (spec decider 4, 8).
 */
import { deciderLimits } from '../../../shared/contracts/decider-limits.ts'
import { PaddockError, type ErrorReport } from '../../../shared/errors.ts'
import type { CallReply } from '../../../shared/sandbox/protocol.ts'
import type { Admission, Ticket } from '../../events/admission.ts'
import type { CallTarget } from '../../events/dispatcher.ts'
import { overloaded } from './permits.ts'

/** As many as the sandbox puts into one commit. */
const sendAhead = 32
/** A command during which the process died this often may be what kills it. */
const maxAttempts = 3

export interface QueuedCommand {
  readonly operation: 'execute' | 'dry-run' | 'state' | 'read'
  readonly payload: unknown
  /** Whether it may be sent again although nobody knows if it was carried out. */
  readonly repeatable: boolean
  readonly deadlineMs: number
}

interface Item extends QueuedCommand {
  readonly sequence: number
  attempts: number
  readonly resolve: (reply: CallReply) => void
  readonly reject: (error: PaddockError) => void
}

interface Sent {
  readonly item: Item
  readonly ticket: Ticket
}

export interface CommandQueueOptions {
  readonly admission: Admission
  /** The instance is dead by a call's doing; the sandbox must be replaced. */
  readonly onFailed: (error: ErrorReport) => void
}

export class CommandQueue {
  private readonly options: CommandQueueOptions
  private waiting: Item[] = []
  private readonly sent = new Set<Sent>()
  private target: CallTarget | undefined
  private nextSequence = 0
  /** What comes back, or comes late, goes on there. */
  private successor: CommandQueue | undefined
  /** Why nothing will be run any more, until a sandbox is attached again. */
  private closed: PaddockError | undefined

  constructor(options: CommandQueueOptions) {
    this.options = options
    options.admission.onRoom(() => this.pump())
  }

  get queued(): number {
    return this.waiting.length + this.sent.size
  }

  /** The sandbox's reply. Rejects with `decider.overloaded` at once when the queue is full, or why it will never be run. */
  run(command: QueuedCommand): Promise<CallReply> {
    // A caller may have been given this queue before its version gave way or was stopped, and come only now.
    if (this.successor !== undefined) return this.successor.run(command)
    if (this.closed !== undefined) return Promise.reject(this.closed)
    const limit = deciderLimits.queuedPerModule
    if (this.waiting.length >= limit) {
      return Promise.reject(overloaded(`${limit} commands wait for this decider already.`, limit))
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...command, sequence: this.nextSequence++, attempts: 0, resolve, reject })
      this.pump()
    })
  }

  /** Begins to send to a sandbox whose decider is open. */
  attach(target: CallTarget): void {
    this.closed = undefined
    this.target = target
    this.pump()
  }

  /** Stops sending; answers still come in. */
  detach(): void {
    this.target = undefined
    this.options.admission.withdraw()
  }

  /** Ends everything that waits: there will be no sandbox for it. */
  close(error: PaddockError): void {
    this.closed = error
    this.detach()
    for (const item of this.waiting.splice(0)) item.reject(error)
  }

  /** Moves what waits to the queue of the version that comes after. */
  handOver(successor: CommandQueue): void {
    this.detach()
    this.successor = successor
    for (const item of this.waiting.splice(0)) successor.adopt(item)
  }

  private adopt(item: Item): void {
    if (this.successor !== undefined) {
      this.successor.adopt(item)
      return
    }
    if (this.closed !== undefined) {
      item.reject(this.closed)
      return
    }
    this.waiting.push({ ...item, sequence: this.nextSequence++ })
    this.pump()
  }

  private pump(): void {
    while (this.target !== undefined && this.sent.size < sendAhead) {
      const [item] = this.waiting
      if (item === undefined) return
      const ticket = this.options.admission.admit()
      if (ticket === undefined) return
      this.waiting.shift()
      this.send(item, ticket, this.target)
    }
  }

  private send(item: Item, ticket: Ticket, target: CallTarget): void {
    const sent: Sent = { item, ticket }
    this.sent.add(sent)
    const call = {
      id: target.allocateCallId(),
      sequence: item.sequence,
      operation: item.operation,
      payload: item.payload,
      cursor: null,
      fuel: ticket.fuel,
      deadlineMs: item.deadlineMs,
      context: { eventType: 'call' as const, dispatch: item.sequence },
    }
    target.call(call).then(
      (reply) => this.onReply(sent, reply),
      (error: unknown) => this.onLost(sent, error),
    )
  }

  private onReply(sent: Sent, reply: CallReply): void {
    const { item, ticket } = sent
    const { outcome } = reply
    this.sent.delete(sent)
    this.options.admission.settle(ticket, outcome.status === 'not-started' ? 'not-started' : reply.usage)
    if (outcome.status === 'not-started') this.requeue(item)
    else if (outcome.status === 'failed') {
      this.detach()
      if (outcome.uncertain === true) this.resolveUncertain(item, outcome.error)
      else item.resolve(reply)
      this.options.onFailed(outcome.error)
    } else item.resolve(reply)
    this.pump()
  }

  /** The process died. Any call sent ahead may share the commit that was under way. */
  private onLost(sent: Sent, error: unknown): void {
    this.sent.delete(sent)
    this.options.admission.settle(sent.ticket, 'lost')
    const report =
      error instanceof PaddockError ? error : new PaddockError('sandbox.exited', 'The sandbox process ended.')
    this.resolveUncertain(sent.item, report.toReport())
    this.pump()
  }

  private resolveUncertain(item: Item, cause: ErrorReport): void {
    item.attempts += 1
    if (item.repeatable && item.attempts < maxAttempts) {
      this.requeue(item)
      return
    }
    item.reject(
      item.repeatable
        ? new PaddockError(
            'sandbox.exited',
            `The sandbox ended ${maxAttempts} times while this command was under way; it was given up.`,
            { details: { cause: cause.code, unknown: true } },
          )
        : new PaddockError(
            'store.unavailable',
            'The sandbox ended while this command was under way: its events may have been appended or not.',
            { details: { unknown: true, cause: cause.code } },
          ),
    )
  }

  /** Back to its place: what is sent again keeps its order. */
  private requeue(item: Item): void {
    if (this.successor !== undefined) {
      this.successor.adopt(item)
      return
    }
    if (this.closed !== undefined) {
      item.reject(this.closed)
      return
    }
    const at = this.waiting.findIndex((other) => other.sequence > item.sequence)
    if (at < 0) this.waiting.push(item)
    else this.waiting.splice(at, 0, item)
  }
}
