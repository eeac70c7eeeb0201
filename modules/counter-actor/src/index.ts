import { actor, decodeText, encodeText, InvalidPayload, keyValue, sql } from 'paddock:actor'

const valueKey = 'value'

function current(): number {
  const stored = keyValue.get(valueKey)
  return stored === null ? 0 : Number(decodeText(stored))
}

function stepOf({ by }: { by?: unknown }): number {
  if (by === undefined) return 1
  if (typeof by === 'number' && Number.isSafeInteger(by)) return by
  throw new InvalidPayload('by must be an integer.')
}

export const lifecycle = actor({
  migrations: ['CREATE TABLE steps(id INTEGER PRIMARY KEY, by INTEGER NOT NULL, value INTEGER NOT NULL)'],
  start({ input, cause }) {
    // Whoever creates a counter may say where it begins.
    const begin = cause === 'created' && typeof input === 'object' && input !== null && 'value' in input
    if (begin && typeof input.value === 'number') keyValue.set(valueKey, encodeText(String(input.value)))
  },
  requests: {
    get: () => ({ value: current() }),
    add(input: { by?: unknown }) {
      const by = stepOf(input)
      // The blob and the table change together or not at all.
      return sql.transaction(() => {
        const value = current() + by
        keyValue.set(valueKey, encodeText(String(value)))
        sql.run('INSERT INTO steps(by, value) VALUES (?, ?)', [by, value])
        return { value }
      })
    },
    history: () => sql.all('SELECT by, value FROM steps ORDER BY id DESC LIMIT 100'),
  },
  sleep() {
    console.info(`asleep at ${current()}`)
  },
})
