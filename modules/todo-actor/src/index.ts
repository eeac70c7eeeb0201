import { actor, InvalidPayload, sql, UserError } from 'paddock:actor'

function titleOf({ title }: { title?: unknown }): string {
  if (typeof title !== 'string' || title.trim() === '') throw new InvalidPayload('title must be a text.')
  return title.trim()
}

function idsOf({ ids }: { ids?: unknown }): readonly number[] {
  if (!Array.isArray(ids) || !ids.every((id): id is number => Number.isSafeInteger(id))) {
    throw new InvalidPayload('ids must be a list of integers.')
  }
  return ids
}

export const lifecycle = actor({
  migrations: [
    `CREATE TABLE todos(
       id INTEGER PRIMARY KEY,
       title TEXT NOT NULL,
       done INTEGER NOT NULL DEFAULT 0
     )`,
    `ALTER TABLE todos ADD COLUMN finished_ms INTEGER;
     CREATE INDEX todos_open ON todos(done) WHERE done = 0;`,
  ],
  start({ key, cause }) {
    console.info(`list ${key.join('/')} ${cause}`)
  },
  requests: {
    add: (input: { title?: unknown }) => ({
      id: sql.run('INSERT INTO todos(title) VALUES (?)', [titleOf(input)]).id,
    }),
    list: () => sql.all('SELECT id, title, done FROM todos ORDER BY id'),
    finish: (input: { ids?: unknown }) => {
      const ids = idsOf(input)
      return sql.transaction(() => {
        const now = Date.now()
        for (const id of ids) {
          const { changes } = sql.run('UPDATE todos SET done = 1, finished_ms = ? WHERE id = ?', [now, id])
          // The exception rolls back what was finished before.
          if (changes === 0) throw new UserError('todo.unknown', `There is no todo ${id}.`, { id })
        }
        return { finished: ids.length }
      })
    },
    import: (input: { titles?: unknown }) => {
      const { titles } = input
      if (!Array.isArray(titles)) throw new InvalidPayload('titles must be a list.')
      const added = sql.batch(
        titles.map((title) => ['INSERT INTO todos(title) VALUES (?)', [titleOf({ title })]] as const),
      )
      return { ids: added.map(({ id }) => id) }
    },
    count: () => sql.get('SELECT count(*) AS total, coalesce(sum(done), 0) AS done FROM todos'),
  },
})
