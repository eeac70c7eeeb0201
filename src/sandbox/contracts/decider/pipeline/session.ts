/** Steps 8, 9 and 14 of a command: a session brought up to what was observed, and dropped on every way out. */
import type { RecordedEvent } from '../../../../event-store/event-store.ts'
import type { GuestObject } from '../../../binding/guest-resources.ts'
import type { DeciderInstance } from '../guest/decider-instance.ts'
import { GuestTrap } from '../guest/trap.ts'
import type { GuestEnvelope } from '../guest/interfaces.ts'
import { chunksOf } from './chunks.ts'
import type { DeciderEnvironment } from './environment.ts'
import { CommandFailure } from './failure.ts'
import { distrust, readChunk, withoutSnapshot, type Background } from './read.ts'
import type { StatsRecorder } from './stats.ts'

export class ReplayedSession {
  readonly background: Background
  readonly instance: DeciderInstance
  private readonly session: GuestObject
  private readonly environment: DeciderEnvironment
  private readonly stats: StatsRecorder
  private dropped = false

  private constructor(
    environment: DeciderEnvironment,
    instance: DeciderInstance,
    background: Background,
    stats: StatsRecorder,
  ) {
    this.environment = environment
    this.instance = instance
    this.background = background
    this.stats = stats
    this.session = instance.openSession(background.snapshot?.payload, environment.policy.fuelPerCall)
    stats.sessionsCreated += 1
  }

  /** On `instance`, or on another one where the snapshot turns out to be of no use. Throws as a command does. */
  static open(
    environment: DeciderEnvironment,
    instance: DeciderInstance,
    background: Background,
    stats: StatsRecorder,
  ): ReplayedSession {
    let session: ReplayedSession
    try {
      session = new ReplayedSession(environment, instance, background, stats)
    } catch (error) {
      if (!(error instanceof GuestTrap) || background.snapshot === null) throw error
      stats.traps.push({ phase: error.phase, code: error.report.code })
      distrust(environment, stats, 'discarded_trap', error.report.message)
      const fresh = stats.use(environment.pool.take())
      const full = withoutSnapshot(environment, background)
      session = new ReplayedSession(environment, fresh, full, stats)
    }
    try {
      session.replay()
      return session
    } catch (error) {
      session.drop()
      throw error
    }
  }

  decide(command: GuestEnvelope): ReturnType<DeciderInstance['decide']> {
    return this.instance.decide(this.session, command, this.environment.policy.fuelPerCall)
  }

  snapshot(): Uint8Array | undefined {
    return this.instance.snapshot(this.session, this.environment.policy.fuelPerCall)
  }

  /** Folds events in chunks, each with its own budget. `where` names them in an error. */
  fold(events: readonly GuestEnvelope[], where: string): void {
    for (const chunk of chunksOf(events)) this.evolve(chunk, where)
  }

  /** Never throws: what goes wrong is counted and logged, and changes no outcome. */
  drop(): void {
    if (this.dropped || this.instance.isPoisoned) return
    this.dropped = true
    try {
      this.instance.dropSession(this.session, this.environment.policy.fuelPerCall)
      this.stats.sessionsDropped += 1
    } catch (error) {
      if (!(error instanceof GuestTrap)) throw error
      this.stats.traps.push({ phase: 'drop', code: error.report.code })
      this.environment.log('warn', `Dropping a session failed: ${error.report.message}`)
    }
  }

  private replay(): void {
    const { streamId, observed, snapshot, first } = this.background
    const began = performance.now()
    let from = (snapshot?.revision ?? 0) + 1
    let events: readonly RecordedEvent[] = first
    while (from <= observed) {
      const wanted = events.filter(({ revision }) => revision >= from && revision <= observed)
      const last = wanted.at(-1)
      // A state folded over a gap would be decided on, and filed as a snapshot.
      if (last === undefined || last.revision - from + 1 !== wanted.length) {
        const missing = wanted.find(({ revision }, index) => revision !== from + index)
        const revision = missing === undefined ? from : from + wanted.indexOf(missing)
        throw new CommandFailure(
          'store.corrupt',
          `The stream ${streamId} has no event of revision ${revision}.`,
        )
      }
      this.fold(wanted, `stream ${streamId}, revisions ${from} to ${last.revision}`)
      this.stats.replayedEvents += wanted.length
      from = last.revision + 1
      this.checkTime()
      events = readChunk(this.environment, streamId, from, observed)
    }
    this.stats.replayMs += performance.now() - began
  }

  private evolve(events: readonly GuestEnvelope[], where: string): void {
    const { fuelPerCall, fuelPerEvent } = this.environment.policy
    const fuel = Math.min(Math.max(fuelPerCall, fuelPerEvent * events.length), Number.MAX_SAFE_INTEGER)
    const answer = this.instance.evolve(this.session, events, fuel)
    if (answer.ok) return
    throw new CommandFailure(
      'decider.evolve_failed',
      `The decider cannot read its events (${where}): ${answer.error.message}`,
      { phase: 'replay', reason: answer.error, details: { where } },
    )
  }

  private checkTime(): void {
    const { commandMs } = this.environment.policy
    if (this.stats.elapsedMs <= commandMs) return
    throw new CommandFailure('sandbox.deadline', `The command took longer than ${commandMs} ms.`, {
      phase: 'replay',
    })
  }
}
