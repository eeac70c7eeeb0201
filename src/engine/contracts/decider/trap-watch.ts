/** A decider that traps often still answers, but something is wrong with it (spec decider 8). */
import type { ExecutionOutcome } from '../../../shared/contracts/decider.ts'

const watched = 100
/** So many of the last commands must have trapped. */
const many = 20

export class TrapWatch {
  private readonly onDegraded: (message: string) => void
  private readonly recent: boolean[] = []
  private degraded = false

  /** `onDegraded` is called once, and again only after it got better. */
  constructor(onDegraded: (message: string) => void) {
    this.onDegraded = onDegraded
  }

  get isDegraded(): boolean {
    return this.degraded
  }

  note({ stats }: ExecutionOutcome): void {
    this.recent.push((stats?.traps.length ?? 0) > 0)
    if (this.recent.length > watched) this.recent.shift()
    const traps = this.recent.filter((trapped) => trapped).length
    if (traps >= many && !this.degraded) {
      this.degraded = true
      this.onDegraded(`${traps} of the last ${this.recent.length} commands trapped.`)
    } else if (traps < many / 2) this.degraded = false
  }
}
