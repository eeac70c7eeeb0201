/** Reads one table of a flow file key by key; what is wrong is gathered, and the default stands in its place. */
import { showPath } from '../../../modules/manifest/document.ts'
import type { KeyPath } from '../../../modules/manifest/locate.ts'
import { nearest } from '../../../modules/manifest/nearest.ts'
import { list, quoted } from '../../../modules/manifest/table-reader.ts'
import { interpolate } from './interpolate.ts'
import type { Problems } from './problems.ts'
import { parseSize, showSize, sizeRule } from './sizes.ts'
import { DateValue, isTable, OutsideText, type Table, type Value } from './values.ts'

/** Characters of one text, configurations included. */
const maxTextLength = 65_536
/** Entries of one list. */
const maxEntries = 1_024

export interface ReadContext {
  readonly problems: Problems
  readonly strict: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Names that `${NAME}` may read here. */
  readonly allowedNames: ReadonlySet<string>
  /** The node that is read, for problems. */
  readonly node: string | null
}

export class KeyReader {
  readonly path: KeyPath
  readonly context: ReadContext
  private readonly table: Table
  private readonly known = new Set<string>()

  constructor(context: ReadContext, table: Table, path: KeyPath) {
    this.context = context
    this.table = table
    this.path = path
  }

  has(key: string): boolean {
    return Object.hasOwn(this.table, key)
  }

  /** The value as it is; undefined when the key is absent. */
  raw(key: string): Value | undefined {
    this.known.add(key)
    return this.has(key) ? this.table[key] : undefined
  }

  keys(): string[] {
    return Object.keys(this.table)
  }

  /** A text with `${NAME}` replaced. */
  string(key: string): string | undefined {
    const value = this.raw(key)
    return value === undefined ? undefined : this.textOf([key], value)
  }

  /** A text as the file has it, nothing replaced. */
  source(key: string): string {
    const value = this.raw(key)
    return typeof value === 'string' ? value : value instanceof OutsideText ? value.text : ''
  }

  /** A text that must be there and not be empty; reports E0702 and answers undefined where it is not. */
  required(key: string, expected: string): string | undefined {
    if (!this.has(key)) {
      this.missing(key, expected)
      return undefined
    }
    const text = this.string(key)
    if (text !== '') return text
    this.bad(key, 'an empty text', expected)
    return undefined
  }

  boolean(key: string): boolean | undefined {
    const value = this.raw(key)
    if (value === undefined || typeof value === 'boolean') return value
    if (value instanceof OutsideText && /^(?:true|false)$/.test(value.text)) return value.text === 'true'
    this.bad(key, found(value), 'true or false')
    return undefined
  }

  /** A whole number from `min` to `max`. */
  integer(key: string, min: number, max: number): number | undefined {
    const value = this.raw(key)
    return value === undefined ? undefined : this.integerOf([key], value, min, max)
  }

  /** A number that `fits`. */
  number(key: string, expected: string, fits: (value: number) => boolean): number | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    const given = value instanceof OutsideText ? value.number() : value
    const number = typeof given === 'bigint' ? Number(given) : given
    if (typeof number === 'number' && Number.isFinite(number) && fits(number)) return number
    this.bad(key, found(value), expected)
    return undefined
  }

  /** Bytes, as a text with a unit or a whole number. */
  size(key: string, min: number, max: number): number | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    const text = typeof value === 'bigint' ? value.toString() : this.textOf([key], value, sizeRule)
    if (text === undefined) return undefined
    const bytes = parseSize(text)
    if (bytes !== null && bytes >= min && bytes <= max) return bytes
    this.bad(key, found(value), `${sizeRule} from ${showSize(min)} to ${showSize(max)}`)
    return undefined
  }

  choice<T extends string>(key: string, allowed: readonly T[]): T | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    const text = this.textOf([key], value, list(allowed))
    if (text === undefined) return undefined
    const chosen = allowed.find((candidate) => candidate === text)
    if (chosen !== undefined) return chosen
    const suggestion = nearest(text, allowed)
    this.bad(
      key,
      found(value),
      list(allowed),
      suggestion === null ? undefined : `Did you mean "${suggestion}"?`,
    )
    return undefined
  }

  /** A list of texts; undefined when the key is absent or no list. Entries that are no texts are reported. */
  strings(key: string): string[] | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (value instanceof OutsideText) return value.parts()
    if (!Array.isArray(value)) {
      this.bad(key, found(value), 'a list of texts')
      return undefined
    }
    if (value.length > maxEntries) {
      this.bad(key, `${value.length} entries`, `at most ${maxEntries} entries`)
      return undefined
    }
    return value.flatMap((item, index) => this.textOf([key, index], item) ?? [])
  }

  /** A list of whole numbers of the length given. */
  integers(key: string, length: number, min: number, max: number): number[] | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    const items = value instanceof OutsideText ? value.parts().map((part) => new OutsideText(part)) : value
    const expected = `a list of ${length} whole numbers from ${min} to ${max}`
    if (!Array.isArray(items) || items.length !== length) {
      this.bad(key, found(value), expected)
      return undefined
    }
    const numbers = items.flatMap((item, index) => this.integerOf([key, index], item, min, max) ?? [])
    return numbers.length === length ? numbers : undefined
  }

  /** The table under `key`, an empty one where it is absent or no table. */
  child(key: string, context: ReadContext = this.context): KeyReader {
    const value = this.raw(key)
    if (value !== undefined && !isTable(value)) this.bad(key, found(value), `a table [${this.show(key)}]`)
    return new KeyReader(context, isTable(value) ? value : {}, [...this.path, key])
  }

  /** The tables of `[[key]]`. */
  children(key: string, max: number): KeyReader[] {
    const value = this.raw(key)
    if (value === undefined) return []
    const header = `tables [[${this.show(key)}]]`
    if (!Array.isArray(value)) {
      this.bad(key, found(value), header)
      return []
    }
    if (value.length > max) {
      this.bad(key, `${value.length} entries`, `at most ${max} entries`)
      return []
    }
    return value.flatMap((item, index) => {
      if (isTable(item)) return new KeyReader(this.context, item, [...this.path, key, index])
      this.badAt([key, index], found(item), header)
      return []
    })
  }

  /** Reports keys that nobody asked for: warnings, with `strict` errors. Call last. */
  finish(): void {
    const { problems, strict, node } = this.context
    for (const key of this.keys()) {
      if (this.known.has(key)) continue
      const allowed = [...this.known]
      const suggestion = nearest(key, allowed)
      const where = this.path.length === 0 ? 'at the top level' : `in [${showPath(this.path)}]`
      problems.add(
        'E0702',
        [...this.path, key],
        `The key ${quoted(key)} ${where} is unknown${strict ? '' : ' and ignored'}.`,
        {
          severity: strict ? 'error' : 'warning',
          node,
          expected: allowed.length === 0 ? 'no key' : list(allowed),
          found: quoted(key),
          help:
            suggestion === null ? 'Remove the key or correct its spelling.' : `Did you mean "${suggestion}"?`,
        },
      )
    }
  }

  missing(key: string, expected: string): void {
    const { problems, node } = this.context
    problems.add('E0702', [...this.path, key], `${this.show(key)} is missing; it must be ${expected}.`, {
      node,
      expected,
      found: 'nothing',
      help: `Add ${key} to ${this.path.length === 0 ? 'the top level' : `[${showPath(this.path)}]`}.`,
    })
  }

  /** Reports E0703 about the value of `key`. */
  bad(key: string, foundText: string, expected: string, help?: string): void {
    this.badAt([key], foundText, expected, help)
  }

  badAt(below: KeyPath, foundText: string, expected: string, help?: string): void {
    const path = [...this.path, ...below]
    const { problems, node } = this.context
    problems.add('E0703', path, `${showPath(path)} is ${foundText}; it must be ${expected}.`, {
      node,
      expected,
      found: foundText,
      help: help ?? `Write ${expected}.`,
    })
  }

  show(key: string): string {
    return showPath([...this.path, key])
  }

  private textOf(below: KeyPath, value: Value, expected = 'a text in quotes'): string | undefined {
    if (value instanceof OutsideText) return value.text
    if (typeof value !== 'string') {
      this.badAt(below, found(value), expected)
      return undefined
    }
    if (value.length > maxTextLength) {
      this.badAt(below, `${value.length} characters long`, `at most ${maxTextLength} characters long`)
      return undefined
    }
    return this.replaced(below, value)
  }

  private replaced(below: KeyPath, text: string): string {
    if (!text.includes('${')) return text
    const { environment, allowedNames, problems, node } = this.context
    const { value, faults } = interpolate(text, environment, allowedNames)
    for (const { name, why } of faults) {
      const path = [...this.path, ...below]
      const shown = quoted(name)
      problems.add(
        'E0705',
        path,
        why === 'undefined'
          ? `${showPath(path)} reads the environment variable ${shown}, which is not set.`
          : `${showPath(path)} reads the environment variable ${shown}, which the flow may not read.`,
        {
          node,
          expected:
            why === 'undefined' ? 'a variable that is set' : 'a variable listed in env_allow of the flow',
          found: shown,
          help:
            why === 'undefined'
              ? 'Set the variable, or write the value itself.'
              : 'Add the name to env_allow of the flow, or write the value itself.',
        },
      )
    }
    return value
  }

  private integerOf(below: KeyPath, value: Value, min: number, max: number): number | undefined {
    const given = value instanceof OutsideText ? value.number() : value
    if (typeof given === 'bigint' && given >= BigInt(min) && given <= BigInt(max)) return Number(given)
    this.badAt(below, found(value), `a whole number from ${min} to ${max}`)
    return undefined
  }
}

/** A value as messages show it: short. */
export function found(value: Value): string {
  if (value instanceof OutsideText) return quoted(value.text)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (value instanceof DateValue) return 'a date'
  if (typeof value === 'string') return quoted(value)
  return typeof value === 'object' ? 'a table' : String(value)
}
