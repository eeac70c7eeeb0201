/** What the guest thread and the owner of its database say to each other (spec actors-sql 2.4). Both are our own code. */
import type { MessagePort } from 'node:worker_threads'
import type { ActorFacts } from '../../../../shared/contracts/actor.ts'
import type { ErrorReport } from '../../../../shared/errors.ts'
import type { SqlError } from '../interfaces.ts'
import type { ActorDatabase } from '../database/actor-database.ts'

/** Who calls. The owner knows it from the port; what a message says is only compared. */
export type Triple = Readonly<Pick<ActorFacts, 'namespace' | 'actorId' | 'generation'>>

export interface HandOver {
  readonly facts: ActorFacts
  readonly port: MessagePort
  /** One Int32: the number of the request that was answered last. */
  readonly answered: SharedArrayBuffer
}

export interface BridgeRequest {
  /** Per connection, rising, never used again. */
  readonly number: number
  readonly triple: Triple
  readonly method: keyof ActorDatabase
  readonly args: readonly unknown[]
}

export type BridgeOutcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly error: SqlError }
  | { readonly kind: 'report'; readonly error: ErrorReport }
  /** A fault of our own: it ends the instance. */
  | { readonly kind: 'bug'; readonly message: string }

export interface BridgeReply {
  readonly number: number
  readonly outcome: BridgeOutcome
  /** Whether a transaction is open now. */
  readonly inTransaction: boolean
  /** The owner takes nothing more from this port. */
  readonly closed: boolean
}

export function tripleOf({ namespace, actorId, generation }: Triple): Triple {
  return { namespace, actorId, generation }
}

export function sameTriple(a: Triple, b: Triple): boolean {
  return a.namespace === b.namespace && a.actorId === b.actorId && a.generation === b.generation
}
