/** Counts what one command does (spec decider 14), over all of its attempts. */
import type { ExecutionStats, GuestPhase, SnapshotReadOutcome } from '../../../../shared/contracts/decider.ts'
import type { Guard } from '../../../../event-store/guard.ts'
import type { DeciderInstance, GuestMeter } from '../guest/decider-instance.ts'

const guardNames = { any: 'any', exists: 'stream_exists', none: 'no_stream', at: 'at' } as const

export class StatsRecorder implements GuestMeter {
  attempts = 0
  conflicts = 0
  replayedEvents = 0
  replayMs = 0
  appendMs = 0
  snapshotRead: SnapshotReadOutcome = 'not_read'
  snapshotWrite: ExecutionStats['snapshotWrite'] = 'none'
  guard: Guard | null = null
  sessionsCreated = 0
  sessionsDropped = 0
  readonly traps: { phase: GuestPhase; code: string }[] = []
  private readonly fuel: Partial<Record<GuestPhase, number>> = {}
  private readonly guestMs: Partial<Record<GuestPhase, number>> = {}
  private readonly startedAt = performance.now()
  private readonly onPhase: () => void

  /** `onPhase` is called before each guest call, which has a deadline of its own. */
  constructor(onPhase: () => void) {
    this.onPhase = onPhase
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt
  }

  get totalFuel(): number {
    return Object.values(this.fuel).reduce((sum, units) => sum + units, 0)
  }

  /** Goes on with a new instance. */
  use(instance: DeciderInstance): DeciderInstance {
    instance.meter = this
    this.add('instantiate', instance.createdMs, instance.createdFuel)
    return instance
  }

  began(): void {
    this.onPhase()
  }

  ended(phase: GuestPhase, ms: number, fuel: number): void {
    this.add(phase, ms, fuel)
  }

  snapshot(): ExecutionStats {
    const { attempts, conflicts, replayedEvents, replayMs, appendMs, snapshotRead, snapshotWrite } = this
    return {
      attempts,
      conflicts,
      replayedEvents,
      replayMs,
      appendMs,
      totalMs: this.elapsedMs,
      snapshotRead,
      snapshotWrite,
      guard: this.guard === null ? null : guardNames[this.guard.kind],
      fuel: { ...this.fuel },
      guestMs: { ...this.guestMs },
      traps: [...this.traps],
      sessionsCreated: this.sessionsCreated,
      sessionsDropped: this.sessionsDropped,
    }
  }

  private add(phase: GuestPhase, ms: number, fuel: number): void {
    this.fuel[phase] = (this.fuel[phase] ?? 0) + fuel
    this.guestMs[phase] = (this.guestMs[phase] ?? 0) + ms
  }
}
