/** The invariants of an event store (spec decider 12), as far as the file alone can tell. */
import type { Database } from 'better-sqlite3'
import { invariants, type IntegrityProblem, type Invariant } from '../event-store.ts'
import { eventId, uuidText } from '../identities.ts'
import { eventStoreMigrations } from './schema.ts'

const maxProblems = 100

/** Each query answers one row for each violation, its only column saying what is wrong. */
const queries: readonly (readonly [Invariant, string])[] = [
  [
    'I1',
    `SELECT printf('stream %s: head is %d, but its events are %s', s.stream_id, s.revision,
       CASE WHEN e.stream IS NULL THEN 'missing' ELSE printf('%d, from %d to %d, the last at position %d, not %d',
         e.amount, e.first, e.last, e.position, s.last_position) END)
     FROM streams s LEFT JOIN (SELECT stream, count(*) AS amount, min(revision) AS first, max(revision) AS last,
       max(position) AS position FROM events GROUP BY stream) e ON e.stream = s.id
     WHERE e.stream IS NULL OR e.amount <> s.revision OR e.first <> 1 OR e.last <> s.revision
       OR e.position <> s.last_position`,
  ],
  [
    'I1',
    `SELECT printf('events of no stream: %d', stream) FROM events WHERE stream NOT IN (SELECT id FROM streams)`,
  ],
  [
    'I2',
    `SELECT printf('event at position %d: a batch of %d lacks its neighbour of index %d', position, batch_size, batch_index)
     FROM (SELECT position, batch_index, batch_size,
         lag(batch_index) OVER w AS before_index, lag(batch_size) OVER w AS before_size, lag(position) OVER w AS before,
         lead(batch_index) OVER w AS after_index, lead(batch_size) OVER w AS after_size
       FROM events WINDOW w AS (PARTITION BY stream ORDER BY revision))
     WHERE batch_index < 0
       OR (batch_index > 0 AND (before_index IS NOT batch_index - 1 OR before_size IS NOT batch_size
         OR before IS NOT position - 1))
       OR (batch_index < batch_size - 1 AND (after_index IS NOT batch_index + 1 OR after_size IS NOT batch_size))`,
  ],
  [
    'I4',
    `SELECT printf('command %s: its events %d to %d are not one whole decision', hex(c.command_id), c.first_revision, c.last_revision)
     FROM commands c LEFT JOIN events a ON a.stream = c.stream AND a.revision = c.first_revision
       LEFT JOIN events z ON z.stream = c.stream AND z.revision = c.last_revision
     WHERE a.position IS NULL OR z.position IS NULL OR a.batch_index <> 0
       OR a.batch_size <> c.last_revision - c.first_revision + 1 OR z.batch_index <> a.batch_size - 1
       OR z.position <> c.last_position`,
  ],
  [
    'I5',
    `SELECT printf('stream %s: the snapshot of version %s is of revision %d, the head is %d', s.stream_id,
       n.module_version, n.revision, s.revision)
     FROM snapshots n JOIN streams s ON s.id = n.stream WHERE n.revision > s.revision OR n.revision < 1`,
  ],
  [
    'I6',
    `SELECT printf('%d events lie between positions %d and %d', amount, first, last)
     FROM (SELECT count(*) AS amount, min(position) AS first, max(position) AS last FROM events)
     WHERE amount > 0 AND (first <> 1 OR last <> amount)`,
  ],
  [
    'I6',
    `SELECT printf('position %d: revision %d lies before one of a lower position', position, revision)
     FROM (SELECT position, revision, lag(position) OVER (PARTITION BY stream ORDER BY revision) AS before FROM events)
     WHERE before >= position`,
  ],
  [
    'I8',
    `SELECT printf('projection %s is at %d, behind the last position', name, position) FROM projections
     WHERE position > (SELECT coalesce(max(position), 0) FROM events) OR position < 0`,
  ],
]

export interface Findings {
  readonly ok: boolean
  readonly problems: readonly IntegrityProblem[]
  readonly more: boolean
}

/** Checks the file and I1 to I8; that acknowledged commands are there (I3) only their callers can say besides. */
export function checkIntegrity(database: Database): Findings {
  const problems: IntegrityProblem[] = []
  const add = (invariant: IntegrityProblem['invariant'], detail: string): boolean =>
    problems.push({ invariant, detail }) <= maxProblems
  const file = database.prepare<[], string>('PRAGMA integrity_check(10)').pluck().all()
  for (const line of file) if (line !== 'ok') add('file', line)
  for (const [invariant, sql] of queries) {
    for (const detail of database.prepare<[], string>(sql).pluck().iterate()) {
      if (!add(invariant, detail)) break
    }
  }
  for (const detail of foreignEventIds(database)) if (!add('I3', detail)) break
  for (const detail of missingTriggers(database)) if (!add('I7', detail)) break
  const order = (problem: IntegrityProblem): number =>
    problem.invariant === 'file' ? -1 : invariants.indexOf(problem.invariant)
  problems.sort((a, b) => order(a) - order(b))
  return {
    ok: problems.length === 0,
    problems: problems.slice(0, maxProblems),
    more: problems.length > maxProblems,
  }
}

/** A command's events carry ids made of its id (spec decider 7): others are not its events. */
function* foreignEventIds(database: Database): IterableIterator<string> {
  const rows = database
    .prepare(
      `SELECT c.command_id AS command, e.event_id AS event, e.batch_index AS place FROM commands c
       JOIN events e ON e.stream = c.stream AND e.revision BETWEEN c.first_revision AND c.last_revision`,
    )
    .iterate() as IterableIterator<{ command: Buffer; event: Buffer; place: number }>
  for (const { command, event, place } of rows) {
    const commandId = uuidText(command)
    if (place >= 0 && eventId(commandId, place) === uuidText(event)) continue
    yield `command ${commandId}: event ${place} of its decision is not its own`
  }
}

/** What keeps events from changing. */
function* missingTriggers(database: Database): IterableIterator<string> {
  const layout = eventStoreMigrations.join('\n')
  for (const name of ['events_immutable', 'events_kept']) {
    const sql = database
      .prepare<[string], string>(`SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?`)
      .pluck()
      .get(name)
    if (sql === undefined || !layout.includes(sql)) yield `the trigger ${name} is missing or altered`
  }
}
