/** One limit of one account and what was used against it. */
import type { BudgetLimit } from '../../shared/domain/budgets.ts'
import { dimensionIndex } from './amounts.ts'
import { oldestSlot, windowsOf, type WindowOf } from './periods.ts'

/** Use within one window, absolute: reading it twice changes nothing. */
export interface WindowUse {
  readonly window: string
  readonly used: number
}

export class Meter {
  /** Account, dimension, period and, where it matters, zone: another period is another meter (spec tools 12). */
  readonly key: string
  readonly limit: BudgetLimit
  readonly index: number
  private readonly windowOf: WindowOf | null
  private readonly rolling: boolean
  private readonly windows = new Map<string, number>()
  private newest = ''
  private total = 0
  private warnedIn = ''

  constructor(account: string, limit: BudgetLimit, timeZone: string) {
    const calendar = limit.period === 'day' || limit.period === 'week' || limit.period === 'month'
    this.key = [account, limit.dimension, limit.period, ...(calendar ? [timeZone] : [])].join('|')
    this.limit = limit
    this.index = dimensionIndex(limit.dimension)
    this.windowOf = windowsOf(limit.period, timeZone)
    this.rolling = limit.period === 'rolling-24h'
  }

  /** Whether its use outlives a call, and so the process. */
  get persists(): boolean {
    return this.windowOf !== null
  }

  /** Used in the period that `now` falls into; 0 for `call`. */
  usedAt(now: number): number {
    if (this.windowOf !== null) this.moveTo(now)
    return this.total
  }

  add(now: number, amount: number): void {
    if (this.windowOf === null) return
    this.moveTo(now)
    this.windows.set(this.newest, (this.windows.get(this.newest) ?? 0) + amount)
    this.total += amount
  }

  /** True once a window, when use has come to the share at which the operator is warned. */
  warns(used: number): boolean {
    if (this.windowOf === null || used < this.limit.warnAt * this.limit.limit || this.limit.limit === 0)
      return false
    if (this.warnedIn === this.newest) return false
    this.warnedIn = this.newest
    return true
  }

  /** Whether use has come to the share from which a person must agree to more. */
  pauses(used: number): boolean {
    const { pauseAt, limit } = this.limit
    return this.windowOf !== null && pauseAt !== undefined && limit > 0 && used >= pauseAt * limit
  }

  /** The window in which use adds up now. */
  current(): WindowUse {
    return { window: this.newest, used: this.windows.get(this.newest) ?? 0 }
  }

  all(): WindowUse[] {
    return [...this.windows].map(([window, used]) => ({ window, used }))
  }

  /** Takes over what an earlier process, or the same limit before it was changed, had counted. */
  restore(uses: readonly WindowUse[]): void {
    for (const { window, used } of uses) {
      this.windows.set(window, used)
      if (window > this.newest) this.newest = window
    }
    this.sum()
  }

  /** Forward only: a clock set back must not make what was used unused. */
  private moveTo(now: number): void {
    const window = this.windowOf?.(now) ?? ''
    if (window <= this.newest) return
    this.newest = window
    const oldest = this.rolling ? oldestSlot(now) : window
    for (const kept of [...this.windows.keys()]) {
      if (kept < oldest) this.windows.delete(kept)
    }
    this.sum()
  }

  private sum(): void {
    this.total = [...this.windows.values()].reduce((sum, used) => sum + used, 0)
  }
}
