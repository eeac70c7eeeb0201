/** What one instance did to its database, counted for people (spec actors-sql 18). */
import { slowStatementCharacters, slowStatementMs } from '../../../../shared/contracts/actor-limits.ts'
import type { ActorInfo } from '../../../../shared/contracts/actor.ts'

/** Slow statements that are remembered. */
const keptSlow = 50

type Snapshot = Pick<
  ActorInfo,
  'reads' | 'writes' | 'rowsOut' | 'bytesOut' | 'refusals' | 'slow' | 'changeCount'
>

export class Figures {
  private readonly counts = { reads: 0, writes: 0, rowsOut: 0, bytesOut: 0, changeCount: 0 }
  private readonly refusals = new Map<string, number>()
  private readonly slow: { sql: string; ms: number; atMs: number }[] = []
  private notices: string[] = []

  /** A statement ended after `ms`; `nowMs` tells Unix time. A slow one is warned of, without its parameters. */
  statement(sql: string, ms: number, isWrite: boolean, nowMs: () => number): void {
    if (isWrite) {
      this.counts.writes += 1
      this.changed()
    } else {
      this.counts.reads += 1
    }
    if (ms < slowStatementMs) return
    const head = sql.slice(0, slowStatementCharacters)
    this.notices.push(`slow statement, ${Math.round(ms)} ms: ${head}`)
    this.slow.push({ sql: head, ms, atMs: nowMs() })
    if (this.slow.length > keptSlow) this.slow.shift()
  }

  answer(rows: number, bytes: number): void {
    this.counts.rowsOut += rows
    this.counts.bytesOut += bytes
  }

  refusal(rule: string): void {
    this.refusals.set(rule, (this.refusals.get(rule) ?? 0) + 1)
  }

  changed(): void {
    this.counts.changeCount += 1
  }

  /** Lines for the log that nobody took yet. */
  takeNotices(): readonly string[] {
    const { notices } = this
    if (notices.length > 0) this.notices = []
    return notices
  }

  snapshot(): Snapshot {
    return { ...this.counts, refusals: Object.fromEntries(this.refusals), slow: [...this.slow] }
  }
}
