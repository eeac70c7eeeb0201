/** The guest thread's end: asks, sleeps on a shared word, takes the reply with its own number (spec actors-sql 2.4, 9.8). */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { PaddockError } from '../../../../shared/errors.ts'
import type { ActorDatabase } from '../database/actor-database.ts'
import { SqlFault } from '../database/faults.ts'
import type { SqlOperation } from '../interfaces.ts'
import type { BridgeReply, BridgeRequest, Triple } from './messages.ts'

export interface BridgeConnection {
  readonly port: MessagePort
  readonly answered: SharedArrayBuffer
}

const maxNumber = 0x7fff_ffff

export class BridgeClient {
  /** Replies to other requests than the one waited for. */
  dropped = 0
  private readonly triple: Triple
  private connection: BridgeConnection
  private word: Int32Array
  private number = 0
  /** The word when the port was last emptied. */
  private seen = 0
  private closed = false
  private transactionOpen = false
  /** The transaction went with a connection that is gone; until the invocation ends nothing may pass for it. */
  private transactionLost = false

  constructor(triple: Triple, connection: BridgeConnection) {
    this.triple = triple
    this.connection = connection
    this.word = new Int32Array(connection.answered)
  }

  get inTransaction(): boolean {
    return this.transactionOpen
  }

  /** A new connection: a transaction of the old one is lost with it. */
  reconnect(connection: BridgeConnection): void {
    if (this.transactionOpen) this.transactionLost = true
    this.transactionOpen = false
    this.connection = connection
    this.word = new Int32Array(connection.answered)
    this.number = 0
    this.seen = 0
    this.closed = false
  }

  /** The exported function has returned. */
  forgetLost(): void {
    this.transactionLost = false
  }

  /**
   * Calls and waits at most `timeoutMs`. Throws `SqlFault`: what the owner answered, `lost`, `closed`, or indeterminate
   * after the time; and `PaddockError`.
   */
  call(
    method: keyof ActorDatabase,
    args: readonly unknown[],
    operation: SqlOperation,
    timeoutMs: number,
  ): unknown {
    if (this.transactionLost) throw new SqlFault({ tag: 'transaction', val: 'lost' })
    if (this.closed) throw new SqlFault({ tag: 'closed' })
    this.number = this.number >= maxNumber ? 1 : this.number + 1
    const { number } = this
    const request: BridgeRequest = { number, triple: this.triple, method, args }
    this.connection.port.postMessage(request)
    const reply = this.await(number, timeoutMs)
    if (reply === undefined) throw new SqlFault({ tag: 'indeterminate', val: operation })
    this.transactionOpen = reply.inTransaction
    if (reply.closed) this.closed = true
    const { outcome } = reply
    switch (outcome.kind) {
      case 'value':
        return outcome.value
      case 'fault':
        throw new SqlFault(outcome.error)
      case 'report':
        throw PaddockError.fromReport(outcome.error)
      case 'bug':
        throw new PaddockError('internal.bug', `The owner of the database failed: ${outcome.message}`)
    }
  }

  private await(number: number, timeoutMs: number): BridgeReply | undefined {
    const endMs = performance.now() + timeoutMs
    for (;;) {
      const seen = Atomics.load(this.word, 0)
      // Any number means that something arrived; only the reply with our own counts.
      const reply = seen === this.seen ? undefined : this.drain(number)
      this.seen = seen
      if (reply !== undefined) return reply
      const leftMs = endMs - performance.now()
      if (leftMs <= 0) return undefined
      Atomics.wait(this.word, 0, seen, leftMs)
    }
  }

  private drain(number: number): BridgeReply | undefined {
    let found: BridgeReply | undefined
    for (;;) {
      const received = receiveMessageOnPort(this.connection.port) as { message: BridgeReply } | undefined
      if (received === undefined) return found
      if (received.message.number === number) found = received.message
      else this.dropped += 1
    }
  }
}
