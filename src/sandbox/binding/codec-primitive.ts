/** Codecs of numbers, booleans and characters. */
import type { Codec, FlatKind, FlatValue } from './layout.ts'
import { trap } from './trap.ts'
import type { PrimitiveName } from './types.ts'

interface Access<T> {
  readonly size: number
  readonly flat: FlatKind
  readonly get: (view: DataView, pointer: number) => T
  readonly set: (view: DataView, pointer: number, value: T) => void
  /** The value that a core value stands for; bits beyond its width are ignored, as the canonical ABI says. */
  readonly narrow: (value: FlatValue | undefined) => T
  /** Throws `TypeError` where the host's value is none of this type. */
  readonly expect: (value: unknown) => T
}

function codec<T extends FlatValue>(access: Access<T>): Codec {
  const { size, flat, get, set, narrow, expect } = access
  return {
    size,
    alignment: size,
    flat: [flat],
    scalar: true,
    load: (memory, pointer) => get(memory.view, pointer),
    store: (memory, pointer, value) => set(memory.view, pointer, expect(value)),
    lift: (_memory, values, at) => narrow(values[at]),
    lower(_memory, value, out, at) {
      out[at] = expect(value)
    },
  }
}

function integer(name: string, minimum: number, maximum: number): (value: unknown) => number {
  return (value) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum)
      return value
    throw new TypeError(`${String(value)} is no ${name}`)
  }
}

function bigInteger(name: string, minimum: bigint, maximum: bigint): (value: unknown) => bigint {
  return (value) => {
    if (typeof value === 'bigint' && value >= minimum && value <= maximum) return value
    throw new TypeError(`${String(value)} is no ${name}`)
  }
}

function float(value: unknown): number {
  if (typeof value === 'number') return value
  throw new TypeError(`${String(value)} is no number`)
}

const u32 = codec<number>({
  size: 4,
  flat: 'i32',
  get: (view, pointer) => view.getUint32(pointer, true),
  set: (view, pointer, value) => view.setUint32(pointer, value, true),
  narrow: (value) => Number(value) >>> 0,
  expect: integer('u32', 0, 0xffff_ffff),
})

const bool: Codec = {
  size: 1,
  alignment: 1,
  flat: ['i32'],
  scalar: true,
  load: (memory, pointer) => memory.view.getUint8(pointer) !== 0,
  store: (memory, pointer, value) => memory.view.setUint8(pointer, expectBoolean(value) ? 1 : 0),
  lift: (_memory, flat, at) => flat[at] !== 0,
  lower(_memory, value, out, at) {
    out[at] = expectBoolean(value) ? 1 : 0
  },
}

function expectBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`${String(value)} is no boolean`)
}

function characterOf(code: number): string {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return trap(`${code} is no Unicode scalar value`)
  return String.fromCodePoint(code)
}

function codeOf(value: unknown): number {
  if (typeof value === 'string') {
    const code = value.codePointAt(0)
    const single = code !== undefined && String.fromCodePoint(code) === value
    if (single && (code < 0xd800 || code > 0xdfff)) return code
  }
  throw new TypeError('a char must be one Unicode scalar value')
}

const char: Codec = {
  ...u32,
  load: (memory, pointer) => characterOf(memory.view.getUint32(pointer, true)),
  store: (memory, pointer, value) => memory.view.setUint32(pointer, codeOf(value), true),
  lift: (_memory, flat, at) => characterOf(Number(flat[at]) >>> 0),
  lower(_memory, value, out, at) {
    out[at] = codeOf(value)
  },
}

const primitives: Readonly<Record<Exclude<PrimitiveName, 'string'>, Codec>> = {
  bool,
  char,
  u32,
  u8: codec<number>({
    size: 1,
    flat: 'i32',
    get: (view, pointer) => view.getUint8(pointer),
    set: (view, pointer, value) => view.setUint8(pointer, value),
    narrow: (value) => Number(value) & 0xff,
    expect: integer('u8', 0, 0xff),
  }),
  s8: codec<number>({
    size: 1,
    flat: 'i32',
    get: (view, pointer) => view.getInt8(pointer),
    set: (view, pointer, value) => view.setInt8(pointer, value),
    narrow: (value) => (Number(value) << 24) >> 24,
    expect: integer('s8', -0x80, 0x7f),
  }),
  u16: codec<number>({
    size: 2,
    flat: 'i32',
    get: (view, pointer) => view.getUint16(pointer, true),
    set: (view, pointer, value) => view.setUint16(pointer, value, true),
    narrow: (value) => Number(value) & 0xffff,
    expect: integer('u16', 0, 0xffff),
  }),
  s16: codec<number>({
    size: 2,
    flat: 'i32',
    get: (view, pointer) => view.getInt16(pointer, true),
    set: (view, pointer, value) => view.setInt16(pointer, value, true),
    narrow: (value) => (Number(value) << 16) >> 16,
    expect: integer('s16', -0x8000, 0x7fff),
  }),
  s32: codec<number>({
    size: 4,
    flat: 'i32',
    get: (view, pointer) => view.getInt32(pointer, true),
    set: (view, pointer, value) => view.setInt32(pointer, value, true),
    narrow: (value) => Number(value) | 0,
    expect: integer('s32', -0x8000_0000, 0x7fff_ffff),
  }),
  u64: codec<bigint>({
    size: 8,
    flat: 'i64',
    get: (view, pointer) => view.getBigUint64(pointer, true),
    set: (view, pointer, value) => view.setBigUint64(pointer, value, true),
    narrow: (value) => BigInt.asUintN(64, BigInt(value ?? 0)),
    expect: bigInteger('u64', 0n, 0xffff_ffff_ffff_ffffn),
  }),
  s64: codec<bigint>({
    size: 8,
    flat: 'i64',
    get: (view, pointer) => view.getBigInt64(pointer, true),
    set: (view, pointer, value) => view.setBigInt64(pointer, value, true),
    narrow: (value) => BigInt.asIntN(64, BigInt(value ?? 0)),
    expect: bigInteger('s64', -0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn),
  }),
  f32: codec<number>({
    size: 4,
    flat: 'f32',
    get: (view, pointer) => view.getFloat32(pointer, true),
    set: (view, pointer, value) => view.setFloat32(pointer, value, true),
    narrow: Number,
    expect: float,
  }),
  f64: codec<number>({
    size: 8,
    flat: 'f64',
    get: (view, pointer) => view.getFloat64(pointer, true),
    set: (view, pointer, value) => view.setFloat64(pointer, value, true),
    narrow: Number,
    expect: float,
  }),
}

export function primitiveCodec(kind: Exclude<PrimitiveName, 'string'>): Codec {
  return primitives[kind]
}
