/** One round of a command up to its append: steps 3 to 12 on a fresh instance (spec decider 4). */
import type { AppendRequest, NewEvent } from '../../../../event-store/event-store.ts'
import { commandFingerprint } from '../../../../event-store/identities.ts'
import type { CommandSpec, ExecutePayload } from '../../../../shared/contracts/decider.ts'
import { GuestTrap } from '../guest/trap.ts'
import { decideEvents, envelopesOf } from './decide.ts'
import type { DeciderEnvironment } from './environment.ts'
import { CommandFailure } from './failure.ts'
import { foldAndSnapshot } from './fold.ts'
import { locateStream } from './locate.ts'
import { readBackground, resolvedGuard, unread } from './read.ts'
import { ReplayedSession } from './session.ts'
import type { StatsRecorder } from './stats.ts'

/** A command under way. */
export interface Execution {
  readonly command: ExecutePayload
  readonly spec: CommandSpec
  readonly stats: StatsRecorder
  /** Known from step 4 on. */
  streamId: string | null
}

/** What is ready to be appended. */
export interface Decision {
  readonly execution: Execution
  readonly streamId: string
  readonly events: readonly NewEvent[]
  readonly observed: number
  readonly append: AppendRequest
}

export interface AttemptOptions {
  /** Called between steps 4 and 6: nothing that waits may concern the stream that is read next. */
  readonly beforeRead?: (streamId: string) => void
  /** Decides on the state as of this revision. */
  readonly at?: number | null
}

/** Begins a command. Throws `decider.unroutable` for one the decider does not declare. */
export function beginExecution(
  environment: DeciderEnvironment,
  command: ExecutePayload,
  stats: StatsRecorder,
): Execution {
  const spec = environment.commands.get(command.type)
  if (spec === undefined) {
    throw new CommandFailure('decider.unroutable', `${environment.descriptor.name} declares no such command.`)
  }
  return { command, spec, stats, streamId: null }
}

/** Throws `CommandFailure`, `GuestTrap` and `store.*`. */
export function attempt(
  environment: DeciderEnvironment,
  execution: Execution,
  options: AttemptOptions = {},
): Decision {
  const { command, spec, stats } = execution
  stats.attempts += 1
  try {
    const instance = stats.use(environment.pool.take())
    const streamId = locateStream(instance, command, environment.policy.fuelPerCall)
    execution.streamId = streamId
    const early = resolvedGuard(spec, command.expectedRevision, null)
    options.beforeRead?.(streamId)
    const background =
      early === null ? readBackground(environment, streamId, options.at ?? null, stats) : unread(streamId)
    const guard = early ?? resolvedGuard(spec, command.expectedRevision, background.observed)
    if (guard === null) throw new CommandFailure('internal.bug', 'The guard was not resolved by the read.')
    stats.guard = guard
    const session = ReplayedSession.open(environment, instance, background, stats)
    try {
      const decided = decideEvents(session, command)
      const snapshot = foldAndSnapshot(environment, spec, session, decided, stats)
      const events = envelopesOf(decided, command.commandId)
      return {
        execution,
        streamId,
        events,
        observed: background.observed,
        append: {
          streamId,
          moduleVersion: environment.descriptor.version,
          guard,
          observed: background.observed,
          events,
          headers: command.headers,
          command:
            command.commandId === null
              ? null
              : {
                  id: command.commandId,
                  fingerprint: commandFingerprint(command.type, command.payload),
                  type: command.type,
                },
          snapshot: snapshot === null ? null : { artifact: environment.artifact, payload: snapshot },
          discardSnapshot: session.background.discard,
        },
      }
    } finally {
      session.drop()
    }
  } catch (error) {
    if (error instanceof GuestTrap) stats.traps.push({ phase: error.phase, code: error.report.code })
    throw error
  }
}
