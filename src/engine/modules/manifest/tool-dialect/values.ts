/** Values that several tables of a tool's declaration hold alike. */
import { secretNameSchema } from '../../../../shared/contracts/tool.ts'
import { quoted, type TableReader } from '../table-reader.ts'

/** A whole number up to an engine maximum, which a declaration may only lower. */
export function bounded(table: TableReader, key: string, fallback: number, most: number, least = 1): number {
  const value = table.integer(key, least) ?? fallback
  if (value <= most) return value
  throw table.fault(key, `is ${value}; at most ${most} is allowed`, { allowed: most })
}

/** `rate = { per_minute = 60, per_hour = 1000 }`. */
export function rateOf(table: TableReader): { perMinute: number; perHour: number } {
  const rate = table.child('rate')
  const read = {
    perMinute: bounded(rate, 'per_minute', 60, 1_000_000),
    perHour: bounded(rate, 'per_hour', 1_000, 10_000_000),
  }
  rate.finish()
  return read
}

type Pattern<T> = (text: string) => T | null

/** A text that must be there and match. */
export function checkedText<T>(table: TableReader, key: string, pattern: Pattern<T>, allowed: string): T {
  const written = table.string(key)
  if (written === undefined) throw table.fault(key, `is missing; it must be ${allowed}`, { allowed })
  const value = pattern(written)
  if (value === null) throw table.fault(key, `is ${quoted(written)}; it must be ${allowed}`, { allowed })
  return value
}

/** A list of texts that must match each; empty when the key is absent. */
export function checkedList<T>(table: TableReader, key: string, pattern: Pattern<T>, allowed: string): T[] {
  return table.strings(key).map((written, index) => {
    const value = pattern(written)
    if (value !== null) return value
    throw table.faultAt([key, index], `is ${quoted(written)}; it must be ${allowed}`, { allowed })
  })
}

export function secretName(table: TableReader, key: string): string {
  return checkedText(
    table,
    key,
    (text) => (secretNameSchema.safeParse(text).success ? text : null),
    'the name of a secret: letters, digits, "_", "." or "-"',
  )
}
