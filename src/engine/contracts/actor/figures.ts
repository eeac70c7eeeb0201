/** What the actors of one namespace did, in numbers (spec actors-sql 18). */
import type { ActorFiguresView } from '../../../shared/domain/actor.ts'

/** Upper bounds of the buckets of request times, in milliseconds. */
export const bucketsMs = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const

export class ActorFigures {
  private readonly requests = new Map<string, number>()
  private readonly refusals = new Map<string, number>()
  private readonly times = new Array<number>(bucketsMs.length + 1).fill(0)
  drains = 0
  drainTimeouts = 0
  indeterminate = 0
  starts = 0
  losses = 0
  permitWaitMs = 0

  /** Counts one piece of work by how it ended: `ok` or an error code. */
  count(operation: string, result: string, ms: number): void {
    const key = `${operation} ${result}`
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1)
    const index = bucketsMs.findIndex((bound) => ms <= bound)
    const bucket = index < 0 ? bucketsMs.length : index
    this.times[bucket] = (this.times[bucket] ?? 0) + 1
    if (result === 'sqlite.remote_indeterminate_result' || result === 'actor.host_lost')
      this.indeterminate += 1
  }

  refuse(rule: string): void {
    this.refusals.set(rule, (this.refusals.get(rule) ?? 0) + 1)
  }

  view(): ActorFiguresView {
    return {
      requests: Object.fromEntries(this.requests),
      refusals: Object.fromEntries(this.refusals),
      times: bucketsMs.map((boundMs, index) => ({ boundMs, count: this.times[index] ?? 0 })),
      slower: this.times[bucketsMs.length] ?? 0,
      drains: this.drains,
      drainTimeouts: this.drainTimeouts,
      indeterminate: this.indeterminate,
      starts: this.starts,
      losses: this.losses,
    }
  }
}
