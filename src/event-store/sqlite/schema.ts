/** The layout of an event store in SQLite (spec decider 12): one file per module name. */

/** "PDKE" in the file's header: tells an event store from any other SQLite file. */
export const eventStoreApplicationId = 0x5044_4b45

/** Numbered steps, forward only, each run once in a transaction; the file's `user_version` counts them. */
export const eventStoreMigrations: readonly string[] = [
  `CREATE TABLE streams(id INTEGER PRIMARY KEY, module TEXT NOT NULL, stream_id TEXT NOT NULL,
  revision INTEGER NOT NULL CHECK(revision > 0), last_position INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE(module, stream_id)) STRICT;
CREATE TABLE events(position INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL REFERENCES streams(id),
  revision INTEGER NOT NULL CHECK(revision > 0), event_id BLOB NOT NULL UNIQUE CHECK(length(event_id) = 16),
  type TEXT NOT NULL CHECK(type <> ''), payload BLOB NOT NULL, headers TEXT NOT NULL DEFAULT '{}',
  batch_index INTEGER NOT NULL, batch_size INTEGER NOT NULL CHECK(batch_size > 0 AND batch_index < batch_size),
  recorded_at INTEGER NOT NULL, UNIQUE(stream, revision)) STRICT;
CREATE INDEX events_type ON events(type, position);
CREATE TABLE commands(command_id BLOB PRIMARY KEY CHECK(length(command_id) = 16), fingerprint BLOB NOT NULL,
  command_type TEXT NOT NULL, stream INTEGER NOT NULL REFERENCES streams(id), first_revision INTEGER NOT NULL,
  last_revision INTEGER NOT NULL, last_position INTEGER NOT NULL, module_version TEXT NOT NULL,
  recorded_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE snapshots(stream INTEGER NOT NULL REFERENCES streams(id), module_version TEXT NOT NULL,
  artifact BLOB NOT NULL, revision INTEGER NOT NULL, payload BLOB NOT NULL, taken_at INTEGER NOT NULL,
  PRIMARY KEY(stream, module_version)) STRICT, WITHOUT ROWID;
CREATE TABLE projections(name TEXT PRIMARY KEY, position INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL, error TEXT) STRICT;
CREATE TRIGGER events_immutable BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are immutable'); END;
CREATE TRIGGER events_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;`,
]

const eventColumns =
  'e.position, s.stream_id, e.revision, e.event_id, e.type, e.payload, e.headers, e.batch_index, e.batch_size, e.recorded_at'
const fromEvents = `SELECT ${eventColumns} FROM events e JOIN streams s ON s.id = e.stream`
const commandColumns = `lower(hex(c.command_id)) AS id, lower(hex(c.fingerprint)) AS fingerprint, c.command_type AS type,
  s.stream_id AS streamId, c.first_revision AS firstRevision, c.last_revision AS lastRevision,
  c.last_position AS lastPosition, c.module_version AS moduleVersion, c.recorded_at AS recordedAt`
const fromCommands = `SELECT ${commandColumns} FROM commands c JOIN streams s ON s.id = c.stream`
const headColumns = `stream_id AS streamId, revision, last_position AS lastPosition, created_at AS createdAt, updated_at AS updatedAt`

export const eventStatements = {
  owner: 'SELECT module FROM streams LIMIT 1',
  stream: `SELECT id, ${headColumns} FROM streams WHERE module = ? AND stream_id = ?`,
  streamsAfter: `SELECT ${headColumns} FROM streams WHERE module = ? AND stream_id > ? AND stream_id >= ? ORDER BY stream_id LIMIT ?`,
  streamsBetween: `SELECT ${headColumns} FROM streams WHERE module = ? AND stream_id > ? AND stream_id >= ? AND stream_id < CAST(? AS TEXT) ORDER BY stream_id LIMIT ?`,
  events: `SELECT position, ? AS stream_id, revision, event_id, type, payload, headers, batch_index, batch_size, recorded_at
    FROM events WHERE stream = ? AND revision >= ? AND revision <= ? ORDER BY revision LIMIT ?`,
  feed: `${fromEvents} WHERE e.position > ? ORDER BY e.position LIMIT ?`,
  feedOfType: `${fromEvents} WHERE e.type = ? AND e.position > ? ORDER BY e.position LIMIT ?`,
  feedOfStream: `${fromEvents} WHERE e.stream = ? AND e.revision >
    coalesce((SELECT revision FROM events WHERE stream = ? AND position <= ? ORDER BY revision DESC LIMIT 1), 0)
    ORDER BY e.revision`,
  command: `${fromCommands} WHERE c.command_id = ?`,
  commandOfEvent: `${fromCommands} WHERE c.stream = ? AND c.first_revision <= ? AND c.last_revision >= ?`,
  commandsAll: `${fromCommands} ORDER BY c.last_position`,
  snapshot:
    'SELECT lower(hex(artifact)) AS artifact, revision, payload, taken_at AS takenAt FROM snapshots WHERE stream = ? AND module_version = ?',
  snapshotsOf:
    'SELECT module_version AS moduleVersion, lower(hex(artifact)) AS artifact, revision, length(payload) AS sizeBytes, taken_at AS takenAt FROM snapshots WHERE stream = ? ORDER BY module_version',
  projection: 'SELECT name, position, updated_at AS updatedAt, error FROM projections WHERE name = ?',
  projections: 'SELECT name, position, updated_at AS updatedAt, error FROM projections ORDER BY name',
  lastPosition: 'SELECT coalesce(max(position), 0) FROM events',
  totals:
    'SELECT (SELECT count(*) FROM streams) AS streams, (SELECT count(*) FROM events) AS events, (SELECT coalesce(max(position), 0) FROM events) AS lastPosition',
  usedPages:
    'SELECT (SELECT page_count FROM pragma_page_count()) - (SELECT freelist_count FROM pragma_freelist_count())',

  insertStream:
    'INSERT INTO streams (module, stream_id, revision, last_position, created_at, updated_at) VALUES (?, ?, ?, 0, ?, ?)',
  updateStream: 'UPDATE streams SET revision = ?, last_position = ?, updated_at = ? WHERE id = ?',
  insertEvent:
    'INSERT INTO events (stream, revision, event_id, type, payload, headers, batch_index, batch_size, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  insertCommand:
    'INSERT INTO commands (command_id, fingerprint, command_type, stream, first_revision, last_revision, last_position, module_version, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  // Only a lower revision is replaced, or another artifact's.
  upsertSnapshot: `INSERT INTO snapshots (stream, module_version, artifact, revision, payload, taken_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (stream, module_version) DO UPDATE SET artifact = excluded.artifact, revision = excluded.revision,
    payload = excluded.payload, taken_at = excluded.taken_at
    WHERE excluded.revision > snapshots.revision OR excluded.artifact <> snapshots.artifact`,
  deleteSnapshot: 'DELETE FROM snapshots WHERE stream = ? AND module_version = ?',
  upsertProjection:
    'INSERT INTO projections (name, position, updated_at, error) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at, error = excluded.error',
  deleteProjection: 'DELETE FROM projections WHERE name = ?',
} as const
