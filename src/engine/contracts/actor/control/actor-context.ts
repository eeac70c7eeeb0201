/** What the actors of one namespace share. */
import type { ActorFacts } from '../../../../shared/contracts/actor.ts'
import type { HostCall, HostOutcome, LoadSpec } from '../../../../shared/sandbox/protocol.ts'
import type { GuestLogRecord } from '../../../../shared/domain/log.ts'
import type { Dispatch } from '../../../../shared/domain/module.ts'
import type { PaddockError } from '../../../../shared/errors.ts'
import type { CallReply } from '../../../../shared/sandbox/protocol.ts'
import type { Clock } from '../../../clock.ts'
import type { Admission } from '../../../events/admission.ts'
import type { ActorConfig } from '../config.ts'
import type { ActorDirectory } from '../directory/directory.ts'
import type { ActorHosts } from '../hosts/actor-hosts.ts'
import type { ActorFiles } from '../files.ts'
import type { ActorFigures } from '../figures.ts'
import type { Thresholds } from './control-state.ts'

export interface ActorContext {
  readonly namespace: string
  readonly clock: Clock
  readonly config: ActorConfig
  readonly thresholds: Thresholds
  readonly spec: LoadSpec
  readonly hasDatabase: boolean
  /** Given to `on-start`. */
  readonly settings: readonly (readonly [string, string])[]
  readonly hosts: ActorHosts
  readonly directory: ActorDirectory
  readonly files: ActorFiles
  readonly figures: ActorFigures
  createAdmission(): Admission
  /** The owner of databases that are not on the guest's thread. */
  readonly owner: DatabaseOwner | null
  readonly log: (level: GuestLogRecord['level'], event: string, message: string, code?: string) => void
  readonly guestLogs: (records: readonly GuestLogRecord[], dropped: number) => void
  recordDispatch(dispatch: Dispatch, reply: CallReply | null): void
  /** A request was served. */
  onHealthy(): void
  /** A damaged or foreign file, for the operator. */
  onNotice(actorId: string, error: PaddockError): void
}

/** Runs the SQL of actors whose databases are elsewhere: in another process, or in another engine. */
export interface DatabaseOwner {
  /** The generation that is current from now on; requests of others are refused. */
  announce(facts: ActorFacts): Promise<void>
  /** Shuts the gate of this generation and closes its file. Settles when it is closed; never rejects. */
  retire(actorId: string, generation: number): Promise<void>
  /** Removes the files of the actor. Rejects when nobody knows that they are gone. */
  destroy(actorId: string, generation: number): Promise<void>
  /** Answers a host call of the guest of this generation. */
  answer(actorId: string, generation: number, call: HostCall): Promise<HostOutcome>
  close(): Promise<void>
}
