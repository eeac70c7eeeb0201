// Small blobs beside the tables. Calls made in a transaction belong to it.
import { delete as remove, get, keys, set } from 'paddock:sql/key-value@0.1.0'
import { wellFormed } from '../guest/text.ts'
import { guardedCall } from './sql.ts'

export const keyValue = {
  /** The value, or null. */
  get: (key: string): Uint8Array | null => guardedCall(() => get(wellFormed(key))),
  set: (key: string, value: Uint8Array): void => guardedCall(() => set(wellFormed(key), checked(value))),
  /** True when the key existed. */
  delete: (key: string): boolean => guardedCall(() => remove(wellFormed(key))),
  /** Keys in byte order that start with `prefix` and come after `after`; at most 1000. */
  keys: (prefix: string, after: string | null = null, limit = 1_000): string[] =>
    guardedCall(() => keys(wellFormed(prefix), after === null ? null : wellFormed(after), limit)),
}

function checked(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('A value is a Uint8Array.')
  return value
}
