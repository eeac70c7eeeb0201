/**
 * Keeps the ledger while the engine runs: what changed is gathered and written in one go, a few times a second at most
 * and never on the caller's way. A hold that opened and closed between two writes is never written at all.
 *
 * A write that fails is tried again, from 1 s to 60 s apart; meanwhile nothing is forgotten and no costed work begins
 * (spec tools 10, 12).
 */
import { PaddockError, toErrorReport, type ErrorCode, type ErrorReport } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import type { JournalLine, LedgerContent, LedgerStorage, StoredHold } from './ledger-files.ts'
import type { Meter, WindowUse } from './meter.ts'

const writeEveryMs = 200
const firstRetryMs = 1_000
const lastRetryMs = 60_000
/** Lines after which the journal is folded into a snapshot. */
const maxJournalLines = 5_000

export type SettlementPhase = 'reconcile' | 'release'

export interface LedgerOptions {
  readonly clock: Clock
  /** Null keeps nothing beyond the process. */
  readonly storage: LedgerStorage | null
  /** Everything that is to be kept, for a snapshot. */
  readonly uses: () => ReadonlyMap<string, readonly WindowUse[]>
  /** A settlement that could not be written yet; it will be (spec tools 10: id, phase and class of the error only). */
  readonly onDeferred: (id: string, phase: SettlementPhase, errorClass: ErrorCode) => void
  /** Whether budgets can be kept changed; the error says why not. */
  readonly onStanding: (error: ErrorReport | null) => void
}

type Standing =
  | { readonly kind: 'closed' }
  | { readonly kind: 'ready' }
  /** Writing fails; it is tried again. */
  | { readonly kind: 'failing'; readonly error: ErrorReport }
  /** Damaged or newer: only the operator can mend it. */
  | { readonly kind: 'unusable'; readonly error: ErrorReport }

interface Settlement {
  readonly id: string
  readonly phase: SettlementPhase
  reported: boolean
}

export class Ledger {
  private readonly options: LedgerOptions
  private standing: Standing = { kind: 'closed' }
  private currentEpoch = 0
  private readonly changed = new Set<Meter>()
  private readonly open = new Map<string, StoredHold>()
  private readonly fresh = new Set<string>()
  private readonly ended = new Set<string>()
  private settlements: Settlement[] = []
  /** Settlements that are being written. */
  private inFlight = new Set<string>()
  private needsSnapshot = true
  private journalLines = 0
  private writing: Promise<void> | undefined
  private aside: Promise<void> = Promise.resolve()
  private cancelTimer: (() => void) | undefined
  private retryMs = firstRetryMs
  private lastAttempt = Number.NEGATIVE_INFINITY

  constructor(options: LedgerOptions) {
    this.options = options
  }

  /** Number of this start of the engine among all. */
  get epoch(): number {
    return this.currentEpoch
  }

  /** Why costed work must wait; null when it need not. */
  get fault(): ErrorReport | null {
    const { standing } = this
    switch (standing.kind) {
      case 'ready':
        return null
      case 'closed':
        return new PaddockError('governor.ledger_unusable', 'The budget ledger is not open.').toReport()
      default:
        return standing.error
    }
  }

  /** Reads what was kept and begins a new epoch; answers what was held by earlier ones. Never rejects. */
  async start(
    restore: (uses: ReadonlyMap<string, readonly WindowUse[]>) => void,
  ): Promise<readonly StoredHold[]> {
    const { storage } = this.options
    let kept: LedgerContent | null = null
    try {
      kept = storage === null ? null : await storage.read()
    } catch (error) {
      this.stand({ kind: 'unusable', error: toErrorReport(error, 'governor.ledger_unusable') })
      return []
    }
    this.currentEpoch = (kept?.epoch ?? 0) + 1
    if (kept !== null) restore(kept.uses)
    this.stand({ kind: 'ready' })
    // A new epoch has to be on disk before anything can be held under it.
    if (kept !== null) await this.write()
    return kept?.holds ?? []
  }

  /** Sets a ledger that cannot be used aside and begins an empty one. Throws `store.*`. */
  async startAnew(): Promise<void> {
    if (this.standing.kind !== 'unusable') return
    await this.options.storage?.setAside(`aside-${this.options.clock.now()}`)
    this.currentEpoch += 1
    this.needsSnapshot = true
    this.stand({ kind: 'ready' })
    await this.write()
  }

  /** Something was used. */
  touch(meter: Meter): void {
    if (this.options.storage === null) return
    this.changed.add(meter)
    this.schedule()
  }

  holdOpened(hold: StoredHold): void {
    if (this.options.storage === null) return
    this.open.set(hold.id, hold)
    this.fresh.add(hold.id)
    this.schedule()
  }

  holdClosed(id: string, phase: SettlementPhase): void {
    if (this.options.storage === null) return
    this.open.delete(id)
    if (!this.fresh.delete(id)) this.ended.add(id)
    this.settlements.push({ id, phase, reported: false })
    this.schedule()
  }

  /**
   * Whether the settlement of a hold is on disk; writes it at once rather than with what gathers. False when it cannot be
   * written now: it is tried again, and its use is kept where a new start finds it (spec tools 10). Never rejects.
   */
  async whenWritten(id: string): Promise<boolean> {
    if (this.isWritten(id)) return true
    await this.writing
    if (!this.isWritten(id) && this.standing.kind === 'ready') await this.write()
    await this.aside
    return this.isWritten(id)
  }

  /** Tries again at once what failed, at most once a second: somebody wants to begin costed work. */
  retrySoon(): void {
    if (this.standing.kind !== 'failing') return
    if (this.options.clock.monotonicMs() - this.lastAttempt >= firstRetryMs) void this.write()
  }

  /** Writes what is not written yet and closes the files. Never rejects. */
  async close(): Promise<void> {
    this.cancelTimer?.()
    await this.writing
    if (this.hasNews || this.standing.kind === 'failing') await this.write()
    this.cancelTimer?.()
    this.cancelTimer = undefined
    await this.aside
    this.standing = { kind: 'closed' }
    await this.options.storage?.close().catch(() => undefined)
  }

  private schedule(): void {
    this.cancelTimer ??= this.options.clock.after(writeEveryMs, () => {
      this.cancelTimer = undefined
      void this.write()
    })
  }

  /** Whether nothing of the settlement waits to be written now. */
  isWritten(id: string): boolean {
    return !this.inFlight.has(id) && !this.settlements.some((settlement) => settlement.id === id)
  }

  private get hasNews(): boolean {
    return this.changed.size + this.fresh.size + this.ended.size + this.settlements.length > 0
  }

  private write(): Promise<void> {
    if (this.standing.kind === 'closed' || this.standing.kind === 'unusable') return Promise.resolve()
    this.writing ??= this.writeNow().finally(() => {
      this.writing = undefined
      if (this.standing.kind === 'ready' && this.hasNews) this.schedule()
    })
    return this.writing
  }

  private async writeNow(): Promise<void> {
    const { storage, clock } = this.options
    this.lastAttempt = clock.monotonicMs()
    const settled = this.settlements
    this.settlements = []
    this.inFlight = new Set(settled.map(({ id }) => id))
    const lines = this.takeLines()
    try {
      if (storage !== null) {
        if (this.needsSnapshot || this.journalLines + lines.length > maxJournalLines) {
          await storage.writeSnapshot({
            epoch: this.currentEpoch,
            uses: this.options.uses(),
            holds: [...this.open.values()],
          })
          this.journalLines = 0
        } else if (lines.length > 0) {
          await storage.append(lines)
          this.journalLines += lines.length
        }
      }
      this.needsSnapshot = false
      this.retryMs = firstRetryMs
      this.inFlight.clear()
      if (this.standing.kind === 'failing') this.stand({ kind: 'ready' })
    } catch (error) {
      this.inFlight.clear()
      this.failed(toErrorReport(error, 'store.io'), settled)
      this.putAside()
    }
  }

  /** A failed append may have written half a line: only a whole new snapshot mends that, and it holds everything. */
  private failed(error: ErrorReport, settled: Settlement[]): void {
    this.needsSnapshot = true
    this.settlements = [...settled, ...this.settlements]
    for (const settlement of this.settlements) {
      if (settlement.reported) continue
      settlement.reported = true
      this.options.onDeferred(settlement.id, settlement.phase, error.code)
    }
    if (this.standing.kind === 'ready') this.stand({ kind: 'failing', error })
    this.cancelTimer?.()
    this.cancelTimer = this.options.clock.after(this.retryMs, () => {
      this.cancelTimer = undefined
      void this.write()
    })
    this.retryMs = Math.min(2 * this.retryMs, lastRetryMs)
  }

  /** What could not be written is kept beside the ledger, so that an engine that ends now loses nothing of it. */
  private putAside(): void {
    const ended = this.settlements.map(({ id }) => id)
    if (ended.length === 0) return
    const { storage, uses } = this.options
    this.aside = this.aside.then(() => storage?.writeDeferred({ uses: uses(), ended }).catch(() => undefined))
  }

  private takeLines(): JournalLine[] {
    const lines: JournalLine[] = []
    for (const meter of this.changed) lines.push({ kind: 'use', key: meter.key, ...meter.current() })
    for (const id of this.fresh) {
      const hold = this.open.get(id)
      if (hold !== undefined) lines.push({ kind: 'hold', ...hold })
    }
    for (const id of this.ended) lines.push({ kind: 'end', id })
    this.changed.clear()
    this.fresh.clear()
    this.ended.clear()
    return lines
  }

  private stand(standing: Standing): void {
    this.standing = standing
    this.options.onStanding(standing.kind === 'ready' ? null : this.fault)
  }
}
