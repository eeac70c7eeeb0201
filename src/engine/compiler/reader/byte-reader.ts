/**
 * A strict cursor over a component's bytes: every read is checked, every failure is typed.
 *
 * Reading past the end of the file is `component.truncated`; past the end of a section that the file
 * does hold is `component.malformed`. Both carry the byte offset in their details.
 */
import { PaddockError } from '../../../shared/errors.ts'

/** Items of every kind decoded in one component; real ones have thousands, only hostile ones more. */
const maxWork = 1_000_000
const maxNameBytes = 1024
/** Components, instance types and component types within each other; toolchains nest two or three. */
const maxNesting = 32

/**
 * What no name may hold: the transpiler writes names into JavaScript string literals as they are, so a quote, a
 * backslash or a line end would let a component write code of its own that runs with the sandbox's powers.
 */
const wildName = /['"`\\\u0000-\u001f\u007f\u2028\u2029]|^__proto__$/u

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class ByteReader {
  readonly bytes: Uint8Array
  position: number
  /** Where the innermost section ends. */
  end: number
  private work = 0
  private nesting = 0

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes
    this.position = position
    this.end = bytes.length
  }

  malformed(what: string, offset = this.position): PaddockError {
    const message = `The component is malformed at byte ${offset}: ${what}.`
    return new PaddockError('component.malformed', message, { details: { offset } })
  }

  /** The error for `count` bytes wanted where fewer are left. */
  private short(offset: number): PaddockError {
    if (this.end < this.bytes.length) return this.malformed('a section ends within an item', offset)
    const message = `The component is truncated: the file ends at byte ${this.bytes.length}, before its contents do.`
    return new PaddockError('component.truncated', message, { details: { offset } })
  }

  u8(): number {
    const byte = this.position < this.end ? this.bytes[this.position] : undefined
    if (byte === undefined) throw this.short(this.position)
    this.position++
    return byte
  }

  /** Unsigned LEB128 of at most 32 bits; padding within five bytes is legal. */
  u32(): number {
    const start = this.position
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8()
      if (shift === 28 && byte > 0x0f) throw this.malformed('an integer is too large', start)
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw this.malformed('an integer is too long', start)
  }

  /** The length of a vector, each of whose items takes at least one byte. */
  count(): number {
    const start = this.position
    const count = this.u32()
    if (count > this.end - this.position) {
      if (count > this.bytes.length || this.end < this.bytes.length) {
        throw this.malformed(`${count} items cannot fit into what is left`, start)
      }
      throw this.short(start)
    }
    this.spend(count)
    return count
  }

  /** A length-prefixed UTF-8 string of at most `maxBytes` bytes that is safe within JavaScript's quotes. */
  text(maxBytes = maxNameBytes): string {
    const start = this.position
    const length = this.u32()
    if (length > this.end - this.position) throw this.short(start)
    if (length > maxBytes) throw this.malformed('a name is too long', start)
    this.spend(1)
    const bytes = this.bytes.subarray(this.position, this.position + length)
    this.position += length
    let text: string
    try {
      text = utf8.decode(bytes)
    } catch (cause) {
      throw new PaddockError('component.malformed', this.malformed('a name is not UTF-8', start).message, {
        details: { offset: start },
        cause,
      })
    }
    if (wildName.test(text)) throw this.malformed('a name holds what no name may', start)
    return text
  }

  skip(length: number): void {
    if (length > this.end - this.position) throw this.short(this.position)
    this.position += length
  }

  /** Reads within the next `length` bytes, all of which must be used. */
  within(length: number, read: () => void): void {
    if (length > this.end - this.position) throw this.short(this.position)
    const outer = this.end
    this.end = this.position + length
    read()
    if (this.position !== this.end) throw this.malformed('a section holds more than its items')
    this.end = outer
  }

  /** Reads again from `start` with the bounds that held there, and comes back. */
  revisit<T>(start: number, end: number, read: () => T): T {
    const { position, end: outer } = this
    this.position = start
    this.end = end
    const result = read()
    this.position = position
    this.end = outer
    return result
  }

  nested<T>(read: () => T): T {
    if (this.nesting >= maxNesting) throw this.malformed('it is nested too deeply')
    this.nesting++
    const result = read()
    this.nesting--
    return result
  }

  /** Counts work, so that no small file can ask for much of it. */
  spend(items: number): void {
    this.work += items
    if (this.work > maxWork) throw this.malformed('it asks for too much work')
  }
}
