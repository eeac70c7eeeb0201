/** Elements that a flow left, one SQLite file per store, bounded. Worker threads only. */
import type Database from 'better-sqlite3'
import type { HostElement } from '../../../../shared/contracts/flow.ts'
import { openCapabilityDatabase } from '../../../capabilities/threads/database-thread.ts'
import type { FlowStoreThreadData } from './protocol.ts'

const schema = `
  CREATE TABLE IF NOT EXISTS element (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
`

export class FlowDatabase {
  private readonly database: Database.Database
  private readonly bounds: FlowStoreThreadData
  private readonly insert: Database.Statement
  private count: number
  private size: number

  /** Opens or creates the file. Throws what SQLite throws. */
  constructor(file: string, bounds: FlowStoreThreadData) {
    this.database = openCapabilityDatabase(file, schema)
    this.bounds = bounds
    this.insert = this.database.prepare('INSERT INTO element (time, content_type, bytes) VALUES (?, ?, ?)')
    const held = this.database
      .prepare('SELECT count(*) AS count, coalesce(sum(length(bytes)), 0) AS size FROM element')
      .get() as { count: number; size: number }
    this.count = held.count
    this.size = held.size
  }

  append(elements: readonly HostElement[], nowMs: number): void {
    this.database.transaction(() => {
      for (const { bytes, contentType } of elements) {
        this.insert.run(nowMs, contentType, bytes)
        this.count += 1
        this.size += bytes.length
      }
      this.trim()
    })()
  }

  close(): void {
    this.database.close()
  }

  /** Removes a twentieth at once, so that it is rare. */
  private trim(): void {
    const { maxElements, maxBytes } = this.bounds
    if (this.count <= maxElements && this.size <= maxBytes) return
    const gone = Math.max(1, Math.ceil(this.count / 20))
    const removed = this.database
      .prepare(
        'DELETE FROM element WHERE id IN (SELECT id FROM element ORDER BY id LIMIT ?) RETURNING length(bytes) AS size',
      )
      .all(gone) as { size: number }[]
    this.count -= removed.length
    for (const { size } of removed) this.size -= size
  }
}
