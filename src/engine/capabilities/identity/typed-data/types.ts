/** The types of EIP-712 as a document declares them. */
import { TypedDataError } from './typed-data-error.ts'

export interface Field {
  readonly name: string
  readonly type: string
}

export type StructTypes = ReadonlyMap<string, readonly Field[]>

export type FieldType =
  | { readonly kind: 'struct'; readonly name: string }
  /** `length` is null for a list of any length. */
  | { readonly kind: 'list'; readonly element: string; readonly length: number | null }
  | { readonly kind: 'integer'; readonly isSigned: boolean; readonly bits: number }
  /** `length` is null for `bytes`. */
  | { readonly kind: 'bytes'; readonly length: number | null }
  | { readonly kind: 'address' | 'bool' | 'string' }

export const domainType = 'EIP712Domain'

/** The members a domain may have when the document does not declare its type, in their order (EIP-712). */
const domainFields: readonly Field[] = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
  { name: 'salt', type: 'bytes32' },
]

/** Bounds of what a document declares: each struct reached is hashed with the text of all that it refers to. */
const identifier = /^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/
const maxStructs = 64
const maxFields = 512
const maxTypeLength = 96
const maxListDepth = 8

/** Reads `types`, with the domain's type derived from its members where it is not declared. Throws `TypedDataError`. */
export function readTypes(types: unknown, domain: Readonly<Record<string, unknown>>): StructTypes {
  if (!isRecord(types)) throw new TypedDataError('types', 'must be an object')
  const names = Object.keys(types)
  if (names.length > maxStructs) throw new TypedDataError('types', 'has too many entries')
  const structs = new Map<string, readonly Field[]>()
  let fieldCount = 0
  for (const name of names) {
    if (!identifier.test(name) || atomicType(name) !== null) {
      throw new TypedDataError(`types.${name}`, 'cannot be the name of a struct')
    }
    const fields = readFields(name, types[name])
    fieldCount += fields.length
    if (fieldCount > maxFields) throw new TypedDataError('types', 'has too many fields')
    structs.set(name, fields)
  }
  if (!structs.has(domainType)) structs.set(domainType, impliedDomain(domain))
  for (const [name, fields] of structs) {
    for (const field of fields) checkType(structs, `types.${name}.${field.name}`, field.type)
  }
  return structs
}

/** What a type's text says. Throws `TypedDataError` for one that is not declared. */
export function fieldType(structs: StructTypes, text: string, place: string): FieldType {
  const list = /^(.+)\[(\d{0,6})\]$/.exec(text)
  if (list?.[1] !== undefined) {
    const length = list[2] === undefined || list[2] === '' ? null : Number(list[2])
    return { kind: 'list', element: list[1], length }
  }
  if (structs.has(text)) return { kind: 'struct', name: text }
  const atomic = atomicType(text)
  if (atomic === null) throw new TypedDataError(place, `has the unknown type ${text.slice(0, 64)}`)
  return atomic
}

function atomicType(text: string): FieldType | null {
  if (text === 'address' || text === 'bool' || text === 'string') return { kind: text }
  if (text === 'bytes') return { kind: 'bytes', length: null }
  const bytes = /^bytes([1-9]\d?)$/.exec(text)?.[1]
  if (bytes !== undefined) return Number(bytes) <= 32 ? { kind: 'bytes', length: Number(bytes) } : null
  const integer = /^(u?)int([1-9]\d{0,2})$/.exec(text)
  if (integer === null) return null
  const bits = Number(integer[2])
  if (bits > 256 || bits % 8 !== 0) return null
  return { kind: 'integer', isSigned: integer[1] === '', bits }
}

function readFields(struct: string, fields: unknown): Field[] {
  const place = `types.${struct}`
  if (!Array.isArray(fields)) throw new TypedDataError(place, 'must be a list')
  if (fields.length > maxFields) throw new TypedDataError(place, 'has too many fields')
  const seen = new Set<string>()
  return fields.map((field: unknown, index): Field => {
    const at = `${place}[${index}]`
    if (!isRecord(field)) throw new TypedDataError(at, 'must be an object')
    const { name, type } = field
    if (typeof name !== 'string' || !identifier.test(name)) throw new TypedDataError(at, 'has no usable name')
    if (typeof type !== 'string' || type.length > maxTypeLength) throw new TypedDataError(at, 'has no type')
    if (seen.has(name)) throw new TypedDataError(at, `repeats the field ${name}`)
    seen.add(name)
    return { name, type }
  })
}

function checkType(structs: StructTypes, place: string, text: string): void {
  let current = text
  for (let depth = 0; depth <= maxListDepth; depth += 1) {
    const type = fieldType(structs, current, place)
    if (type.kind !== 'list') return
    current = type.element
  }
  throw new TypedDataError(place, 'has too many lists within each other')
}

function impliedDomain(domain: Readonly<Record<string, unknown>>): Field[] {
  const unknown = Object.keys(domain).find((name) => !domainFields.some((field) => field.name === name))
  if (unknown !== undefined)
    throw new TypedDataError(`domain.${unknown.slice(0, 64)}`, 'is no member of a domain')
  return domainFields.filter(({ name }) => Object.hasOwn(domain, name) && domain[name] !== undefined)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
