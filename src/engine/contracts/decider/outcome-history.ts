/** The last commands that ended, for the console (spec decider 13). Payloads are never kept. */
import type { ExecutionOutcome } from '../../../shared/contracts/decider.ts'
import type { OutcomeRecord } from '../../../shared/contracts/decider-views.ts'

const kept = 1_000

export interface EndedCommand {
  readonly time: number
  readonly name: string | null
  readonly version: string | null
  readonly commandType: string
  readonly commandId: string | null
}

export class OutcomeHistory {
  private records: OutcomeRecord[] = []
  private nextId = 1
  private readonly listeners = new Set<(record: OutcomeRecord) => void>()

  /** Calls the listener with every command that ends; answers how to stop that. */
  onAdd(listener: (record: OutcomeRecord) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  add(command: EndedCommand, result: ExecutionOutcome): void {
    const { stats } = result
    const decided = result.outcome === 'decided' ? result : null
    const failure = result.outcome === 'decided' ? null : result.failure
    const record: OutcomeRecord = {
      id: this.nextId++,
      ...command,
      streamId: decided?.streamId ?? failure?.streamId ?? null,
      outcome: result.outcome,
      code: failure?.error.code ?? null,
      reason: failure?.reason?.code ?? null,
      message: failure?.error.message ?? null,
      events: decided?.events.length ?? 0,
      lastRevision: decided?.lastRevision ?? null,
      duplicate: decided?.duplicate ?? false,
      attempts: stats?.attempts ?? 0,
      replayedEvents: stats?.replayedEvents ?? 0,
      replayMs: stats?.replayMs ?? 0,
      totalMs: stats?.totalMs ?? 0,
      fuel: Object.values(stats?.fuel ?? {}).reduce((sum, units) => sum + units, 0),
    }
    this.records.push(record)
    for (const listener of this.listeners) listener(record)
    if (this.records.length > 2 * kept) this.records = this.records.slice(-kept)
  }

  /** Newest first; of one decider, or of all with null. */
  list(name: string | null, limit: number): OutcomeRecord[] {
    const found = name === null ? this.records : this.records.filter((record) => record.name === name)
    return found.slice(-Math.min(limit, kept)).reverse()
  }
}
