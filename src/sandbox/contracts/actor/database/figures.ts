/** What one instance did to its database, counted for people (spec actors-sql 18). */
import {
  shownStatementCharacters,
  slowStatementCharacters,
  slowStatementMs,
} from '../../../../shared/contracts/actor-limits.ts'
import type { ActorInfo } from '../../../../shared/contracts/actor.ts'

/** Slow statements that are remembered. */
const keptSlow = 50
/** Statements that are remembered whatever they took. */
const keptRecent = 60

type Recent = ActorInfo['recent'][number]

type Snapshot = Pick<
  ActorInfo,
  'reads' | 'writes' | 'rowsOut' | 'bytesOut' | 'refusals' | 'slow' | 'recent' | 'changeCount'
>

export class Figures {
  private readonly counts = { reads: 0, writes: 0, rowsOut: 0, bytesOut: 0, changeCount: 0 }
  private readonly refusals = new Map<string, number>()
  private readonly slow: { sql: string; ms: number; atMs: number }[] = []
  private readonly recent: Recent[] = []
  private notices: string[] = []

  /** A statement ended after `ms` at `atMs`, Unix time. A slow one is warned of, without its parameters. */
  statement(sql: string, isWrite: boolean, { ms, atMs, rows, code }: Omit<Recent, 'sql' | 'route'>): void {
    if (isWrite) {
      this.counts.writes += 1
      this.changed()
    } else {
      this.counts.reads += 1
    }
    this.remember({ sql: headOf(sql), route: isWrite ? 'write' : 'read', rows, ms, atMs, code })
    if (ms < slowStatementMs) return
    const head = sql.slice(0, slowStatementCharacters)
    this.notices.push(`slow statement, ${Math.round(ms)} ms: ${head}`)
    this.slow.push({ sql: head, ms, atMs })
    if (this.slow.length > keptSlow) this.slow.shift()
  }

  answer(rows: number, bytes: number): void {
    this.counts.rowsOut += rows
    this.counts.bytesOut += bytes
  }

  /** A statement that was not run, by the rule that forbids it. */
  refusal(rule: string, sql: string, atMs: number): void {
    this.refusals.set(rule, (this.refusals.get(rule) ?? 0) + 1)
    const code = 'sqlite.statement_refused'
    this.remember({ sql: headOf(sql), route: 'refused', rows: 0, ms: 0, atMs, code })
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

  private remember(statement: Recent): void {
    this.recent.push(statement)
    if (this.recent.length > keptRecent) this.recent.shift()
  }

  snapshot(): Snapshot {
    return {
      ...this.counts,
      refusals: Object.fromEntries(this.refusals),
      slow: [...this.slow],
      recent: [...this.recent],
    }
  }
}

/** The first characters, on their own: part of a long text would keep the whole in memory. */
function headOf(sql: string): string {
  if (sql.length <= shownStatementCharacters) return sql
  return Buffer.from(sql.slice(0, shownStatementCharacters), 'utf8').toString('utf8')
}
