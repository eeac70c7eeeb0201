/** A reader over a core module, a growable writer, and the metering's errors. */
import { PaddockError } from '../../../shared/errors.ts'

/** An error of the rewriter: `component.malformed`, `compiler.unsupported_opcode` or `compiler.over_limit`. */
export function meterError(
  code: 'component.malformed' | 'compiler.unsupported_opcode' | 'compiler.over_limit',
  what: string,
  offset?: number,
): PaddockError {
  const place = offset === undefined ? '' : ` (at byte ${offset} of a core module)`
  return new PaddockError(code, `The component cannot be metered: ${what}${place}.`, {
    details: offset === undefined ? { what } : { what, offset },
  })
}

/** Garbage-collected objects are refused as a whole: they live in no memory that has a cap. */
export function collectedObjects(offset: number): PaddockError {
  return meterError(
    'compiler.unsupported_opcode',
    'collected objects (struct, array, i31) escape the memory cap',
    offset,
  )
}

const decoder = new TextDecoder()

export class ByteReader {
  readonly bytes: Uint8Array
  pos: number

  constructor(bytes: Uint8Array, pos = 0) {
    this.bytes = bytes
    this.pos = pos
  }

  u8(): number {
    const byte = this.bytes[this.pos++]
    if (byte === undefined) throw meterError('component.malformed', 'it ends too early', this.pos - 1)
    return byte
  }

  /** The byte at the position, which stays where it is; -1 at the end. */
  peek(): number {
    return this.bytes[this.pos] ?? -1
  }

  /** Unsigned LEB128 of at most 32 bits. Padded encodings are legal. */
  u32(): number {
    let byte = this.u8()
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; shift <= 28; shift += 7) {
      byte = this.u8()
      value |= (byte & 0x7f) << shift
      if (byte < (shift === 28 ? 0x10 : 0x80)) return value >>> 0
    }
    throw meterError('component.malformed', 'bad integer', this.pos)
  }

  u64(): bigint {
    let value = 0n
    for (let shift = 0n; shift <= 63n; shift += 7n) {
      const byte = this.u8()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80 && value < 1n << 64n) return value
    }
    throw meterError('component.malformed', 'bad integer', this.pos)
  }

  /** Steps over one LEB128 of either signedness; the engine judges its value later. */
  skipLeb(): void {
    const start = this.pos
    while (this.u8() >= 0x80);
    if (this.pos - start > 10) throw meterError('component.malformed', 'bad integer', start)
  }

  name(): string {
    const length = this.u32()
    this.pos += length
    return decoder.decode(this.bytes.subarray(this.pos - length, this.pos))
  }
}

export class ByteWriter {
  bytes: Uint8Array
  length = 0

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity)
  }

  u8(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1)
    this.bytes[this.length++] = value
  }

  u32(value: number): void {
    for (; value >= 0x80; value >>>= 7) this.u8((value & 0x7f) | 0x80)
    this.u8(value)
  }

  u64(value: bigint): void {
    for (; value >= 0x80n; value >>= 7n) this.u8(Number(value & 0x7fn) | 0x80)
    this.u8(Number(value))
  }

  /** Signed LEB128 of a number that is not negative, for `i64.const`. */
  s32(value: number): void {
    for (; value >= 0x40; value >>>= 7) this.u8((value & 0x7f) | 0x80)
    this.u8(value)
  }

  s64(value: bigint): void {
    for (; value >= 0x40n || value < -0x40n; value >>= 7n) this.u8(Number(value & 0x7fn) | 0x80)
    this.u8(Number(value & 0x7fn))
  }

  copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start
    this.reserve(count)
    if (count > 48) this.bytes.set(source.subarray(start, end), this.length)
    else for (let i = 0; i < count; i++) this.bytes[this.length + i] = source[start + i] ?? 0 // cheaper than the call
    this.length += count
  }

  private reserve(extra: number): void {
    if (this.length + extra <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + extra))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}
