/** logs.db: every line of every module and of the engine, bounded, searchable. Telemetry thread only. */
import Database from 'better-sqlite3'
import type { LogFilter, LogRecord } from '../../shared/domain/log.ts'
import { logLevels } from '../../shared/domain/primitives.ts'
import type { LogPage } from './log-protocol.ts'

/** Lines kept; the oldest go first. */
const maxLines = 1_000_000
/** How many lines are removed at once, so that trimming is rare. */
const trimLines = 10_000

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY,
    module TEXT,
    level INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS log_by_module ON log (module, id);
`

interface Row {
  readonly body: string
}

export class LogDatabase {
  private readonly database: Database.Database
  private readonly insert: Database.Statement
  private sinceTrim = 0

  /** Opens or creates the file. Throws what SQLite throws. */
  constructor(path: string) {
    this.database = new Database(path)
    this.database.exec(schema)
    this.insert = this.database.prepare(
      'INSERT OR REPLACE INTO log (id, module, level, body) VALUES (?, ?, ?, ?)',
    )
  }

  lastId(): number {
    const row = this.database.prepare('SELECT max(id) AS id FROM log').get() as { id: number | null }
    return row.id ?? -1
  }

  append(records: readonly LogRecord[]): void {
    const write = this.database.transaction(() => {
      for (const record of records) {
        this.insert.run(record.id, record.module, logLevels.indexOf(record.level), JSON.stringify(record))
      }
    })
    write()
    this.sinceTrim += records.length
    if (this.sinceTrim >= trimLines) this.trim()
  }

  /** The newest `limit` lines before `before` that match, oldest first. */
  query(filter: LogFilter, before: number | null, limit: number): LogPage {
    const conditions: string[] = []
    const values: (string | number)[] = []
    if (before !== null) {
      conditions.push('id < ?')
      values.push(before)
    }
    if (filter.module !== undefined) {
      conditions.push('module = ?')
      values.push(filter.module)
    }
    if (filter.minLevel !== undefined) {
      conditions.push('level >= ?')
      values.push(logLevels.indexOf(filter.minLevel))
    }
    if (filter.text !== undefined && filter.text !== '') {
      conditions.push(
        "(instr(lower(json_extract(body, '$.message')), lower(?)) > 0 OR lower(json_extract(body, '$.span')) = lower(?))",
      )
      values.push(filter.text, filter.text)
    }
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const rows = this.database
      .prepare(`SELECT body FROM log ${where} ORDER BY id DESC LIMIT ?`)
      .all(...values, limit + 1) as Row[]
    const records = rows.slice(0, limit).map((row) => JSON.parse(row.body) as LogRecord)
    return { records: records.reverse(), more: rows.length > limit }
  }

  close(): void {
    this.database.close()
  }

  private trim(): void {
    this.sinceTrim = 0
    this.database
      .prepare('DELETE FROM log WHERE id <= (SELECT id FROM log ORDER BY id DESC LIMIT 1 OFFSET ?)')
      .run(maxLines)
  }
}
