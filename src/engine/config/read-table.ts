/** Turns a table of engine.toml into input for the schema of its section, key by key. */
import { TomlDate, type TomlTable, type TomlValue } from 'smol-toml'
import type { z } from 'zod'
import { isTable, showPath } from '../modules/manifest/document.ts'
import type { KeyPath } from '../modules/manifest/locate.ts'
import { nearest } from '../modules/manifest/nearest.ts'
import type { ConfigDocument } from './config-document.ts'
import type { KeySpec, TableSpec } from './key-specs.ts'

export interface ReadContext {
  readonly document: ConfigDocument
  /** Where a value was written that now stands at a path. */
  readonly origin: (path: KeyPath) => KeyPath
}

/** Throws `settings.unknown_key` with the nearest key, and `settings.invalid`. */
export function readTable(
  context: ReadContext,
  table: TomlTable,
  spec: TableSpec,
  path: KeyPath,
): Record<string, unknown> {
  const read: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(table)) {
    const keySpec = Object.hasOwn(spec, name) ? spec[name] : undefined
    if (keySpec === undefined) throw unknownKey(context, [...path, name], Object.keys(spec))
    read[keySpec.to] = readValue(context, value, keySpec, [...path, name])
  }
  return read
}

/** An error about a key that nobody knows, with the nearest one. */
export function unknownKey(context: ReadContext, path: KeyPath, known: readonly string[]): Error {
  const shown = context.origin(path)
  const name = String(shown[shown.length - 1])
  const suggestion = nearest(name, known)
  const hint = suggestion === null ? ` Allowed: ${known.join(', ')}.` : ` Did you mean "${suggestion}"?`
  return context.document.error(shown, `there is no key ${showPath(shown)}.${hint}`, 'settings.unknown_key')
}

/** Checks what was read by its schema. Throws `settings.invalid` naming the key as written, with its line. */
export function checked<T extends z.ZodType>(
  context: ReadContext,
  schema: T,
  input: unknown,
  spec: TableSpec,
  path: KeyPath,
): z.output<T> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const below = writtenPath(spec, issue?.path ?? [])
  const where = context.origin([...path, ...below])
  const shown = showPath(where)
  const reason = issue?.message ?? 'wrong shape'
  throw context.document.error(where, `${shown === '' ? '' : `${shown}: `}${reason}.`)
}

/** The keys of the file for a path in the model. */
function writtenPath(spec: TableSpec, modelPath: readonly PropertyKey[]): (string | number)[] {
  const [part, ...rest] = modelPath
  if (part === undefined) return []
  if (typeof part === 'number') return [part, ...writtenPath(spec, rest)]
  const found = Object.entries(spec).find(([, { to }]) => to === part)
  if (found === undefined) return []
  return [found[0], ...writtenPath(found[1].table ?? found[1].list ?? {}, rest)]
}

function readValue(context: ReadContext, value: TomlValue, spec: KeySpec, path: KeyPath): unknown {
  const fault = (what: string): Error => {
    const where = context.origin(path)
    return context.document.error(where, `${showPath(where)} ${what}.`)
  }
  if (spec.table !== undefined) {
    if (!isTable(value)) throw fault('must be a table')
    return readTable(context, value, spec.table, path)
  }
  const { list } = spec
  if (list !== undefined) {
    if (!Array.isArray(value)) throw fault('must be tables in double brackets')
    return value.map((item, index) => {
      if (!isTable(item)) throw fault('must be tables in double brackets')
      return readTable(context, item, list, [...path, index])
    })
  }
  if (spec.id === true) {
    if (typeof value !== 'bigint') throw fault('must be a whole number')
    return value.toString()
  }
  if (spec.unit === 'seconds') {
    if (typeof value === 'bigint') return numberOf(value * 1_000n, fault)
    if (typeof value === 'number' && Number.isFinite(value)) return Math.round(value * 1_000)
    throw fault('must be a number of seconds')
  }
  if (spec.unit === 'duration') {
    const ms = typeof value === 'string' ? durationMs(value) : null
    if (ms === null) throw fault('must be a time such as "5m", "30s" or "500ms"')
    return ms
  }
  return plain(value, fault)
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

function durationMs(text: string): number | null {
  const match = /^(\d{1,12})(ms|s|m|h)$/.exec(text)
  const unit = unitMs[match?.[2] ?? '']
  return match === null || unit === undefined ? null : Number(match[1]) * unit
}

function plain(value: TomlValue, fault: (what: string) => Error): unknown {
  if (typeof value === 'bigint') return numberOf(value, fault)
  if (value instanceof TomlDate) throw fault('must not be a date')
  if (Array.isArray(value)) return value.map((item) => plain(item, fault))
  if (isTable(value)) throw fault('must not be a table')
  return value
}

function numberOf(value: bigint, fault: (what: string) => Error): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw fault('is too large')
  return number
}
