/** Content and feeds kept on this machine, bounded (spec nexum-host 8.9). Content thread only. */
import { randomBytes } from 'node:crypto'
import type Database from 'better-sqlite3'
import { PaddockError } from '../../../../shared/errors.ts'
import { openCapabilityDatabase } from '../../threads/database-thread.ts'
import type { StoredFeedUpdate } from './protocol.ts'

const schema = `
  CREATE TABLE IF NOT EXISTS content (
    reference BLOB NOT NULL UNIQUE,
    data BLOB NOT NULL,
    cost INTEGER NOT NULL,
    used INTEGER NOT NULL,
    pinned INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS content_by_use ON content (pinned, used);
  CREATE TABLE IF NOT EXISTS feed (
    owner BLOB NOT NULL,
    topic BLOB NOT NULL,
    position INTEGER NOT NULL,
    identifier BLOB NOT NULL,
    signature BLOB NOT NULL,
    payload BLOB NOT NULL,
    own INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (owner, topic)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS own_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS feed_by_use ON feed (own, used);
`

const pageBytes = 4_096
/** Disk that one feed takes at most, its newest update with its keys. */
const feedCost = 2 * pageBytes

/** Pages that a row of this many bytes takes, in bytes. */
export function contentCost(bytes: number): number {
  return pageBytes * (1 + Math.ceil((bytes + 256) / (pageBytes - 4)))
}

interface ContentRow {
  readonly data: Buffer
}

interface FeedRow {
  readonly position: bigint
  readonly identifier: Buffer
  readonly signature: Buffer
  readonly payload: Buffer
}

export class ContentDatabase {
  private readonly database: Database.Database
  private readonly maxBytes: number
  private contentBytes: number
  private feeds: number
  /** Orders uses; ascending across starts. */
  private uses: number

  /** `maxBytes` bounds the file; a quarter of it at most is of feeds. */
  constructor(file: string, maxBytes: number) {
    this.database = openCapabilityDatabase(file, schema)
    this.maxBytes = maxBytes
    this.contentBytes = 0
    this.feeds = 0
    this.measure()
    this.uses = Math.max(
      this.number('SELECT coalesce(max(used), 0) FROM content'),
      this.number('SELECT coalesce(max(used), 0) FROM feed'),
    )
    this.makeRoom(0)
  }

  get usedBytes(): number {
    return this.contentBytes + this.feeds * feedCost
  }

  /** Keeps content; what was used longest ago goes, pinned content last. Throws `store.full` where it never fits. */
  put(reference: Uint8Array, data: Uint8Array, pinned: boolean): void {
    const cost = contentCost(data.length)
    const held = this.database
      .prepare('UPDATE content SET used = ?, pinned = max(pinned, ?) WHERE reference = ?')
      .run(this.nextUse(), Number(pinned), reference)
    if (held.changes > 0) return
    if (cost > this.maxBytes - this.feeds * feedCost) {
      throw new PaddockError('store.full', 'The content is larger than the room for content on this machine.')
    }
    this.changing(() => {
      this.makeRoom(cost)
      this.database
        .prepare('INSERT INTO content (reference, data, cost, used, pinned) VALUES (?, ?, ?, ?, ?)')
        .run(reference, data, cost, this.nextUse(), Number(pinned))
      this.contentBytes += cost
    })
    this.database.pragma('incremental_vacuum')
  }

  get(reference: Uint8Array): Uint8Array | null {
    const row = this.database.prepare('SELECT data FROM content WHERE reference = ?').get(reference) as
      ContentRow | undefined
    if (row === undefined) return null
    this.database.prepare('UPDATE content SET used = ? WHERE reference = ?').run(this.nextUse(), reference)
    return row.data
  }

  /** Lets go of content, for instance because it is damaged. */
  remove(reference: Uint8Array): void {
    const row = this.database
      .prepare('DELETE FROM content WHERE reference = ? RETURNING cost')
      .get(reference) as { cost: number } | undefined
    this.contentBytes -= row?.cost ?? 0
  }

  /** Whether content of this reference is held; if so it is pinned or not from now on. */
  pin(reference: Uint8Array, pinned: boolean): boolean {
    const statement = this.database.prepare('UPDATE content SET pinned = ? WHERE reference = ?')
    return statement.run(Number(pinned), reference).changes > 0
  }

  /** The newest update of a feed. */
  feed(owner: Uint8Array, topic: Uint8Array): StoredFeedUpdate | null {
    const row = this.database
      .prepare('SELECT position, identifier, signature, payload FROM feed WHERE owner = ? AND topic = ?')
      .safeIntegers()
      .get(owner, topic) as FeedRow | undefined
    if (row === undefined) return null
    this.database
      .prepare('UPDATE feed SET used = ? WHERE owner = ? AND topic = ?')
      .run(this.nextUse(), owner, topic)
    return { index: row.position, identifier: row.identifier, signature: row.signature, payload: row.payload }
  }

  /** Keeps an update unless a newer one is held. Throws `store.full` when the room for feeds is taken by own ones. */
  putFeed(owner: Uint8Array, topic: Uint8Array, update: StoredFeedUpdate, own: boolean): void {
    this.changing(() => {
      const held = this.database.prepare('SELECT position FROM feed WHERE owner = ? AND topic = ?')
      if (held.get(owner, topic) === undefined) this.makeRoomForFeed()
      const { changes } = this.database
        .prepare(
          `INSERT INTO feed (owner, topic, position, identifier, signature, payload, own, used)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (owner, topic) DO UPDATE SET position = excluded.position, identifier = excluded.identifier,
             signature = excluded.signature, payload = excluded.payload, own = excluded.own, used = excluded.used
           WHERE excluded.position > feed.position`,
        )
        .run(
          owner,
          topic,
          update.index,
          update.identifier,
          update.signature,
          update.payload,
          Number(own),
          this.nextUse(),
        )
      if (changes > 0) this.feeds = this.number('SELECT count(*) FROM feed')
    })
  }

  /** Signs feeds of this machine that no network needs to trust; made with the first use. */
  ownKey(): Uint8Array {
    this.database.prepare('INSERT OR IGNORE INTO own_key (one, key) VALUES (1, ?)').run(randomBytes(32))
    return this.database.prepare('SELECT key FROM own_key').pluck().get() as Buffer
  }

  close(): void {
    this.database.close()
  }

  private makeRoomForFeed(): void {
    if ((this.feeds + 1) * feedCost > this.maxBytes / 4) {
      const evicted = this.database
        .prepare(
          'DELETE FROM feed WHERE rowid = (SELECT rowid FROM feed WHERE own = 0 ORDER BY used LIMIT 1)',
        )
        .run()
      if (evicted.changes === 0) {
        throw new PaddockError('store.full', 'The room for feeds on this machine is taken.')
      }
      this.feeds -= 1
    }
    this.makeRoom(feedCost)
  }

  /** Evicts content until `bytes` more fit: least recently used first, pinned content last. */
  private makeRoom(bytes: number): void {
    const oldest = this.database.prepare('SELECT reference FROM content ORDER BY pinned, used LIMIT 1')
    while (this.usedBytes + bytes > this.maxBytes) {
      const row = oldest.get() as { reference: Buffer } | undefined
      if (row === undefined) return
      this.remove(row.reference)
    }
  }

  /** One transaction. What it counted is counted anew when it is taken back, for instance by a full disk. */
  private changing(work: () => void): void {
    try {
      this.database.transaction(work)()
    } catch (error) {
      this.measure()
      throw error
    }
  }

  private measure(): void {
    this.contentBytes = this.number('SELECT coalesce(sum(cost), 0) FROM content')
    this.feeds = this.number('SELECT count(*) FROM feed')
  }

  private nextUse(): number {
    this.uses += 1
    return this.uses
  }

  private number(sql: string): number {
    return Number(this.database.prepare(sql).pluck().get())
  }
}
