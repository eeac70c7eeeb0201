/** Accounts in a cascade: operator → module → contract; a hold lies on every level (spec tools 12). */
import type { BudgetDimension, BudgetLimit, BudgetPeriod, Budgets } from '../../shared/domain/budgets.ts'
import { emptyVector, type AmountVector } from './amounts.ts'
import { Meter, type WindowUse } from './meter.ts'

/** Whom a reservation is for; a level that is missing has no account. */
export interface BudgetScope {
  readonly module?: string
  readonly contract?: string
}

/** Why a reservation was refused; names the first account, then the first dimension, without room. */
export interface LimitExceeded {
  readonly code: 'governor.limit_exceeded'
  readonly account: string
  readonly dimension: BudgetDimension
  readonly period: BudgetPeriod
  readonly limit: number
  readonly used: number
  readonly held: number
  readonly requested: number
}

export class Account {
  readonly path: string
  readonly held: AmountVector = emptyVector()
  meters: readonly Meter[] = []
  private holds = 0

  constructor(path: string) {
    this.path = path
  }

  get persists(): boolean {
    return this.meters.some((meter) => meter.persists)
  }

  /** Puts limits in place; `stored` says what was used against each, by the meter's key. */
  setLimits(
    limits: readonly BudgetLimit[],
    timeZone: string,
    stored: ReadonlyMap<string, readonly WindowUse[]>,
  ): void {
    this.meters = limits
      .map((limit) => new Meter(this.path, limit, timeZone))
      .sort((a, b) => a.index - b.index)
    for (const meter of this.meters) meter.restore(stored.get(meter.key) ?? [])
  }

  /** The first limit that has no room for the amounts. */
  refuses(requested: AmountVector, now: number): LimitExceeded | undefined {
    for (const meter of this.meters) {
      const { index, limit } = meter
      const asked = requested[index] ?? 0
      if (asked === 0) continue
      const held = meter.persists || limit.dimension === 'concurrency_slots' ? (this.held[index] ?? 0) : 0
      const used = meter.usedAt(now)
      if (used + held + asked <= limit.limit) continue
      const { dimension, period } = limit
      return {
        code: 'governor.limit_exceeded',
        account: this.path,
        dimension,
        period,
        limit: limit.limit,
        used,
        held,
        requested: asked,
      }
    }
    return undefined
  }

  /** The lowest limit per call on a dimension; Infinity without one. */
  perCall(index: number): number {
    let lowest = Number.POSITIVE_INFINITY
    for (const { limit, index: at } of this.meters) {
      if (at === index && limit.period === 'call') lowest = Math.min(lowest, limit.limit)
    }
    return lowest
  }

  hold(amounts: AmountVector): void {
    this.holds += 1
    for (let index = 0; index < amounts.length; index += 1)
      this.held[index] = (this.held[index] ?? 0) + (amounts[index] ?? 0)
  }

  unhold(amounts: AmountVector): void {
    this.holds -= 1
    // With nothing held, nothing is: fractions need not cancel out to the last bit.
    if (this.holds === 0) this.held.fill(0)
    else
      for (let index = 0; index < amounts.length; index += 1)
        this.held[index] = (this.held[index] ?? 0) - (amounts[index] ?? 0)
  }
}

/** The accounts of a scope, shallowest first, with what depends on their limits worked out. */
export interface Lane {
  readonly label: string
  readonly accounts: readonly Account[]
  /** Whether any use on it must outlive the process. */
  persists: boolean
  /** Whether anything is limited at all. */
  limited: boolean
}

/** All accounts, made when they are first asked for. */
export class Accounts {
  private readonly byPath = new Map<string, Account>()
  private readonly lanes = new Map<string, Lane>()
  private budgets: Budgets
  private stored: ReadonlyMap<string, readonly WindowUse[]> = new Map()

  constructor(budgets: Budgets) {
    this.budgets = budgets
    this.addLimited()
  }

  lane(scope: BudgetScope): Lane {
    const label = `operator/module/${scope.module ?? '_'}/contract/${scope.contract ?? '_'}`
    const known = this.lanes.get(label)
    if (known !== undefined) return known
    const accounts = [this.account('operator', this.budgets.operator)]
    if (scope.module !== undefined) {
      const path = `operator/module/${scope.module}`
      accounts.push(this.account(path, limitsOf(this.budgets.modules, scope.module)))
      if (scope.contract !== undefined) {
        accounts.push(
          this.account(
            `${path}/contract/${scope.contract}`,
            limitsOf(this.budgets.contracts, scope.contract),
          ),
        )
      }
    }
    const lane: Lane = { label, accounts, persists: false, limited: false }
    judge(lane)
    this.lanes.set(label, lane)
    return lane
  }

  /** Puts other limits in place; holds stay, and what was used against a limit of the same period. */
  setBudgets(budgets: Budgets): void {
    this.stored = this.uses()
    this.apply(budgets)
  }

  /** Takes over what earlier processes used. */
  restore(uses: ReadonlyMap<string, readonly WindowUse[]>): void {
    this.stored = uses
    this.apply(this.budgets)
  }

  private apply(budgets: Budgets): void {
    this.budgets = budgets
    for (const account of this.byPath.values()) this.setLimits(account)
    this.addLimited()
    for (const lane of this.lanes.values()) judge(lane)
  }

  all(): Iterable<Account> {
    return this.byPath.values()
  }

  /** What is to be kept: every meter that persists, and what was kept of accounts not asked for yet. */
  uses(): Map<string, readonly WindowUse[]> {
    const uses = new Map<string, readonly WindowUse[]>(this.stored)
    for (const account of this.byPath.values()) {
      for (const meter of account.meters) if (meter.persists) uses.set(meter.key, meter.all())
    }
    return uses
  }

  /** Accounts that have limits are there from the start, so that their use is shown before a module runs. */
  private addLimited(): void {
    const { operator, modules } = this.budgets
    this.account('operator', operator)
    for (const [name, limits] of Object.entries(modules)) this.account(`operator/module/${name}`, limits)
  }

  private account(path: string, limits: readonly BudgetLimit[]): Account {
    const known = this.byPath.get(path)
    if (known !== undefined) return known
    const account = new Account(path)
    account.setLimits(limits, this.budgets.timeZone, this.stored)
    this.byPath.set(path, account)
    return account
  }

  private setLimits(account: Account): void {
    const [, , module, , contract] = account.path.split('/')
    const { operator, modules, contracts, timeZone } = this.budgets
    const limits =
      contract !== undefined
        ? limitsOf(contracts, contract)
        : module !== undefined
          ? limitsOf(modules, module)
          : operator
    account.setLimits(limits, timeZone, this.stored)
  }
}

function judge(lane: Lane): void {
  lane.persists = lane.accounts.some((account) => account.persists)
  lane.limited = lane.accounts.some((account) => account.meters.length > 0)
}

function limitsOf(
  table: Readonly<Record<string, readonly BudgetLimit[]>>,
  name: string,
): readonly BudgetLimit[] {
  return Object.hasOwn(table, name) ? (table[name] ?? []) : []
}
