/**
 * Step 11 of a command: decided events are folded back before a snapshot is taken, because `decide` only reads the
 * state: a snapshot without them would be filed under a revision it does not stand for (spec decider 4).
 */
import { deciderLimits } from '../../../../shared/contracts/decider-limits.ts'
import type { CommandSpec } from '../../../../shared/contracts/decider.ts'
import { GuestTrap } from '../guest/trap.ts'
import type { GuestEnvelope } from '../guest/interfaces.ts'
import { effectiveCadence, type DeciderEnvironment } from './environment.ts'
import type { ReplayedSession } from './session.ts'
import type { StatsRecorder } from './stats.ts'

/** The snapshot to store with the append, or null. Throws when the fold fails: such events would poison the stream. */
export function foldAndSnapshot(
  environment: DeciderEnvironment,
  spec: CommandSpec,
  session: ReplayedSession,
  events: readonly GuestEnvelope[],
  stats: StatsRecorder,
): Uint8Array | null {
  const { observed, snapshot } = session.background
  const cadence = effectiveCadence(spec, environment.policy)
  const isDue = cadence !== null && observed - (snapshot?.revision ?? 0) + events.length >= cadence
  if (isDue || environment.policy.verifyDecided) session.fold(events, 'the events just decided')
  return isDue ? takeSnapshot(environment, session, stats) : null
}

function takeSnapshot(
  environment: DeciderEnvironment,
  session: ReplayedSession,
  stats: StatsRecorder,
): Uint8Array | null {
  let payload: Uint8Array | undefined
  try {
    payload = session.snapshot()
  } catch (error) {
    if (!(error instanceof GuestTrap)) throw error
    // The events are decided and valid: they do not pay for it.
    stats.traps.push({ phase: 'snapshot', code: error.report.code })
    stats.snapshotWrite = 'trapped'
    environment.log('warn', `Taking a snapshot failed: ${error.report.message}`)
    return null
  }
  if (payload === undefined) {
    stats.snapshotWrite = 'declined'
    return null
  }
  if (payload.length > deciderLimits.snapshotBytes) {
    stats.snapshotWrite = 'oversize'
    environment.log(
      'warn',
      `A snapshot of ${payload.length} bytes was not kept; at most ${deciderLimits.snapshotBytes} are.`,
    )
    return null
  }
  return payload
}
