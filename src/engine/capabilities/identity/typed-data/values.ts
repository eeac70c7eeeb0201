/** Values of a typed-data document, checked against their types and brought into one form. */
import type { ShownField } from '../../../../shared/domain/identity.ts'
import { TypedDataError } from './typed-data-error.ts'
import { fieldType, isRecord, type StructTypes } from './types.ts'

/** Structs and lists within each other. */
const maxDepth = 64

/** Values of one document; each is a hash or more. */
const maxValues = 5_000

/** A value as it is hashed: integers as bigint, addresses and bytes as lower-case hex. */
export type TypedValue = boolean | string | bigint | TypedValue[] | TypedStruct
export interface TypedStruct {
  [member: string]: TypedValue
}

/** Takes each leaf that is signed, in the order of its type. */
export type ShowField = (field: ShownField) => void

export class ValueReader {
  private readonly structs: StructTypes
  private readonly show: ShowField
  private count = 0

  constructor(structs: StructTypes, show: ShowField) {
    this.structs = structs
    this.show = show
  }

  /** The members of a struct and nothing else: what is not in its type is not signed. Throws `TypedDataError`. */
  struct(name: string, value: unknown, place: string, depth = 0): TypedStruct {
    if (!isRecord(value)) throw new TypedDataError(place, `must be an object of ${name}`)
    const members = Object.create(null) as TypedStruct
    for (const field of this.structs.get(name) ?? []) {
      const at = `${place}.${field.name}`
      if (!Object.hasOwn(value, field.name)) throw new TypedDataError(at, 'is missing')
      members[field.name] = this.value(field.type, value[field.name], at, depth + 1)
    }
    return members
  }

  private value(typeText: string, value: unknown, place: string, depth: number): TypedValue {
    if (depth > maxDepth) throw new TypedDataError(place, 'is nested too deeply')
    this.count += 1
    if (this.count > maxValues) throw new TypedDataError('the document', `has more than ${maxValues} values`)
    const type = fieldType(this.structs, typeText, place)
    switch (type.kind) {
      case 'struct':
        return this.struct(type.name, value, place, depth)
      case 'list':
        return this.list(type.element, type.length, typeText, value, place, depth)
      case 'bool':
        if (typeof value !== 'boolean') throw new TypedDataError(place, 'must be true or false')
        return this.leaf(place, typeText, value)
      case 'string':
        if (typeof value !== 'string') throw new TypedDataError(place, 'must be text')
        // A lone surrogate has no bytes that could be signed.
        if (/\p{Surrogate}/u.test(value)) throw new TypedDataError(place, 'is not well-formed text')
        return this.leaf(place, typeText, value)
      case 'address':
        return this.leaf(place, typeText, readHex(value, 20, place))
      case 'bytes':
        return this.leaf(place, typeText, readHex(value, type.length, place))
      case 'integer':
        return this.leaf(place, typeText, readInteger(value, type.isSigned, type.bits, place))
    }
  }

  private list(
    element: string,
    length: number | null,
    typeText: string,
    value: unknown,
    place: string,
    depth: number,
  ): TypedValue[] {
    if (!Array.isArray(value)) throw new TypedDataError(place, 'must be a list')
    if (length !== null && value.length !== length)
      throw new TypedDataError(place, `must have ${length} entries`)
    if (value.length === 0) this.show({ path: place, type: typeText, value: '(empty)' })
    return value.map((each: unknown, index) => this.value(element, each, `${place}[${index}]`, depth + 1))
  }

  private leaf<T extends boolean | string | bigint>(path: string, type: string, value: T): T {
    this.show({ path, type, value: String(value) })
    return value
  }
}

function readHex(value: unknown, length: number | null, place: string): string {
  const digits = length === null ? '([0-9a-fA-F]{2})*' : `[0-9a-fA-F]{${length * 2}}`
  if (typeof value === 'string' && new RegExp(`^0x${digits}$`).test(value)) return value.toLowerCase()
  const wanted = length === null ? 'bytes' : `${length} bytes`
  throw new TypedDataError(place, `must be ${wanted}, as 0x and hexadecimal digits`)
}

function readInteger(value: unknown, isSigned: boolean, bits: number, place: string): bigint {
  const integer = toBigInt(value, place)
  const least = isSigned ? -(1n << BigInt(bits - 1)) : 0n
  const most = (1n << BigInt(isSigned ? bits - 1 : bits)) - 1n
  if (integer < least || integer > most) throw new TypedDataError(place, `is out of range for ${bits} bits`)
  return integer
}

function toBigInt(value: unknown, place: string): bigint {
  if (typeof value === 'number') {
    // JSON numbers beyond 2^53 have lost digits already.
    if (Number.isSafeInteger(value)) return BigInt(value)
    throw new TypedDataError(place, 'must be a whole number; give large ones as text')
  }
  if (typeof value === 'string' && value.length <= 80 && /^(-?\d+|0x[0-9a-fA-F]+)$/.test(value))
    return BigInt(value)
  throw new TypedDataError(place, 'must be a whole number')
}
