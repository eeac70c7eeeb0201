/** What the sequences of an actor's life need of it; the actor itself is in `actor.ts`. */
import type { PaddockError } from '../../../../shared/errors.ts'
import type { ActorRecord } from '../directory/record.ts'
import type { ActorContext } from './actor-context.ts'
import type { ControlState } from './control-state.ts'
import type { ActorInstance } from './instance.ts'
import type { WorkQueue } from './work-queue.ts'

export interface ActorControl {
  readonly id: string
  readonly key: readonly string[]
  readonly context: ActorContext
  readonly queue: WorkQueue
  readonly generation: number
  readonly record: ActorRecord | undefined
  instance: ActorInstance | undefined
  lastRequestAt: number | null
  requests: number
  /** Keeps the record; settles once it is on disk. */
  put(record: ActorRecord): Promise<void>
  /** Takes a generation that no instance has had. */
  raiseGeneration(generation: number): Promise<void>
  /** Whether the start of this number is still wanted. */
  isCurrent(attempt: number): boolean
  setState(state: ControlState, thresholdMs?: number | null): void
  /** An instance that was started serves from now on. */
  serve(instance: ActorInstance): void
  /** A start that came to nothing. `final` answers what waits with its error; otherwise it is tried again. */
  startFailed(error: PaddockError, final: boolean): void
  /** The thread of an instance is gone, whoever ended it. */
  onInstanceEnded(instance: ActorInstance, error: PaddockError | null): void
  /** The running work is given up: its caller learns that its outcome is unknown. */
  abandonCurrent(): void
}
