/** Values of a flow file after its layers were laid on each other (spec flows 2, precedence). */
import { TomlDate, type TomlValue } from 'smol-toml'
import { pathKey, type KeyPath } from '../../../modules/manifest/locate.ts'
import type { Origin } from './problems.ts'

/** A date or a time: no key of a flow file takes one. */
export class DateValue {
  readonly kind = 'date'
}

/** Text from the environment or the command line: its key decides what it is read as. */
export class OutsideText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The number it is, or null. */
  number(): bigint | number | null {
    const text = this.text.trim()
    if (/^[+-]?\d{1,19}$/.test(text)) return BigInt(text.replace(/^\+/, ''))
    return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : null
  }

  /** Its parts between commas. */
  parts(): string[] {
    return this.text.trim() === '' ? [] : this.text.split(',').map((part) => part.trim())
  }
}

export interface Table {
  [key: string]: Value
}
export type Value = string | number | bigint | boolean | DateValue | OutsideText | Value[] | Table

export function isTable(value: Value | undefined): value is Table {
  return (
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof DateValue) &&
    !(value instanceof OutsideText)
  )
}

/** A parsed document as values of ours. */
export function fromToml(value: TomlValue): Value {
  if (Array.isArray(value)) return value.map((item) => fromToml(item))
  if (typeof value !== 'object') return value
  if (value instanceof TomlDate) return new DateValue()
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromToml(item)]))
}

/** Tables that lie on each other: the upper wins key by key, lists and texts as a whole. */
export class Layers {
  readonly root: Table = {}
  private readonly origins = new Map<string, (path: KeyPath) => Origin>()
  private readonly base: (path: KeyPath) => Origin

  constructor(base: (path: KeyPath) => Origin) {
    this.base = base
  }

  /** Lays a document over what is there. */
  lay(table: Table, originOf: (path: KeyPath) => Origin): void {
    this.merge(this.root, table, [], originOf)
  }

  /** Lays one value over what is there; tables on its way are made. False where the way leads through no table. */
  set(path: readonly string[], value: Value, origin: Origin): boolean {
    let table = this.root
    for (const part of path.slice(0, -1)) {
      const next = Object.hasOwn(table, part) ? table[part] : undefined
      if (next !== undefined && !isTable(next)) return false
      const child: Table = next ?? {}
      table[part] = child
      table = child
    }
    const last = path[path.length - 1]
    if (last === undefined) return false
    table[last] = value
    this.origins.set(pathKey(path), () => origin)
    return true
  }

  /** Where the value at `path` was set: in the layer that set it or the nearest part of its path. */
  originOf(path: KeyPath): Origin {
    for (let length = path.length; length > 0; length--) {
      const found = this.origins.get(pathKey(path.slice(0, length)))
      if (found !== undefined) return found(path)
    }
    return this.base(path)
  }

  private merge(target: Table, upper: Table, path: KeyPath, originOf: (path: KeyPath) => Origin): void {
    for (const [key, value] of Object.entries(upper)) {
      const below = [...path, key]
      const there = Object.hasOwn(target, key) ? target[key] : undefined
      if (isTable(value) && (there === undefined || isTable(there))) {
        const child: Table = there ?? {}
        target[key] = child
        this.origins.set(pathKey(below), originOf)
        this.merge(child, value, below, originOf)
      } else {
        target[key] = value
        this.origins.set(pathKey(below), originOf)
      }
    }
  }
}
