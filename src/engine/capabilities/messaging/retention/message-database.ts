/** Messages kept for a while, by topic (spec nexum-host 8.10). Message thread only. */
import type Database from 'better-sqlite3'
import type { MessageEvent } from '../../../events/message-source.ts'
import { openCapabilityDatabase } from '../../threads/database-thread.ts'
import type { MessageQuery, MessageThreadData } from './protocol.ts'

const schema = `
  CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    sender BLOB,
    payload BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS message_by_topic ON message (topic, timestamp, id);
  CREATE INDEX IF NOT EXISTS message_by_time ON message (timestamp);
`

/** Bytes kept over all topics; beyond that the oldest go first, whatever their topic. */
export const maxRetainedBytes = 512 * 1024 * 1024
/** Beside its payload a message takes about this. */
const messageOverhead = 256
/** Messages dropped at once for want of room. */
const dropAtOnce = 64

/** Appends to one topic between two counts of it. */
const trimEvery = 64
const maxInteger = 2n ** 63n - 1n

interface Row {
  readonly timestamp: number
  readonly sender: Buffer | null
  readonly payload: Buffer
}

export class MessageDatabase {
  private readonly database: Database.Database
  private readonly limits: MessageThreadData
  private readonly maxBytes: number
  private bytes: number
  private readonly sinceTrim = new Map<string, number>()

  constructor(limits: MessageThreadData, maxBytes: number = maxRetainedBytes) {
    this.limits = limits
    this.maxBytes = maxBytes
    this.database = openCapabilityDatabase(limits.file, schema)
    this.bytes = this.measure()
  }

  append(message: MessageEvent, nowMs: number): void {
    try {
      this.appendNow(message, nowMs)
    } catch (error) {
      // What was taken back was counted already.
      this.bytes = this.measure()
      throw error
    }
  }

  private appendNow(message: MessageEvent, nowMs: number): void {
    const { contentTopic, timestampMs, sender, payload } = message
    this.database.transaction(() => {
      this.database
        .prepare('INSERT INTO message (topic, timestamp, sender, payload) VALUES (?, ?, ?, ?)')
        .run(contentTopic, timestampMs, sender, payload)
      this.bytes += payload.length + messageOverhead
      this.dropOld(nowMs)
      this.dropForRoom()
      const appended = (this.sinceTrim.get(contentTopic) ?? trimEvery) + 1
      if (appended >= trimEvery) this.trim(contentTopic)
      // A guest may name any number of topics; forgetting a count only means counting again.
      if (this.sinceTrim.size > 1_024) this.sinceTrim.clear()
      this.sinceTrim.set(contentTopic, appended >= trimEvery ? 0 : appended)
    })()
  }

  query({ contentTopic, startMs, endMs, limit }: MessageQuery, nowMs: number): MessageEvent[] {
    this.dropOld(nowMs)
    const kept = Math.min(limit, this.limits.maxMessages)
    const rows = this.database
      .prepare(
        `SELECT timestamp, sender, payload FROM message
         WHERE topic = ? AND timestamp >= ? AND timestamp <= ? ORDER BY timestamp DESC, id DESC LIMIT ?`,
      )
      .all(contentTopic, clamped(startMs), clamped(endMs), kept) as Row[]
    return rows
      .reverse()
      .map(({ timestamp, sender, payload }) => ({ contentTopic, payload, timestampMs: timestamp, sender }))
  }

  close(): void {
    this.database.close()
  }

  private dropOld(nowMs: number): void {
    const drop = this.database.prepare(
      'DELETE FROM message WHERE timestamp < ? RETURNING length(payload) AS size',
    )
    this.forget(drop.all(nowMs - this.limits.maxAgeMs))
  }

  /** Counted by what went: to count all that stays takes as long as there are messages. */
  private forget(rows: readonly unknown[]): number {
    for (const { size } of rows as readonly { readonly size: number }[]) this.bytes -= size + messageOverhead
    return rows.length
  }

  private dropForRoom(): void {
    if (this.bytes <= this.maxBytes) return
    const drop = this.database.prepare(
      'DELETE FROM message WHERE id IN (SELECT id FROM message ORDER BY timestamp, id LIMIT ?) RETURNING length(payload) AS size',
    )
    while (this.bytes > this.maxBytes) if (this.forget(drop.all(dropAtOnce)) === 0) return
  }

  private measure(): number {
    return Number(
      this.database
        .prepare('SELECT coalesce(sum(length(payload) + ?), 0) FROM message')
        .pluck()
        .get(messageOverhead),
    )
  }

  private trim(topic: string): void {
    const drop = this.database.prepare(
      `DELETE FROM message WHERE id IN (
         SELECT id FROM message WHERE topic = ? ORDER BY timestamp DESC, id DESC LIMIT -1 OFFSET ?)
       RETURNING length(payload) AS size`,
    )
    this.forget(drop.all(topic, this.limits.maxMessages))
  }
}

function clamped(value: bigint): bigint {
  return value > maxInteger ? maxInteger : value
}
