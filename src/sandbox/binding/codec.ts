/**
 * Compiles a type into closures that move its values between JavaScript and a guest, by the canonical ABI.
 *
 * Loading and lifting never trust the guest: every pointer, length, discriminant and text is checked. Lowering checks
 * the host's own values too; a wrong one is a fault of the host (`TypeError`), not a trap.
 */
import { compileVariant } from './codec-variant.ts'
import { alignTo } from './layout.ts'
import type { Codec, FlatKind, FlatValue } from './layout.ts'
import { primitiveCodec } from './codec-primitive.ts'
import { bytesCodec, stringCodec } from './codec-text.ts'
import { trap } from './trap.ts'
import type { ResourceKind, Shape } from './types.ts'

const compiled = new WeakMap<Shape, Codec>()

/** The codec of a type; the same shape object is compiled once. */
export function codecOf(shape: Shape): Codec {
  const known = compiled.get(shape)
  if (known !== undefined) return known
  const codec = compile(shape)
  compiled.set(shape, codec)
  return codec
}

function compile(shape: Shape): Codec {
  switch (shape.kind) {
    case 'string':
      return stringCodec
    case 'bytes':
      return bytesCodec
    case 'list':
      return compileList(codecOf(shape.element))
    case 'option':
      return compileOption(codecOf(shape.element))
    case 'record':
      return compileFields(shape.fields.map(({ key, shape: field }) => [key, codecOf(field)]))
    case 'tuple':
      return compileTuple(shape.elements.map(codecOf))
    case 'variant':
      return compileVariant(
        shape.cases.map(({ tag, shape: payload }) => ({ tag, codec: payload && codecOf(payload) })),
      )
    case 'enum':
      return compileEnum(shape.labels)
    case 'flags':
      return compileFlags(shape.labels)
    case 'own':
    case 'borrow':
      return compileHandle(shape.resource, shape.kind === 'own')
    default:
      return primitiveCodec(shape.kind)
  }
}

/** Elements cost the host memory of their own, however small they are in the guest. */
const minimalElementCost = 32

function compileList(element: Codec): Codec {
  const { size, alignment } = element
  const cost = Math.max(size, element.scalar ? 8 : minimalElementCost)

  const read: Codec['load'] = (memory, pointer) => {
    const start = memory.view.getUint32(pointer, true)
    const length = memory.view.getUint32(pointer + 4, true)
    return readAt(memory, start, length)
  }
  const readAt = (memory: Parameters<Codec['load']>[0], start: number, length: number): unknown[] => {
    memory.guest.charge(length * cost)
    memory.check(start, length * size, alignment)
    const values = new Array<unknown>(length)
    for (let index = 0; index < length; index += 1) values[index] = element.load(memory, start + index * size)
    return values
  }
  const write = (memory: Parameters<Codec['load']>[0], value: unknown): [number, number] => {
    if (!isArrayLike(value)) throw new TypeError('a list must be an array')
    memory.guest.charge(value.length * size)
    const start = memory.allocate(value.length * size, alignment)
    for (let index = 0; index < value.length; index += 1)
      element.store(memory, start + index * size, value[index])
    return [start, value.length]
  }
  return {
    size: 8,
    alignment: 4,
    flat: ['i32', 'i32'],
    scalar: false,
    load: read,
    lift: (memory, flat, at) => readAt(memory, unsigned(flat[at]), unsigned(flat[at + 1])),
    store(memory, pointer, value) {
      const [start, length] = write(memory, value)
      memory.view.setUint32(pointer, start, true)
      memory.view.setUint32(pointer + 4, length, true)
    },
    lower(memory, value, out, at) {
      const [start, length] = write(memory, value)
      out[at] = start
      out[at + 1] = length
    },
  }
}

function unsigned(value: FlatValue | undefined): number {
  return Number(value) >>> 0
}

/** Generated glue hands lists of numbers over as typed arrays. */
function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
}

/** `option` is a variant of `none` and `some`, with the value itself in place of the tag. */
function compileOption(element: Codec): Codec {
  const variant = compileVariant([
    { tag: 'none', codec: undefined },
    { tag: 'some', codec: element },
  ])
  const none = { tag: 'none', val: undefined }
  const unwrap = (value: unknown): unknown => (value as { val: unknown }).val
  const wrap = (value: unknown): unknown => (value === undefined ? none : { tag: 'some', val: value })
  return {
    ...variant,
    load: (memory, pointer) => unwrap(variant.load(memory, pointer)),
    lift: (memory, flat, at) => unwrap(variant.lift(memory, flat, at)),
    store: (memory, pointer, value) => variant.store(memory, pointer, wrap(value)),
    lower: (memory, value, out, at) => variant.lower(memory, wrap(value), out, at),
  }
}

interface Placed {
  readonly key: string
  readonly codec: Codec
  readonly offset: number
  readonly flatOffset: number
}

function place(fields: readonly (readonly [string, Codec])[]): {
  placed: readonly Placed[]
  size: number
  alignment: number
  flat: FlatKind[]
} {
  let size = 0
  let alignment = 1
  const flat: FlatKind[] = []
  const placed = fields.map(([key, codec]) => {
    const offset = alignTo(size, codec.alignment)
    const flatOffset = flat.length
    size = offset + codec.size
    alignment = Math.max(alignment, codec.alignment)
    flat.push(...codec.flat)
    return { key, codec, offset, flatOffset }
  })
  return { placed, size: alignTo(size, alignment), alignment, flat }
}

function compileFields(fields: readonly (readonly [string, Codec])[]): Codec {
  const { placed, size, alignment, flat } = place(fields)
  return {
    size,
    alignment,
    flat,
    scalar: false,
    load(memory, pointer) {
      const value: Record<string, unknown> = {}
      for (const { key, codec, offset } of placed) value[key] = codec.load(memory, pointer + offset)
      return value
    },
    lift(memory, flatValues, at) {
      const value: Record<string, unknown> = {}
      for (const { key, codec, flatOffset } of placed)
        value[key] = codec.lift(memory, flatValues, at + flatOffset)
      return value
    },
    store(memory, pointer, value) {
      const source = fieldsOf(value)
      for (const { key, codec, offset } of placed) codec.store(memory, pointer + offset, source[key])
    },
    lower(memory, value, out, at) {
      const source = fieldsOf(value)
      for (const { key, codec, flatOffset } of placed) codec.lower(memory, source[key], out, at + flatOffset)
    },
  }
}

function compileTuple(elements: readonly Codec[]): Codec {
  const { placed, size, alignment, flat } = place(elements.map((codec, index) => [String(index), codec]))
  return {
    size,
    alignment,
    flat,
    scalar: false,
    load: (memory, pointer) => placed.map(({ codec, offset }) => codec.load(memory, pointer + offset)),
    lift: (memory, values, at) =>
      placed.map(({ codec, flatOffset }) => codec.lift(memory, values, at + flatOffset)),
    store(memory, pointer, value) {
      const source = fieldsOf(value)
      for (const { key, codec, offset } of placed) codec.store(memory, pointer + offset, source[key])
    },
    lower(memory, value, out, at) {
      const source = fieldsOf(value)
      for (const { key, codec, flatOffset } of placed) codec.lower(memory, source[key], out, at + flatOffset)
    },
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new TypeError('a record or tuple must be an object')
  return value as Record<string, unknown>
}

function compileEnum(labels: readonly string[]): Codec {
  const discriminant = compileVariant(labels.map((tag) => ({ tag, codec: undefined })))
  const tagOf = (value: unknown): string => (value as { tag: string }).tag
  return {
    ...discriminant,
    scalar: true,
    load: (memory, pointer) => tagOf(discriminant.load(memory, pointer)),
    lift: (memory, flat, at) => tagOf(discriminant.lift(memory, flat, at)),
    store: (memory, pointer, value) => discriminant.store(memory, pointer, { tag: value }),
    lower: (memory, value, out, at) => discriminant.lower(memory, { tag: value }, out, at),
  }
}

function compileFlags(labels: readonly string[]): Codec {
  const bits = primitiveCodec(labels.length <= 8 ? 'u8' : labels.length <= 16 ? 'u16' : 'u32')
  const unpack = (value: unknown): Record<string, boolean> => {
    const flags: Record<string, boolean> = {}
    for (const [index, label] of labels.entries()) flags[label] = ((Number(value) >>> index) & 1) === 1
    return flags
  }
  const pack = (value: unknown): number => {
    const source = fieldsOf(value)
    let packed = 0
    for (const [index, label] of labels.entries()) if (source[label] === true) packed |= 1 << index
    return packed >>> 0
  }
  return {
    ...bits,
    scalar: false,
    load: (memory, pointer) => unpack(bits.load(memory, pointer)),
    lift: (memory, flat, at) => unpack(bits.lift(memory, flat, at)),
    store: (memory, pointer, value) => bits.store(memory, pointer, pack(value)),
    lower: (memory, value, out, at) => bits.lower(memory, pack(value), out, at),
  }
}

function compileHandle(resource: ResourceKind, owned: boolean): Codec {
  const bits = primitiveCodec('u32')
  const receive = (memory: Parameters<Codec['load']>[0], handle: unknown): object => {
    const { handles } = memory.guest
    return owned ? handles.take(resource, Number(handle)) : handles.lend(resource, Number(handle))
  }
  const give = (memory: Parameters<Codec['load']>[0], value: unknown): number => {
    if (typeof value !== 'object' || value === null) return trap(`no object for a handle of ${resource.name}`)
    return memory.guest.handles.add(resource, value, owned)
  }
  return {
    ...bits,
    scalar: false,
    load: (memory, pointer) => receive(memory, bits.load(memory, pointer)),
    lift: (memory, flat, at) => receive(memory, bits.lift(memory, flat, at)),
    store: (memory, pointer, value) => bits.store(memory, pointer, give(memory, value)),
    lower: (memory, value, out, at) => bits.lower(memory, give(memory, value), out, at),
  }
}
