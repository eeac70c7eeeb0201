/** The actors of todo-actor, as an operator finds them. */
import type { Cell } from '../../../shared/contracts/actor-inspect.ts'
import type { ActorView } from '../../../shared/domain/actor.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { integer, text, type Facts } from './actor-content.ts'
import { ActorsDouble } from './actors-double.ts'

const none: Cell = { type: 'null' }

/** Columns of a table as the schema lists them: `id integer key`, `title text`. */
function columnsOf(...texts: readonly string[]): Facts['columns'] {
  return texts.map((each) => {
    const [name = '', type = '', key] = each.split(' ')
    return {
      name,
      type: type.toUpperCase(),
      notNull: key !== undefined,
      primaryKey: key === undefined ? 0 : 1,
    }
  })
}

/** The actors of todo-actor, one of them with `count` todos. */
export function todoActors(count = 8): ActorsDouble {
  const double = new ActorsDouble()
  const ago = (ms: number): Partial<ActorView> => ({ since: Date.now() - ms, lastRequestAt: Date.now() - ms })
  const alice = double.add(['alice'], {
    ...ago(17_000),
    state: 'running',
    generation: 4,
    requests: 31,
    sizeBytes: 1_468_006,
  })
  double.add(['ops-team'], { ...ago(180_000), state: 'running', requests: 4 })
  double.add(['carol'], ago(2_460_000))
  double.add(['dave'], { ...ago(7_200_000), since: null })
  const titles = ['Rotate validator keys', 'Move archive node to new disk', 'Review fee recipient change']
  alice.tables = [
    {
      facts: {
        name: 'todos',
        kind: 'table',
        sql: 'CREATE TABLE todos(id INTEGER PRIMARY KEY, title TEXT, done INTEGER, due TEXT, token BLOB)',
        columns: columnsOf('id integer key', 'title text', 'done integer', 'due text', 'token blob'),
        indexes: [{ name: 'todos_open', unique: false }],
        rows: count,
      },
      rows: Array.from({ length: count }, (_, index): Cell[] => [
        integer(index === 0 ? '9007199254740993' : index + 1),
        text(titles[index % titles.length] ?? ''),
        integer(index % 2),
        index % 3 === 0 ? none : text('2026-07-16'),
        { type: 'blob', head: 'c0ffee', bytes: 3 },
      ]),
    },
  ]
  alice.entries = [['last-import', new Uint8Array([1, 2, 3])]]
  const at = Date.now() - 17_000
  alice.recent = [
    {
      sql: "attach database 'x' as other",
      route: 'refused',
      rows: 0,
      ms: 0,
      atMs: at,
      code: 'sqlite.statement_refused',
    },
    {
      sql: 'SELECT id, title, done FROM todos ORDER BY id',
      route: 'read',
      rows: 8,
      ms: 0.2,
      atMs: at + 1,
      code: null,
    },
    {
      sql: 'UPDATE todos SET done = 1 WHERE id = ?',
      route: 'write',
      rows: 1,
      ms: 0.062,
      atMs: at + 14,
      code: null,
    },
  ]
  const answer = (value: unknown): Uint8Array =>
    Uint8Array.from(new TextEncoder().encode(JSON.stringify(value)))
  double.methods.set('count', () => answer({ total: count, done: Math.floor(count / 2) }))
  double.methods.set('finish', () => {
    throw new PaddockError('guest.error', 'todo.unknown: There is no todo 99.', {
      remedy: 'The actor itself answered with this error.',
    })
  })
  double.methods.set('vanish', () => {
    throw new PaddockError('actor.host_lost', 'The process of the actor ended under the request: killed.')
  })
  double.methods.set('busy', () => {
    throw new PaddockError('actor.overloaded', 'Too many requests wait.')
  })
  return double
}
