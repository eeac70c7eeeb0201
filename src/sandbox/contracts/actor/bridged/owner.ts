/** Holds databases for guests on other threads: one port each, bound to its actor for good (spec actors-sql 2.4, 3.1). */
import type { MessagePort } from 'node:worker_threads'
import type { ActorDatabase } from '../database/actor-database.ts'
import { SqlFault } from '../database/faults.ts'
import { LocalDatabase } from '../database/local-database.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import {
  sameTriple,
  tripleOf,
  type BridgeOutcome,
  type BridgeReply,
  type BridgeRequest,
  type HandOver,
} from './messages.ts'

/** The guest's side tells the watchdog: it is the one that waits. */
const noMarks = { begin: () => undefined, end: () => undefined }

export class SqlOwner {
  /** Requests that named another actor than their port belongs to. */
  forged = 0

  /** Serves the port until it closes; then what is open is rolled back and closed. */
  accept({ facts, port, answered }: HandOver): void {
    const word = new Int32Array(answered)
    const bound = tripleOf(facts)
    const database = new LocalDatabase({
      facts,
      marks: noMarks,
      nowMs: () => Date.now(),
      monotonicMs: () => performance.now(),
    })
    const reply = (number: number, outcome: BridgeOutcome, closed = false): void => {
      const message: BridgeReply = { number, outcome, inTransaction: database.inTransaction(), closed }
      answer(port, word, message)
    }
    port.on('message', (request: BridgeRequest) => {
      if (!sameTriple(request.triple, bound)) {
        this.forged += 1
        const current = bound.generation
        const error = {
          tag: 'stale-generation',
          val: { presented: request.triple.generation, current },
        } as const
        reply(request.number, { kind: 'fault', error }, true)
        port.close()
        return
      }
      reply(request.number, run(database, request))
    })
    port.once('close', () => {
      try {
        database.close()
      } catch {
        // The engine's own recovery undoes on the next open what could not be undone here.
      }
    })
  }
}

/** The reply first, the number then: who sees the number finds the reply. */
function answer(port: MessagePort, word: Int32Array, message: BridgeReply): void {
  port.postMessage(message)
  Atomics.store(word, 0, message.number)
  Atomics.notify(word, 0)
}

function run(database: ActorDatabase, { method, args }: BridgeRequest): BridgeOutcome {
  try {
    // Both sides have one type for it: the name is one of its methods and the values are their parameters.
    const calls = database as unknown as Record<typeof method, (...values: readonly unknown[]) => unknown>
    return { kind: 'value', value: calls[method](...args) }
  } catch (error) {
    if (error instanceof SqlFault) return { kind: 'fault', error: error.error }
    if (error instanceof PaddockError) return { kind: 'report', error: error.toReport() }
    return { kind: 'bug', message: error instanceof Error ? error.message : String(error) }
  }
}
