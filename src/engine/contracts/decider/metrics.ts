/** Figures of all deciders (spec decider 14): counters and sums by attributes, never by stream. */
import type { ExecutionOutcome } from '../../../shared/contracts/decider.ts'

export interface MetricPoint {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly count: number
  /** Sum of what was measured; equals `count` for plain counters. */
  readonly sum: number
}

export class DeciderMetrics {
  private readonly points = new Map<string, { -readonly [K in keyof MetricPoint]: MetricPoint[K] }>()

  record(about: { module: string; version: string; type: string }, outcome: ExecutionOutcome): void {
    const module = { module_name: about.module, module_version: about.version }
    const command = { ...module, command_type: about.type }
    const { stats } = outcome
    const precondition = stats?.guard ?? null
    this.add('decider.command.executions', {
      ...command,
      decision_outcome: outcome.outcome,
      ...(precondition === null ? {} : { write_precondition: precondition }),
    })
    if (stats === null) return
    this.add('decider.replay.events', command, stats.replayedEvents)
    this.add('decider.replay.duration', command, stats.replayMs)
    if (stats.appendMs > 0) this.add('decider.append.duration', command, stats.appendMs)
    if (stats.conflicts > 0) {
      this.add('decider.append.conflicts', command, stats.conflicts)
      this.add('decider.command.conflict_retries', command, Math.max(0, stats.attempts - 1))
    }
    if (stats.snapshotRead !== 'not_read') {
      this.add('decider.snapshot.reads', { ...module, snapshot_outcome: stats.snapshotRead })
    }
    if (stats.snapshotWrite !== 'none') {
      this.add('decider.snapshot.writes', { ...module, success: String(stats.snapshotWrite === 'stored') })
    }
    for (const [phase, ms] of Object.entries(stats.guestMs)) {
      this.add('decider.wasm.execution.duration', { ...module, guest_phase: phase }, ms)
    }
    for (const [phase, fuel] of Object.entries(stats.fuel)) {
      this.add('decider.wasm.fuel.consumed', { ...module, guest_phase: phase }, fuel)
    }
    for (const { phase, code } of stats.traps) {
      this.add('decider.wasm.traps', { ...module, guest_phase: phase, kind: code })
    }
  }

  read(): MetricPoint[] {
    return [...this.points.values()].map((point) => ({ ...point }))
  }

  private add(name: string, attributes: Record<string, string>, value = 1): void {
    const key = `${name} ${JSON.stringify(attributes)}`
    const point = this.points.get(key) ?? { name, attributes, count: 0, sum: 0 }
    point.count += 1
    point.sum += value
    this.points.set(key, point)
  }
}
