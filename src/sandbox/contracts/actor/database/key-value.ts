/** Small blobs beside the tables, in a table of the host (spec actors-sql 7, 9.6). Key order is that of their bytes. */
import type { SqlLimits } from '../../../../shared/contracts/actor-limits.ts'
import { prefixEnd } from '../../../../shared/store/schema.ts'
import type { Connection, PreparedStatement } from './connection.ts'
import { limitFault } from './statements/parameters.ts'

const texts = {
  get: 'SELECT value FROM _paddock_key_value WHERE key = ?',
  set: 'INSERT INTO _paddock_key_value(key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  delete: 'DELETE FROM _paddock_key_value WHERE key = ?',
  keysFrom: 'SELECT key FROM _paddock_key_value WHERE key >= ? AND key > ? ORDER BY key LIMIT ?',
  keysBetween:
    'SELECT key FROM _paddock_key_value WHERE key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?',
} as const

export class KeyValue {
  private readonly connection: Connection
  private readonly limits: SqlLimits
  private readonly prepared = new Map<string, PreparedStatement>()

  constructor(connection: Connection, limits: SqlLimits) {
    this.connection = connection
    this.limits = limits
  }

  /** The value, a copy, or undefined. */
  get(key: string): Uint8Array | undefined {
    return this.statement('get').get(this.bytesOf(key)) as Uint8Array | undefined
  }

  set(key: string, value: Uint8Array): void {
    const { keyValueBytes } = this.limits
    const bytes = this.bytesOf(key)
    if (value.byteLength > keyValueBytes) throw limitFault('key-value-bytes', keyValueBytes, value.byteLength)
    this.statement('set').run(bytes, value)
  }

  /** True when the key existed. */
  delete(key: string): boolean {
    return this.statement('delete').run(this.bytesOf(key)).changes > 0
  }

  keys(prefix: string, after: string | undefined, limit: number): string[] {
    const { listing } = this.limits
    // Below zero the engine would know no limit at all.
    if (!(limit >= 0 && limit <= listing)) throw limitFault('listing', listing, Math.max(0, limit))
    const from = this.bytesOf(prefix)
    const end = prefixEnd(from)
    // Every key but the empty one comes after no bytes at all.
    const start = after === undefined ? null : this.bytesOf(after)
    const rows = this.listed(from, start, end, limit)
    return rows.map((key) => Buffer.from(key).toString('utf8'))
  }

  private listed(
    from: Buffer,
    after: Buffer | null,
    end: Uint8Array | undefined,
    limit: number,
  ): Uint8Array[] {
    // A number sorts before every blob, so it is the lower bound that leaves nothing out.
    const behind = after ?? 0
    const found =
      end === undefined
        ? this.statement('keysFrom').all(from, behind, limit)
        : this.statement('keysBetween').all(from, behind, end, limit)
    return found as Uint8Array[]
  }

  private bytesOf(key: string): Buffer {
    const bytes = Buffer.from(key, 'utf8')
    const { keyBytes } = this.limits
    if (bytes.byteLength > keyBytes) throw limitFault('key-bytes', keyBytes, bytes.byteLength)
    return bytes
  }

  private statement(name: keyof typeof texts): PreparedStatement {
    const known = this.prepared.get(name)
    if (known !== undefined) return known
    const statement = this.connection.prepare(texts[name])
    if (statement.reader) statement.pluck()
    this.prepared.set(name, statement)
    return statement
  }
}
