/**
 * Finds where keys of a TOML document stand, because the parser gives places for syntax errors only.
 * It reads documents that have parsed already, so it need not judge them.
 */

/** A place in a text, both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Where a key stands and where its value begins. `valueAt` is null for a table header. */
export interface KeyPlace extends Place {
  readonly valueAt: number | null
}

export type KeyPath = readonly (string | number)[]

/** Places of all keys, headers and inline tables included, by `pathKey`. */
export type KeyPlaces = ReadonlyMap<string, KeyPlace>

/** The map key of a path; numbers are positions in an array of tables, from 0. */
export function pathKey(path: KeyPath): string {
  return JSON.stringify(path)
}

/** The place of `path`, or of the nearest part of it that stands in the text. */
export function placeOf(places: KeyPlaces, path: KeyPath): Place | null {
  for (let length = path.length; length > 0; length--) {
    const found = places.get(pathKey(path.slice(0, length)))
    if (found !== undefined) return { line: found.line, column: found.column }
  }
  return null
}

/** Deepest nesting that is looked into; keys below it are found by their parents. */
const maxDepth = 64

/** Scans a document that smol-toml accepted. */
export function locateKeys(text: string): KeyPlaces {
  return new Scanner(text).run()
}

class Scanner {
  private readonly text: string
  private at = 0
  private readonly places = new Map<string, KeyPlace>()
  private readonly lineStarts: number[] = [0]
  /** How many tables each array of tables has so far. */
  private readonly counts = new Map<string, number>()

  constructor(text: string) {
    this.text = text
    for (let index = text.indexOf('\n'); index !== -1; index = text.indexOf('\n', index + 1)) {
      this.lineStarts.push(index + 1)
    }
  }

  run(): KeyPlaces {
    if (this.text.startsWith('\ufeff')) this.at = 1
    let table: KeyPath = []
    for (;;) {
      this.skipBlank(true)
      if (this.at >= this.text.length) return this.places
      const before = this.at
      if (this.peek() === '[') table = this.header()
      else this.entry(table, 0)
      // Only a text that does not parse can stop the scan from advancing.
      if (this.at === before) return this.places
    }
  }

  private header(): KeyPath {
    const start = this.at
    const isArray = this.text.startsWith('[[', start)
    this.at += isArray ? 2 : 1
    const keys = this.key()
    while (this.at < this.text.length && this.peek() === ']') this.at++
    const last = keys[keys.length - 1]
    let path: (string | number)[] = []
    for (const part of keys.slice(0, -1)) path = this.entered([...path, part.name])
    if (last === undefined) return path
    path = [...path, last.name]
    this.record(path, start, null)
    if (!isArray) return path
    const counted = pathKey(path)
    const index = this.counts.get(counted) ?? 0
    this.counts.set(counted, index + 1)
    path = [...path, index]
    this.record(path, start, null)
    return path
  }

  /** `path`, within its newest element when it is an array of tables. */
  private entered(path: (string | number)[]): (string | number)[] {
    const count = this.counts.get(pathKey(path))
    return count === undefined ? path : [...path, count - 1]
  }

  private entry(table: KeyPath, depth: number): void {
    const parts = this.key()
    if (this.peek() === '=') this.at++
    this.skipBlank(false)
    const path: (string | number)[] = [...table]
    for (const [index, part] of parts.entries()) {
      path.push(part.name)
      if (path.length <= maxDepth) this.record(path, part.at, index === parts.length - 1 ? this.at : null)
    }
    this.value(path, depth)
  }

  private record(path: KeyPath, at: number, valueAt: number | null): void {
    const key = pathKey(path)
    if (!this.places.has(key)) this.places.set(key, { ...this.place(at), valueAt })
  }

  private place(at: number): Place {
    let low = 0
    let high = this.lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.lineStarts[middle] ?? 0) <= at) low = middle
      else high = middle - 1
    }
    const start = this.lineStarts[low] ?? 0
    const mark = low === 0 && this.text.startsWith('\ufeff') ? 1 : 0
    return { line: low + 1, column: at - start - mark + 1 }
  }

  private key(): { name: string; at: number }[] {
    const parts: { name: string; at: number }[] = []
    for (;;) {
      this.skipBlank(false)
      const at = this.at
      const quote = this.peek()
      if (quote === '"' || quote === "'") {
        this.skipString()
        const raw = this.text.slice(at + 1, this.at - 1)
        parts.push({ name: quote === '"' ? unescape(raw) : raw, at })
      } else {
        while (this.at < this.text.length && /[A-Za-z0-9_-]/.test(this.peek())) this.at++
        parts.push({ name: this.text.slice(at, this.at), at })
      }
      this.skipBlank(false)
      if (this.peek() !== '.') return parts
      this.at++
    }
  }

  private value(path: KeyPath, depth: number): void {
    const first = this.peek()
    if (first === '"' || first === "'") this.skipString()
    else if (first === '[') this.array(path, depth)
    else if (first === '{') this.inlineTable(path, depth)
    else while (this.at < this.text.length && !/[,\]}\n#]/.test(this.peek())) this.at++
  }

  private array(path: KeyPath, depth: number): void {
    this.at++
    for (let index = 0; this.at < this.text.length; index++) {
      this.skipBlank(true)
      if (this.peek() === ']') break
      const item = [...path, index]
      if (depth < maxDepth) this.record(item, this.at, this.at)
      this.value(item, depth + 1)
      this.skipBlank(true)
      if (this.peek() !== ',') break
      this.at++
    }
    if (this.peek() === ']') this.at++
  }

  private inlineTable(path: KeyPath, depth: number): void {
    this.at++
    while (this.at < this.text.length) {
      this.skipBlank(true)
      if (this.peek() === '}') break
      this.entry(path, depth + 1)
      this.skipBlank(true)
      if (this.peek() !== ',') break
      this.at++
    }
    if (this.peek() === '}') this.at++
  }

  /** Skips a string of any of the four kinds, from its first quote to behind its last. */
  private skipString(): void {
    const quote = this.peek()
    const long = quote.repeat(3)
    if (this.text.startsWith(long, this.at)) {
      this.at += 3
      while (this.at < this.text.length && !this.text.startsWith(long, this.at)) {
        this.at += quote === '"' && this.peek() === '\\' ? 2 : 1
      }
      this.at += 3
      // Up to two more quotes belong to the string's end.
      for (let extra = 0; extra < 2 && this.peek() === quote; extra++) this.at++
      return
    }
    this.at++
    while (this.at < this.text.length && this.peek() !== quote) {
      this.at += quote === '"' && this.peek() === '\\' ? 2 : 1
    }
    this.at++
  }

  private skipBlank(lines: boolean): void {
    while (this.at < this.text.length) {
      const letter = this.peek()
      if (letter === '#' && lines) {
        const end = this.text.indexOf('\n', this.at)
        this.at = end === -1 ? this.text.length : end
      } else if (letter === ' ' || letter === '\t' || (lines && (letter === '\n' || letter === '\r')))
        this.at++
      else return
    }
  }

  private peek(): string {
    return this.text.charAt(this.at)
  }
}

const escapes: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b' }

function unescape(raw: string): string {
  return raw.replace(
    /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))/g,
    (_, four, eight, two, one) => {
      const code = (four ?? eight ?? two) as string | undefined
      if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16))
      return escapes[one as string] ?? (one as string)
    },
  )
}
