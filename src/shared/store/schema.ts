/**
 * The layout of a module's store: one SQLite file per module (DESIGN.md, "Data on its way").
 *
 * The guest's namespace is the table `entries` alone; what the host notes lies in `host_*`, outside of
 * the namespace and its quota (spec nexum-host 8.5). Texts only, so that the sandbox that writes and
 * the engine that browses read-only share one truth.
 */

/** "PDKS" in the file's header: tells a store from any other SQLite file. */
export const storeApplicationId = 0x5044_4b53

/** Numbered steps, forward only, each run once in a transaction; the file's `user_version` counts them. */
export const storeMigrations: readonly string[] = [
  // Without a row id the table is the index, ordered by the key's bytes (BLOBs compare as memcmp does).
  `CREATE TABLE entries (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE host_meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE host_progress (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
]

/** Cost of an entry besides its key and value, in bytes (spec nexum-host 8.5). */
export const entryOverheadBytes = 64
/** Longest key, in UTF-8 bytes (spec nexum-host 8.5). */
export const maxKeyBytes = 4_096

export const storeStatements = {
  getValue: 'SELECT value FROM entries WHERE key = ?',
  getValueLength: 'SELECT length(value) FROM entries WHERE key = ?',
  set: 'INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  delete: 'DELETE FROM entries WHERE key = ?',
  listKeysFrom: 'SELECT key FROM entries WHERE key >= ? ORDER BY key',
  listKeysBetween: 'SELECT key FROM entries WHERE key >= ? AND key < ? ORDER BY key',
  /** For browsing: bounds as bytes, then how many. Values come as their size and first bytes. */
  browseFrom:
    'SELECT key, length(value) AS size, substr(value, 1, 256) AS head FROM entries WHERE key >= ? ORDER BY key LIMIT ?',
  browseBetween:
    'SELECT key, length(value) AS size, substr(value, 1, 256) AS head FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?',
  totals: `SELECT count(*) AS entries, coalesce(sum(${entryOverheadBytes} + length(key) + length(value)), 0) AS bytes FROM entries`,
  getMeta: 'SELECT value FROM host_meta WHERE name = ?',
  setMeta:
    'INSERT INTO host_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  getProgress: 'SELECT name, value FROM host_progress ORDER BY name',
  setProgress:
    'INSERT INTO host_progress (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
} as const

/**
 * Names in `host_progress`: the last committed sequence number, and the position of each event source.
 * One table, so that noting both touches one page: it is done in every transaction.
 */
export const sequenceProgress = 'sequence'
export const cursorProgressPrefix = 'cursor:'

/** The name in `host_meta` under which the owner's module name stands. */
export const storeOwnerMeta = 'module'

/**
 * The first byte string after everything that starts with `prefix`, or undefined when there is no bound.
 * UTF-8 holds no byte 0xff, so counting up the last byte never carries.
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array | undefined {
  const last = prefix.at(-1)
  if (last === undefined || last === 0xff) return undefined
  // Never slice(): a Node Buffer's is a view of the same bytes.
  const end = new Uint8Array(prefix)
  end[end.length - 1] = last + 1
  return end
}
