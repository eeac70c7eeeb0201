/**
 * What the rewriter knows about opcodes: how long their immediates are, and what they cost.
 * An opcode that is not listed is refused; nothing is ever skipped by guesswork.
 */
import type { PaddockError } from '../../../shared/errors.ts'
import { ByteReader, meterError } from './bytes.ts'

/** Layout of an instruction's immediates; `Bytes + n` stands for n bytes of fixed size. */
export const Layout = {
  Unknown: 0,
  Leb: 1,
  TwoLebs: 2,
  Memarg: 3,
  MemargLane: 4,
  ValueTypes: 5,
  Control: 6,
  Bytes: 16,
}
const { Leb, TwoLebs, Memarg, MemargLane, ValueTypes, Control, Bytes } = Layout
const None = Bytes

type Range = readonly [first: number, last: number, layout: number]

function layouts(...ranges: readonly Range[]): (code: number) => number {
  const table = new Uint8Array(Math.max(...ranges.map((range) => range[1])) + 1) // everything else is Unknown
  for (const [first, last, layout] of ranges) table.fill(layout, first, last + 1)
  return (code) => table[code] ?? Layout.Unknown
}

/** One-byte opcodes. The plan decodes those marked Control itself. */
export const layoutOf = layouts(
  [0x00, 0x15, Control], // blocks, branches, calls, exceptions
  [0x18, 0x1a, Control], // delegate, catch_all; drop (free of charge)
  [0x1b, 0x1b, None], // select
  [0x1c, 0x1c, ValueTypes], // select with types
  [0x1f, 0x1f, Control], // try_table
  [0x20, 0x24, Control], // local.*, global.* (their indices are checked)
  [0x25, 0x26, Leb], // table.get, table.set
  [0x28, 0x3e, Memarg], // loads and stores
  [0x3f, 0x3f, Leb], // memory.size
  [0x40, 0x40, Control], // memory.grow
  [0x41, 0x42, Leb], // i32.const, i64.const
  [0x43, 0x43, Bytes + 4],
  [0x44, 0x44, Bytes + 8],
  [0x45, 0xc4, None], // numeric, sign extension
  [0xd0, 0xd0, Leb], // ref.null
  [0xd1, 0xd1, None], // ref.is_null
  [0xd2, 0xd2, Leb], // ref.func
  [0xd3, 0xd4, None], // ref.eq, ref.as_non_null
  [0xd5, 0xd6, Control], // br_on_null, br_on_non_null
  [0xfb, 0xfe, Control], // prefixes
)
/** 0xFC: saturating truncation, then memory.* and table.*, of which those with a length are Control. */
export const layoutOfMemory = layouts(
  [0, 7, None],
  [8, 8, Control],
  [9, 9, Leb],
  [10, 12, Control],
  [13, 13, Leb],
  [14, 15, Control],
  [16, 16, Leb],
  [17, 17, Control],
)
/** 0xFD: SIMD, and from 0x100 on relaxed SIMD. The gaps were never assigned. */
export const firstRelaxedSimd = 0x100
export const layoutOfVector = layouts(
  [0x00, 0x0b, Memarg],
  [0x0c, 0x0d, Bytes + 16],
  [0x0e, 0x14, None],
  [0x15, 0x22, Bytes + 1],
  [0x23, 0x53, None],
  [0x54, 0x5b, MemargLane],
  [0x5c, 0x5d, Memarg],
  [0x5e, 0x99, None],
  [0x9b, 0xa1, None],
  [0xa3, 0xa4, None],
  [0xa7, 0xae, None],
  [0xb1, 0xb1, None],
  [0xb5, 0xba, None],
  [0xbc, 0xc1, None],
  [0xc3, 0xc4, None],
  [0xc7, 0xce, None],
  [0xd1, 0xd1, None],
  [0xd5, 0xe1, None],
  [0xe3, 0xed, None],
  [0xef, 0xff, None],
  [0x100, 0x113, None],
)
/** 0xFE: atomics. */
export const layoutOfAtomic = layouts([0x00, 0x02, Memarg], [0x03, 0x03, Bytes + 1], [0x10, 0x4e, Memarg])

/** Steps over the immediates of the instruction whose opcode stands at `at`. */
export function skipImmediates(reader: ByteReader, layout: number, at: number): void {
  if (layout === Layout.Unknown || layout === Control) throw unknownOpcode(reader, at)
  if (layout >= Bytes) reader.pos += layout - Bytes
  else if (layout === ValueTypes) for (let n = reader.u32(); n > 0; n--) skipValueType(reader)
  else if (layout <= TwoLebs) {
    reader.skipLeb()
    if (layout === TwoLebs) reader.skipLeb()
  } else {
    if ((reader.u32() & 0x40) !== 0) reader.skipLeb() // an explicit memory index follows the alignment
    reader.skipLeb()
    if (layout === MemargLane) reader.pos++
  }
}

function unknownOpcode(reader: ByteReader, at: number): PaddockError {
  const first = reader.bytes[at] ?? 0
  const hex = (code: number): string => `0x${code.toString(16)}`
  const prefixed = first >= 0xfb && first <= 0xfe ? ` ${hex(new ByteReader(reader.bytes, at + 1).u32())}` : ''
  return meterError('compiler.unsupported_opcode', `unknown opcode ${hex(first)}${prefixed}`, at)
}

/** Steps over a value type; tells whether it is an exception reference. */
export function skipValueType(reader: ByteReader): boolean {
  const at = reader.pos
  const byte = reader.u8()
  if (byte >= 0x69 && byte <= 0x7f && (byte <= 0x74 || byte >= 0x7b)) return byte === 0x69 || byte === 0x74 // exn, noexn
  if (byte !== 0x63 && byte !== 0x64)
    throw meterError('compiler.unsupported_opcode', `unknown value type 0x${byte.toString(16)}`, at)
  const heapType = reader.peek() // (ref null? heaptype)
  reader.skipLeb()
  return heapType === 0x69 || heapType === 0x74
}

/** A block type is empty, a value type, or a type index. */
export function skipBlockType(reader: ByteReader): void {
  const byte = reader.peek()
  if (byte === 0x40) reader.pos++
  else if ((byte & 0xc0) === 0x40)
    skipValueType(reader) // negative in one byte
  else reader.skipLeb()
}

const flatCosts = new Uint16Array(256).fill(1)
for (const free of [0x00, 0x01, 0x02, 0x03, 0x05, 0x0b, 0x0f, 0x1a]) flatCosts[free] = 0 // no code of their own
for (const free of [0x06, 0x07, 0x18, 0x19, 0x1f]) flatCosts[free] = 0 // try, catch, delegate, catch_all, try_table
for (const thrown of [0x08, 0x09, 0x0a]) flatCosts[thrown] = 100 // throw, rethrow, throw_ref
flatCosts[0x40] = 1000 // memory.grow

/** Flat cost of an opcode: 1, except what generates no code of its own, and what is far slower than the rest. */
export function flatCost(opcode: number): number {
  return flatCosts[opcode] ?? 0
}

/** Entering a function costs 1, and 1 more for every so many locals it has to zero. */
export const localsPerFuel = 16
/** memory.copy, fill and init cost 1 per 2^3 bytes; memory.grow as if it filled the new pages. */
export const bytesShift = 3
export const pageShift = 16 - bytesShift
/** A 64-bit length is clamped to this before it is charged: no operand may wrap the counter around. */
export const lengthClamp = 1n << 40n
