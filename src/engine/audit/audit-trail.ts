/** Who granted, signed, approved and was denied what: kept across starts, bounded, never changed afterwards. */
import { fitsAudit } from '../../shared/domain/audit.ts'
import type { AuditEntry, AuditFilter, AuditKind, AuditPage } from '../../shared/domain/audit.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import { AuditSegments } from './segments.ts'

/** Denied calls of one function are told at once, then counted for this long. */
const denialWindowMs = 60_000
/** Entries that may wait for the disk. */
const maxUnwritten = 4_096
const maxText = 512

export interface NewAuditEntry {
  readonly kind: AuditKind
  readonly module: string | null
  readonly verdict: AuditEntry['verdict']
  readonly text: string
  readonly capability?: string
  readonly account?: string
  readonly method?: string
  readonly digest?: string
}

export interface AuditTrailOptions {
  readonly directory: string
  readonly clock: Clock
  /** The trail cannot be written or read; nothing stops for it, but the operator should know. */
  readonly onWarning: (error: ErrorReport) => void
}

interface Denials {
  readonly entry: NewAuditEntry
  count: number
  readonly cancel: () => void
}

export class AuditTrail {
  private readonly options: AuditTrailOptions
  private readonly segments: AuditSegments
  private readonly denials = new Map<string, Denials>()
  private readonly listeners = new Set<(entry: AuditEntry) => void>()
  private nextId = 0
  private unwritten: AuditEntry[] = []
  private isOpen = false
  private writing: Promise<void> = Promise.resolve()

  constructor(options: AuditTrailOptions) {
    this.options = options
    this.segments = new AuditSegments(options.directory)
  }

  /** Goes on behind what is kept. Never rejects. */
  async open(): Promise<void> {
    try {
      this.nextId = (await this.segments.open()) + 1
      this.isOpen = true
    } catch (error) {
      this.options.onWarning(toErrorReport(error, 'store.io'))
    }
  }

  record(entry: NewAuditEntry, count = 1): void {
    const full: AuditEntry = {
      id: this.nextId++,
      time: Math.max(0, this.options.clock.now()),
      kind: entry.kind,
      module: entry.module,
      capability: entry.capability?.slice(0, 64) ?? null,
      account: entry.account?.slice(0, 42).toLowerCase() ?? null,
      method: entry.method?.slice(0, 64) ?? null,
      digest: entry.digest?.slice(0, 66) ?? null,
      verdict: entry.verdict,
      text: entry.text.slice(0, maxText),
      count,
    }
    for (const listener of this.listeners) listener(full)
    if (!this.isOpen) return
    if (this.unwritten.length >= maxUnwritten) {
      this.options.onWarning(
        new PaddockError(
          'store.busy',
          'The audit trail cannot keep up; entries are missing from it.',
        ).toReport(),
      )
      return
    }
    this.unwritten.push(full)
    if (this.unwritten.length === 1) this.writing = this.writing.then(() => this.write())
  }

  /** A call that was refused: told at once, and then once a minute with its count while it goes on. */
  denied(module: string, capability: string, method: string, text: string): void {
    const key = JSON.stringify([module, capability, method.slice(0, 64)])
    const known = this.denials.get(key)
    if (known !== undefined) {
      known.count += 1
      return
    }
    const entry: NewAuditEntry = { kind: 'denied', module, capability, method, verdict: 'denied', text }
    this.record(entry)
    const cancel = this.options.clock.after(denialWindowMs, () => this.endWindow(key))
    this.denials.set(key, { entry, count: 0, cancel })
  }

  /** A page, newest first; `before` is exclusive, null for the newest. Throws `store.io`. */
  async query(filter: AuditFilter, before: number | null, limit: number): Promise<AuditPage> {
    await this.writing
    const entries = await this.segments.read(before ?? Number.POSITIVE_INFINITY, limit + 1, (entry) =>
      fitsAudit(entry, filter),
    )
    return { entries: entries.slice(0, limit), more: entries.length > limit }
  }

  /** Told of every entry as it is made. */
  onRecord(listener: (entry: AuditEntry) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Writes what waits. Never rejects. */
  async close(): Promise<void> {
    for (const key of [...this.denials.keys()]) this.endWindow(key)
    await this.writing
    this.isOpen = false
  }

  private endWindow(key: string): void {
    const known = this.denials.get(key)
    if (known === undefined) return
    known.cancel()
    this.denials.delete(key)
    if (known.count > 0) this.record(known.entry, known.count)
  }

  private async write(): Promise<void> {
    const entries = this.unwritten
    this.unwritten = []
    try {
      await this.segments.append(entries)
    } catch (error) {
      this.options.onWarning(toErrorReport(error, 'store.io'))
    }
  }
}
