/** Reads one table of a manifest key by key, so that every fault names its place and what is allowed. */
import { TomlDate, type TomlTable, type TomlValue } from 'smol-toml'
import { isTable, showPath, type ManifestDocument } from './document.ts'
import type { KeyPath } from './locate.ts'
import { nearest } from './nearest.ts'
import type { ErrorCode, PaddockError } from '../../../shared/errors.ts'

/** Elements of one list in a manifest. */
const maxListLength = 1_000
/** Letters of one text in a manifest, configuration apart. */
const maxTextLength = 4_096
/** Warnings kept of one manifest. */
const maxWarnings = 50

/** What all tables of one manifest share. */
export interface ReadContext {
  readonly document: Pick<ManifestDocument, 'error' | 'warning' | 'sourceOf' | 'file'>
  /** Whether an unknown key is an error (`paddock.toml`) or a warning (dialects). */
  readonly strict: boolean
  readonly warnings: string[]
  /** Code of faults in values of the table read; subscriptions have one of their own. */
  readonly code: ErrorCode
}

/** Adds a warning, up to a bound. */
export function warn(context: ReadContext, path: KeyPath, what: string): void {
  if (context.warnings.length < maxWarnings) context.warnings.push(context.document.warning(path, what))
}

export class TableReader {
  readonly path: KeyPath
  readonly context: ReadContext
  private readonly table: TomlTable
  private readonly known: string[] = []

  constructor(context: ReadContext, table: TomlTable, path: KeyPath) {
    this.context = context
    this.table = table
    this.path = path
  }

  /** The value as it is, or undefined when the key is absent. */
  raw(key: string): TomlValue | undefined {
    this.known.push(key)
    return Object.hasOwn(this.table, key) ? this.table[key] : undefined
  }

  has(key: string): boolean {
    return Object.hasOwn(this.table, key)
  }

  string(key: string): string | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (typeof value !== 'string') throw this.wrongType(key, value, 'a text in quotes')
    return this.checkedText([key], value)
  }

  /** A list of texts; `[]` when the key is absent. */
  strings(key: string): string[] {
    const value = this.raw(key)
    if (value === undefined) return []
    if (!Array.isArray(value)) throw this.wrongType(key, value, 'a list of texts')
    this.checkLength(key, value)
    return value.map((item, index) => {
      if (typeof item !== 'string') throw this.wrongTypeAt([key, index], item, 'a text in quotes')
      return this.checkedText([key, index], item)
    })
  }

  boolean(key: string): boolean | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (typeof value !== 'boolean') throw this.wrongType(key, value, 'true or false')
    return value
  }

  /** A whole number between `min` and 2^53 - 1. */
  integer(key: string, min: number): number | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    const allowed = `a whole number of ${min} or more`
    if (typeof value !== 'bigint') throw this.wrongType(key, value, allowed)
    if (value < BigInt(min) || value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.fault(key, `is ${value}; it must be ${allowed}, at most ${Number.MAX_SAFE_INTEGER}`, {
        allowed,
      })
    }
    return Number(value)
  }

  /** An unsigned 64-bit number as decimal text. */
  unsigned(key: string): string | undefined {
    const value = this.raw(key)
    return value === undefined ? undefined : this.checkedUnsigned([key], value)
  }

  /** A list of unsigned 64-bit numbers as decimal texts. */
  unsignedList(key: string): string[] {
    const value = this.raw(key)
    if (value === undefined) return []
    if (!Array.isArray(value)) throw this.wrongType(key, value, 'a list of chain ids')
    this.checkLength(key, value)
    return value.map((item, index) => this.checkedUnsigned([key, index], item))
  }

  /** One of the texts allowed. */
  choice<T extends string>(key: string, allowed: readonly T[]): T | undefined {
    const value = this.string(key)
    if (value === undefined) return undefined
    const found = allowed.find((candidate) => candidate === value)
    if (found === undefined) {
      throw this.fault(key, `is ${quoted(value)}; allowed: ${list(allowed)}`, {
        value,
        allowed: [...allowed],
      })
    }
    return found
  }

  /** The table under `key`; an empty one when the key is absent. */
  child(key: string): TableReader {
    const value = this.raw(key)
    if (value !== undefined && !isTable(value))
      throw this.wrongType(key, value, `a table [${showPath([...this.path, key])}]`)
    return new TableReader(this.context, value ?? {}, [...this.path, key])
  }

  /** The tables of `[[key]]`; at most `max`. */
  children(key: string, max: number, code: ErrorCode): TableReader[] {
    const value = this.raw(key)
    if (value === undefined) return []
    const header = `tables [[${showPath([...this.path, key])}]]`
    if (!Array.isArray(value)) throw this.wrongType(key, value, header)
    if (value.length > max)
      throw this.fault(key, `has ${value.length} entries; at most ${max} are allowed`, { allowed: max })
    return value.map((item, index) => {
      if (!isTable(item)) throw this.wrongTypeAt([key, index], item, header)
      return new TableReader({ ...this.context, code }, item, [...this.path, key, index])
    })
  }

  /** Refuses or reports the keys that nobody asked for. Call last. */
  finish(): void {
    for (const key of Object.keys(this.table)) {
      if (this.known.includes(key)) continue
      const path = [...this.path, key]
      const suggestion = nearest(key, this.known)
      const hint = suggestion === null ? '' : `; did you mean "${suggestion}"?`
      const where = this.path.length === 0 ? 'at the top level' : `in [${showPath(this.path)}]`
      const shown = quoted(key)
      if (!this.context.strict) {
        warn(this.context, path, `the key ${shown} ${where} is unknown and ignored${hint}`)
        continue
      }
      const allowed = [...this.known]
      throw this.context.document.error(
        'manifest.unknown_key',
        path,
        `the key ${shown} ${where} is unknown${hint === '' ? '.' : hint} Allowed: ${allowed.join(', ')}.`,
        { allowed, suggestion },
      )
    }
  }

  /** An error about the value of `key`; `what` continues the key's name. */
  fault(key: string, what: string, details: Readonly<Record<string, unknown>> = {}): PaddockError {
    return this.faultAt([key], what, details)
  }

  faultAt(below: KeyPath, what: string, details: Readonly<Record<string, unknown>> = {}): PaddockError {
    const path = [...this.path, ...below]
    return this.context.document.error(this.context.code, path, `${showPath(path)} ${what}.`, details)
  }

  wrongType(key: string, value: TomlValue, allowed: string): PaddockError {
    return this.wrongTypeAt([key], value, allowed)
  }

  wrongTypeAt(below: KeyPath, value: TomlValue, allowed: string): PaddockError {
    return this.faultAt(below, `is ${typeName(value)}; it must be ${allowed}`, {
      found: typeName(value),
      allowed,
    })
  }

  private checkedText(below: KeyPath, value: string): string {
    if (value.length > maxTextLength) {
      throw this.faultAt(below, `has ${value.length} letters; at most ${maxTextLength} are allowed`, {
        allowed: maxTextLength,
      })
    }
    return value
  }

  private checkedUnsigned(below: KeyPath, value: TomlValue): string {
    const allowed = 'a whole number from 0 to 2^64 - 1'
    if (typeof value !== 'bigint') throw this.wrongTypeAt(below, value, allowed)
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn)
      throw this.faultAt(below, `is ${value}; it must be ${allowed}`, { allowed })
    return value.toString()
  }

  private checkLength(key: string, value: readonly TomlValue[]): void {
    if (value.length <= maxListLength) return
    throw this.fault(key, `has ${value.length} entries; at most ${maxListLength} are allowed`, {
      allowed: maxListLength,
    })
  }
}

/** `"a", "b" or "c"`. */
export function list(words: readonly string[]): string {
  const shown = words.map((word) => `"${word}"`)
  const last = shown.pop()
  if (last === undefined) return 'nothing'
  return shown.length === 0 ? last : `${shown.join(', ')} or ${last}`
}

/** A text from a manifest as a message shows it: quoted, escaped and short. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

function typeName(value: TomlValue): string {
  if (Array.isArray(value)) return 'a list'
  if (value instanceof TomlDate) return 'a date'
  switch (typeof value) {
    case 'string':
      return 'a text'
    case 'bigint':
      return 'a whole number'
    case 'number':
      return 'a number with a fraction'
    case 'boolean':
      return 'true or false'
    default:
      return 'a table'
  }
}
