/** What the state of a stream was at a revision: a session that is only replayed (spec decider 13, "Console"). */
import type { StateView } from '../../../shared/contracts/decider.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { GuestTrap } from './guest/trap.ts'
import type { DeciderEnvironment } from './pipeline/environment.ts'
import { readBackground } from './pipeline/read.ts'
import { ReplayedSession } from './pipeline/session.ts'
import { StatsRecorder } from './pipeline/stats.ts'

/** Reads only. Throws what a command throws; a trap as its own error. */
export function viewState(environment: DeciderEnvironment, streamId: string, at: number | null): StateView {
  const stats = new StatsRecorder(() => undefined)
  try {
    const background = readBackground(environment, streamId, at, stats)
    const instance = stats.use(environment.pool.take())
    const session = ReplayedSession.open(environment, instance, background, stats)
    try {
      return {
        streamId,
        revision: background.observed,
        head: environment.store.head(streamId)?.revision ?? 0,
        snapshot: session.snapshot() ?? null,
        replayed: stats.replayedEvents,
        durationMs: stats.elapsedMs,
      }
    } finally {
      session.drop()
    }
  } catch (error) {
    throw error instanceof GuestTrap ? PaddockError.fromReport(error.report) : error
  }
}
