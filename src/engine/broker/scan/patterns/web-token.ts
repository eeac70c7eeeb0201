/** Finds JSON Web Tokens: three parts with dots between them, the first of which is a header (spec tools 6). */

/** A first part beyond it counts as a header without a look. */
const maxHeaderBytes = 65_536
/** `{"alg":""}` in base64url. */
const minHeaderBytes = 14
/** Places in one part where a header may begin; with more of them the part counts as one. */
const maxBeginnings = 8

interface Part {
  readonly start: number
  readonly end: number
  /** Where a header begins in it, or -1. */
  readonly header: number
}

/** Told of each part (a run of base64url) in ascending order; keeps the last two of a chain. */
export class WebTokenWatch {
  private readonly bytes: Uint8Array
  private before: Part | null = null
  private last: Part | null = null
  /** Where `eyJ` was in the part that is being read. */
  private beginnings: number[] = []
  /** Bytes that were decoded. */
  work = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** `eyJ` begins here. */
  onBeginning(start: number): void {
    if (this.beginnings.length <= maxBeginnings) this.beginnings.push(start)
  }

  /** A part ends; the start of the token that ends with it, or -1. `isDot` tells whether another part may follow. */
  onPart(start: number, end: number, isDot: boolean): number {
    const { before, last } = this
    const isToken = before !== null && last !== null && before.header >= 0 && last.end > last.start
    if (isDot) {
      this.before = last
      this.last = { start, end, header: this.headerIn(start, end) }
    } else {
      this.before = null
      this.last = null
    }
    this.beginnings = []
    return isToken ? before.header : -1
  }

  private headerIn(start: number, end: number): number {
    if (end - start < minHeaderBytes) return -1
    if (end - start > maxHeaderBytes) return start
    if (this.isHeader(start, end)) return start
    if (this.beginnings.length > maxBeginnings) return this.beginnings[0] ?? start
    for (const beginning of this.beginnings) {
      if (beginning !== start && this.isHeader(beginning, end)) return beginning
    }
    return -1
  }

  /** Whether it is JSON with a string `alg`. */
  private isHeader(start: number, end: number): boolean {
    const text = (to: number): string =>
      Buffer.from(
        Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, to - start).toString('latin1'),
        'base64url',
      ).toString('utf8')
    // Almost everything else is known by its first letters.
    if (!/^\s*(?:\{|$)/.test(text(Math.min(end, start + 8)))) return false
    this.work += end - start
    try {
      const header: unknown = JSON.parse(text(end))
      return (
        typeof header === 'object' && header !== null && 'alg' in header && typeof header.alg === 'string'
      )
    } catch {
      return false
    }
  }
}
