/** The codec of variants, which `result`, `option` and `enum` are kinds of. */
import { alignTo } from './layout.ts'
import type { Codec, FlatKind, FlatValue } from './layout.ts'
import { primitiveCodec } from './codec-primitive.ts'
import { trap } from './trap.ts'

interface Choice {
  readonly tag: string
  readonly codec: Codec | undefined
}

/** The core type that can carry either (canonical ABI, `join`). */
function join(a: FlatKind, b: FlatKind): FlatKind {
  if (a === b) return a
  return (a === 'i32' && b === 'f32') || (a === 'f32' && b === 'i32') ? 'i32' : 'i64'
}

const scratch = new DataView(new ArrayBuffer(8))

/** A value of core type `wanted` out of one that travelled as `joined`. */
function narrow(value: FlatValue | undefined, joined: FlatKind, wanted: FlatKind): FlatValue {
  if (joined === wanted) return value ?? 0
  if (joined === 'i64') scratch.setBigInt64(0, BigInt.asIntN(64, BigInt(value ?? 0)), true)
  else scratch.setInt32(0, Number(value), true)
  if (wanted === 'i32') return scratch.getInt32(0, true)
  return wanted === 'f32' ? scratch.getFloat32(0, true) : scratch.getFloat64(0, true)
}

/** The inverse of `narrow`. */
function widen(value: FlatValue | undefined, wanted: FlatKind, joined: FlatKind): FlatValue {
  if (joined === wanted) return value ?? 0
  scratch.setBigInt64(0, 0n, true)
  if (wanted === 'i32') scratch.setUint32(0, Number(value) >>> 0, true)
  else if (wanted === 'f32') scratch.setFloat32(0, Number(value), true)
  else scratch.setFloat64(0, Number(value), true)
  return joined === 'i64' ? scratch.getBigInt64(0, true) : scratch.getInt32(0, true)
}

export function compileVariant(choices: readonly Choice[]): Codec {
  const count = choices.length
  const discriminant = primitiveCodec(count <= 0x100 ? 'u8' : count <= 0x1_0000 ? 'u16' : 'u32')
  const discriminantSize = discriminant.size
  const payloadAlignment = Math.max(1, ...choices.map(({ codec }) => codec?.alignment ?? 1))
  const payloadSize = Math.max(0, ...choices.map(({ codec }) => codec?.size ?? 0))
  const alignment = Math.max(discriminantSize, payloadAlignment)
  const payloadOffset = alignTo(discriminantSize, payloadAlignment)

  const payloadFlat: FlatKind[] = []
  for (const { codec } of choices) {
    for (const [index, kind] of (codec?.flat ?? []).entries()) {
      const present = payloadFlat[index]
      payloadFlat[index] = present === undefined ? kind : join(present, kind)
    }
  }
  const zeroes = payloadFlat.map((kind) => (kind === 'i64' ? 0n : 0))
  const converts = choices.map(
    ({ codec }) => codec?.flat.some((kind, index) => kind !== payloadFlat[index]) ?? false,
  )
  const numbers = new Map(choices.map(({ tag }, index) => [tag, index]))

  const choose = (index: number): Choice => {
    const choice = choices[index]
    return choice ?? trap(`discriminant ${index} is none of ${count} cases`)
  }
  const numberOf = (value: unknown): number => {
    const tag = typeof value === 'object' && value !== null ? (value as { tag?: unknown }).tag : undefined
    const index = typeof tag === 'string' ? numbers.get(tag) : undefined
    if (index === undefined) throw new TypeError(`${String(tag)} is no case of the variant`)
    return index
  }

  return {
    size: alignTo(payloadOffset + payloadSize, alignment),
    alignment,
    flat: ['i32', ...payloadFlat],
    scalar: false,
    load(memory, pointer) {
      const { view } = memory
      const index =
        discriminantSize === 1
          ? view.getUint8(pointer)
          : discriminantSize === 2
            ? view.getUint16(pointer, true)
            : view.getUint32(pointer, true)
      const { tag, codec } = choose(index)
      return { tag, val: codec?.load(memory, pointer + payloadOffset) }
    },
    lift(memory, flat, at) {
      const index = Number(flat[at]) >>> 0
      const { tag, codec } = choose(index)
      if (codec === undefined) return { tag, val: undefined }
      if (converts[index] !== true) return { tag, val: codec.lift(memory, flat, at + 1) }
      const values = codec.flat.map((kind, slot) =>
        narrow(flat[at + 1 + slot], payloadFlat[slot] ?? kind, kind),
      )
      return { tag, val: codec.lift(memory, values, 0) }
    },
    store(memory, pointer, value) {
      const index = numberOf(value)
      discriminant.store(memory, pointer, index)
      choices[index]?.codec?.store(memory, pointer + payloadOffset, (value as { val?: unknown }).val)
    },
    lower(memory, value, out, at) {
      const index = numberOf(value)
      out[at] = index
      const codec = choices[index]?.codec
      const used = codec?.flat.length ?? 0
      for (let slot = used; slot < zeroes.length; slot += 1) out[at + 1 + slot] = zeroes[slot] ?? 0
      if (codec === undefined) return
      codec.lower(memory, (value as { val?: unknown }).val, out, at + 1)
      if (converts[index] !== true) return
      for (const [slot, kind] of codec.flat.entries()) {
        out[at + 1 + slot] = widen(out[at + 1 + slot], kind, payloadFlat[slot] ?? kind)
      }
    },
  }
}
