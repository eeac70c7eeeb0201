/** SQLite's and the file system's failures as typed errors. Messages name no path: guests may see them. */
import { PaddockError, type ErrorCode } from '../errors.ts'

const messages = {
  'store.corrupt': 'The store file is damaged.',
  'store.foreign': 'The store file belongs to another program or module.',
  'store.full': 'There is no room left for the store.',
  'store.read_only': 'The store file cannot be written.',
  'store.busy': 'Another program holds the store file.',
  'store.open_failed': 'The store file could not be opened.',
  'store.io': 'Reading or writing the store file failed.',
} as const satisfies Partial<Record<ErrorCode, string>>
export type StoreErrorCode = keyof typeof messages

const byCode: readonly (readonly [prefix: string, code: StoreErrorCode])[] = [
  ['SQLITE_CORRUPT', 'store.corrupt'],
  ['SQLITE_NOTADB', 'store.corrupt'],
  ['SQLITE_FULL', 'store.full'],
  ['SQLITE_READONLY', 'store.read_only'],
  ['SQLITE_BUSY', 'store.busy'],
  ['SQLITE_LOCKED', 'store.busy'],
  ['SQLITE_CANTOPEN', 'store.open_failed'],
  ['SQLITE_PERM', 'store.open_failed'],
  ['SQLITE_AUTH', 'store.open_failed'],
  ['EROFS', 'store.read_only'],
  ['EACCES', 'store.read_only'],
  ['EPERM', 'store.read_only'],
  ['ENOSPC', 'store.full'],
  ['EDQUOT', 'store.full'],
]

/** A failure of the store as a typed error; typed errors pass through. */
export function storeError(thrown: unknown, fallback: StoreErrorCode = 'store.io'): PaddockError {
  if (thrown instanceof PaddockError) return thrown
  const raw: unknown =
    typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
  const sqliteCode = typeof raw === 'string' ? raw : ''
  const code = byCode.find(([prefix]) => sqliteCode.startsWith(prefix))?.[1] ?? fallback
  return new PaddockError(code, messages[code], {
    cause: thrown,
    ...(sqliteCode === '' ? {} : { details: { cause: sqliteCode } }),
  })
}
