/**
 * Budgets: reserve before work, reconcile with what was used or release when nothing ran (spec tools 10, 12).
 *
 * Everything is decided in memory within one turn of the event loop, so no two reservations can both take the last
 * room. What must outlive the process follows on disk (`ledger.ts`); while it cannot, no costed work begins.
 */
import {
  budgetDimensions,
  noBudgets,
  type Budgets,
  type BudgetStanding,
} from '../../shared/domain/budgets.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import { Accounts, type BudgetScope, type Lane } from './account.ts'
import { isAmount, toVector, type Amounts, type AmountVector } from './amounts.ts'
import { asksApproval, warningsOf } from './denials.ts'
import type { Denial, GovernorEvent } from './events.ts'
import { Ledger } from './ledger.ts'
import type { LedgerStorage } from './ledger-files.ts'

/** Spec tools 12. */
export const sweepEveryMs = 30_000
/** How often an owner renews what it holds (spec tools 12). */
export const renewEveryMs = 10_000
/** Added to the longest wait and the deadline of the work (spec tools 12). */
export const lifetimeSlackMs = 30_000
/** Swept reservations whose late settlement is still counted. */
const sweptKept = 1_024

export interface GovernorOptions {
  readonly clock: Clock
  readonly storage: LedgerStorage | null
  readonly budgets?: Budgets
  readonly onEvent?: (event: GovernorEvent) => void
  /** Whether budgets can be kept changed. */
  readonly onStanding?: (error: ErrorReport | null) => void
}

/** Room that is held until it is settled, exactly once. */
export interface Reservation {
  readonly id: string
  readonly lane: Lane
  readonly amounts: AmountVector
  readonly since: number
  readonly lifetimeMs: number
  /** Whether the ledger was told of it. */
  readonly kept: boolean
  expiresAt: number
}

export interface ReserveOptions {
  /** A person agreed to go on past the share of a limit at which one is asked. */
  readonly approved?: boolean
}

export type Grant =
  | { readonly granted: true; readonly reservation: Reservation }
  | { readonly granted: false; readonly denial: Denial }

/** What a settlement added to the accounts. */
export interface Receipt {
  readonly id: string
  readonly used: Amounts
}

export class Governor {
  private readonly clock: Clock
  private readonly emit: (event: GovernorEvent) => void
  private readonly accounts: Accounts
  private readonly ledger: Ledger
  private readonly reservations = new Map<string, Reservation>()
  private readonly swept = new Map<string, Reservation>()
  private readonly roomListeners = new Set<() => void>()
  private nextId = 1
  private stopSweeping: () => void = () => undefined

  constructor(options: GovernorOptions) {
    this.clock = options.clock
    this.emit = options.onEvent ?? (() => undefined)
    this.accounts = new Accounts(options.budgets ?? noBudgets)
    this.ledger = new Ledger({
      clock: options.clock,
      storage: options.storage,
      uses: () => this.accounts.uses(),
      onDeferred: (id, phase, errorClass) => this.emit({ kind: 'deferred', id, phase, errorClass }),
      onStanding: (error) => {
        options.onStanding?.(error)
        if (error === null) this.roomMade()
      },
    })
  }

  /** Reservations that are not settled. */
  get open(): number {
    return this.reservations.size
  }

  /** Why costed work must wait; null when it need not. */
  get fault(): ErrorReport | null {
    return this.ledger.fault
  }

  /** Reads the ledger, sweeps what an engine that died had held, and sweeps on from here. Never rejects. */
  async start(): Promise<void> {
    const orphans = await this.ledger.start((uses) => this.accounts.restore(uses))
    for (const { id, account, since } of orphans) {
      this.emit({ kind: 'swept', id, scope: account, ageMs: Math.max(0, this.clock.now() - since) })
    }
    this.stopSweeping = this.clock.every(sweepEveryMs, () => this.sweep())
  }

  /** Writes what is not written yet. Never rejects. */
  async close(): Promise<void> {
    this.stopSweeping()
    await this.ledger.close()
  }

  /** Keeps a ledger that cannot be used aside and begins an empty one. Throws `store.*`. */
  startAnew(): Promise<void> {
    return this.ledger.startAnew()
  }

  /** Puts other limits in place. What was used against a limit of the same period still counts; another starts at 0. */
  setBudgets(budgets: Budgets): void {
    this.accounts.setBudgets(budgets)
    this.roomMade()
  }

  /** The accounts of a scope, to be kept by who reserves often. */
  lane(scope: BudgetScope): Lane {
    return this.accounts.lane(scope)
  }

  /**
   * Holds the estimate on every account of the scope, or says which has no room. The hold lasts `lifetimeMs` unless
   * renewed or settled. Throws `governor.invalid_estimate`.
   */
  reserve(
    scope: BudgetScope | Lane,
    estimate: Amounts,
    lifetimeMs: number,
    options: ReserveOptions = {},
  ): Grant {
    const lane = 'accounts' in scope ? scope : this.lane(scope)
    return this.reserveOn(lane, toVector(estimate), lifetimeMs, options)
  }

  /**
   * Gives an open reservation to another owner, once it is sure that it is for these accounts and holds as much. Throws
   * `governor.unknown_reservation`, `governor.reservation_closed`, `governor.reservation_mismatch`; nothing changes then.
   */
  takeOver(id: string, lane: Lane, estimate: Amounts): Reservation {
    const reservation = this.reservations.get(id)
    if (reservation === undefined) throw this.notOpen(id, null, false)
    const needed = toVector(estimate)
    if (
      reservation.lane.label !== lane.label ||
      needed.some((each, at) => each > (reservation.amounts[at] ?? 0))
    ) {
      throw new PaddockError('governor.reservation_mismatch', `Reservation ${id} is not for this work.`)
    }
    this.renew(id)
    return reservation
  }

  /** Whether nothing of the settlement waits to be written now. */
  isWritten(id: string): boolean {
    return this.ledger.isWritten(id)
  }

  /** Whether the settlement is on disk, where it must be; false when it is deferred: it counts, and is written later. */
  whenWritten(id: string): Promise<boolean> {
    return this.ledger.whenWritten(id)
  }

  /** `reserve` for those who have lane and vector at hand; the vector must not change while it is held. */
  reserveOn(lane: Lane, amounts: AmountVector, lifetimeMs: number, options: ReserveOptions = {}): Grant {
    const now = this.clock.now()
    const id = `${this.ledger.epoch}-${this.nextId++}`
    this.emit({ kind: 'requested', id, scope: lane.label })
    const denial =
      this.refusal(lane, amounts, now) ??
      (options.approved === true ? undefined : asksApproval(lane, amounts, now))
    if (denial !== undefined) {
      if (denial.code === 'governor.requires_approval') this.warnOf(id, lane, amounts, now)
      this.emit({ kind: 'denied', id, scope: lane.label, denial })
      return { granted: false, denial }
    }
    const kept = lane.persists
    const reservation: Reservation = {
      id,
      lane,
      amounts,
      since: now,
      lifetimeMs,
      kept,
      expiresAt: now + lifetimeMs,
    }
    this.reservations.set(id, reservation)
    for (const account of lane.accounts) account.hold(amounts)
    if (kept) this.ledger.holdOpened({ id, account: lane.label, epoch: this.ledger.epoch, since: now })
    this.emit({ kind: 'granted', id, scope: lane.label })
    if (lane.limited) this.warnOf(id, lane, amounts, now)
    return { granted: true, reservation }
  }

  /**
   * Ends a hold and counts what was used, also above the estimate. Throws `governor.unknown_reservation`,
   * `governor.reservation_closed` (a swept one is counted all the same) and `governor.invalid_estimate` (the estimate
   * then counts in place of the amount that is none).
   */
  reconcile(id: string, actual: Amounts): Receipt {
    const reservation = this.takeOut(id, 'reconcile', actual)
    const invalid = this.count(reservation, actual)
    this.emit({ kind: 'reconciled', id, scope: reservation.lane.label, actual })
    this.roomMade()
    if (invalid)
      throw new PaddockError('governor.invalid_estimate', `What reservation ${id} used is no amount.`)
    return { id, used: actual }
  }

  /** Ends a hold of which nothing was used. Throws `governor.unknown_reservation`, `governor.reservation_closed`. */
  release(id: string): Receipt {
    const reservation = this.takeOut(id, 'release', null)
    this.emit({ kind: 'released', id, scope: reservation.lane.label })
    this.roomMade()
    return { id, used: {} }
  }

  /** Says that the work still lives: its hold is not swept before another lifetime. Unknown ids change nothing. */
  renew(id: string): void {
    const reservation = this.reservations.get(id)
    if (reservation !== undefined) reservation.expiresAt = this.clock.now() + reservation.lifetimeMs
  }

  /** Whether `reserveOn` would grant it now; tells nobody. */
  hasRoom(lane: Lane, amounts: AmountVector): boolean {
    return this.refusal(lane, amounts, this.clock.now()) === undefined
  }

  /** Called when room may have come free: after a settlement, other limits, or a ledger that works again. */
  onRoom(listener: () => void): () => void {
    this.roomListeners.add(listener)
    return () => this.roomListeners.delete(listener)
  }

  /** Every limit and how it stands. */
  standings(): BudgetStanding[] {
    const now = this.clock.now()
    return [...this.accounts.all()].flatMap((account) =>
      account.meters.map((meter) => ({
        account: account.path,
        ...meter.limit,
        used: meter.usedAt(now),
        held: account.held[meter.index] ?? 0,
      })),
    )
  }

  private refusal(lane: Lane, amounts: AmountVector, now: number): Denial | undefined {
    if (!lane.limited) return undefined
    if (lane.persists && this.ledger.fault !== null) {
      this.ledger.retrySoon()
      return {
        code: 'governor.ledger_unusable',
        account: lane.accounts.find((each) => each.persists)?.path ?? 'operator',
      }
    }
    for (const account of lane.accounts) {
      const denial = account.refuses(amounts, now)
      if (denial !== undefined) return denial
    }
    return undefined
  }

  private warnOf(id: string, lane: Lane, amounts: AmountVector, now: number): void {
    for (const warning of warningsOf(lane, amounts, now)) {
      this.emit({ kind: 'warned', id, scope: lane.label, warning })
    }
  }

  private takeOut(id: string, phase: 'reconcile' | 'release', actual: Amounts | null): Reservation {
    const reservation = this.reservations.get(id)
    if (reservation === undefined) throw this.notOpen(id, actual)
    this.end(reservation, phase)
    return reservation
  }

  private end(reservation: Reservation, phase: 'reconcile' | 'release'): void {
    const { id, lane, amounts, kept } = reservation
    this.reservations.delete(id)
    for (const account of lane.accounts) account.unhold(amounts)
    if (kept) this.ledger.holdClosed(id, phase)
  }

  /** Counts what was used on every account; answers whether an amount was none. */
  private count(reservation: Reservation, actual: Amounts): boolean {
    const { lane, amounts } = reservation
    if (!lane.persists) return !Object.values(actual).every(isAmount)
    const now = this.clock.now()
    let invalid = false
    budgetDimensions.forEach((dimension, index) => {
      const given = actual[dimension] ?? 0
      const amount = isAmount(given) ? given : (amounts[index] ?? 0)
      invalid ||= !isAmount(given)
      if (amount === 0) return
      for (const account of lane.accounts) {
        for (const meter of account.meters) {
          if (meter.index !== index || !meter.persists) continue
          meter.add(now, amount)
          this.ledger.touch(meter)
        }
      }
    })
    return invalid
  }

  /** A late settlement of what was swept still counts (spec tools 12). */
  private notOpen(id: string, actual: Amounts | null, isLate = true): PaddockError {
    const late = this.swept.get(id)
    if (late !== undefined && isLate) {
      this.swept.delete(id)
      if (actual !== null) this.count(late, actual)
    }
    const [epoch, number] = id.split('-').map(Number)
    const issued = epoch === this.ledger.epoch && number !== undefined && number > 0 && number < this.nextId
    return issued
      ? new PaddockError('governor.reservation_closed', `Reservation ${id} is settled already.`)
      : new PaddockError('governor.unknown_reservation', `There is no reservation ${id}.`)
  }

  private sweep(): void {
    const now = this.clock.now()
    const expired = [...this.reservations.values()].filter(({ expiresAt }) => expiresAt <= now)
    for (const reservation of expired) {
      this.end(reservation, 'release')
      this.swept.set(reservation.id, reservation)
      const [oldest] = this.swept.keys()
      if (this.swept.size > sweptKept && oldest !== undefined) this.swept.delete(oldest)
      const { id, lane, since } = reservation
      this.emit({ kind: 'swept', id, scope: lane.label, ageMs: Math.max(0, now - since) })
    }
    if (expired.length > 0) this.roomMade()
  }

  private roomMade(): void {
    for (const listener of [...this.roomListeners]) listener()
  }
}
