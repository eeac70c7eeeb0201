/** Decodes value types and function types (component-model Binary.md, "Type Definitions"). */
import type { PrimitiveKind } from '../../../shared/component/world.ts'
import type { ByteReader } from './byte-reader.ts'
import {
  maxTypeDepth,
  maxTypeSize,
  type Declaration,
  type Field,
  type FunctionType,
  type Scope,
  type ValueType,
  type ValueTypeBody,
} from './entities.ts'

const primitives: Readonly<Record<number, PrimitiveKind>> = {
  0x7f: 'bool',
  0x7e: 's8',
  0x7d: 'u8',
  0x7c: 's16',
  0x7b: 'u16',
  0x7a: 's32',
  0x79: 'u32',
  0x78: 's64',
  0x77: 'u64',
  0x76: 'f32',
  0x75: 'f64',
  0x74: 'char',
  0x73: 'string',
  0x64: 'error-context',
}

const labelPattern = /^(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(?:-(?:[a-z0-9]+|[A-Z0-9]+))*$/

/** Reads a kebab-case label. */
export function readLabel(reader: ByteReader): string {
  const start = reader.position
  const label = reader.text()
  if (!labelPattern.test(label)) throw reader.malformed('a label is not in kebab case', start)
  return label
}

/** Reads `count` items whose names must differ. */
export function readNamed<T extends { readonly name: string }>(reader: ByteReader, read: () => T): T[] {
  const items: T[] = []
  const names = new Set<string>()
  for (let count = reader.count(); count > 0; count--) {
    const start = reader.position
    const item = read()
    if (names.has(item.name)) throw reader.malformed(`the name "${item.name}" is used twice`, start)
    names.add(item.name)
    items.push(item)
  }
  return items
}

/** Reads a value type used by another: a primitive, or an index of a declared one. */
export function readValueType(reader: ByteReader, scope: Scope): ValueType {
  const start = reader.position
  const byte = reader.u8()
  if ((byte & 0xc0) === 0x40) {
    const kind = primitives[byte]
    if (kind === undefined) throw reader.malformed(`unknown primitive type 0x${byte.toString(16)}`, start)
    return sized(reader, { kind }, [])
  }
  reader.position = start
  const entity = scope.types[reader.u32()]
  if (entity?.tag !== 'value') throw reader.malformed('an index does not name a value type', start)
  return entity.value
}

export function readOptionalType(reader: ByteReader, scope: Scope): ValueType | undefined {
  const start = reader.position
  const present = reader.u8()
  if (present > 1) throw reader.malformed('an optional type is neither absent nor present', start)
  return present === 1 ? readValueType(reader, scope) : undefined
}

/** Reads what follows `opcode` in the definition of a value type; `undefined` if it defines none. */
export function readValueTypeBody(reader: ByteReader, scope: Scope, opcode: number): ValueType | undefined {
  const primitive = primitives[opcode]
  if (primitive !== undefined) return sized(reader, { kind: primitive }, [])
  const declaration: Declaration = { name: undefined, owner: scope.owner }
  switch (opcode) {
    case 0x72: {
      const fields = readFields(reader, scope)
      return sized(reader, { kind: 'record', declaration, fields }, fields.map(typeOf))
    }
    case 0x71: {
      const cases = readNamed(reader, () => readCase(reader, scope))
      return sized(reader, { kind: 'variant', declaration, cases }, cases.map(typeOf))
    }
    case 0x6e:
    case 0x6d: {
      const labels = readNamed(reader, () => ({ name: readLabel(reader) })).map((label) => label.name)
      const kind = opcode === 0x6e ? 'flags' : 'enum'
      return sized(reader, { kind, declaration, labels }, [], labels.length)
    }
    case 0x70:
    case 0x67: {
      const element = readValueType(reader, scope)
      return sized(reader, { kind: 'list', element, length: opcode === 0x67 ? reader.u32() : undefined }, [
        element,
      ])
    }
    case 0x6f: {
      const elements: ValueType[] = []
      for (let count = reader.count(); count > 0; count--) elements.push(readValueType(reader, scope))
      return sized(reader, { kind: 'tuple', elements }, elements)
    }
    case 0x6b: {
      const value = readValueType(reader, scope)
      return sized(reader, { kind: 'option', value }, [value])
    }
    case 0x6a: {
      const ok = readOptionalType(reader, scope)
      const err = readOptionalType(reader, scope)
      return sized(reader, { kind: 'result', ok, err }, [ok, err])
    }
    case 0x69:
    case 0x68: {
      const start = reader.position
      const entity = scope.types[reader.u32()]
      if (entity?.tag !== 'resource') throw reader.malformed('a handle does not name a resource', start)
      return sized(reader, { kind: opcode === 0x69 ? 'own' : 'borrow', resource: entity.resource }, [])
    }
    case 0x66:
    case 0x65: {
      const element = readOptionalType(reader, scope)
      return sized(reader, { kind: opcode === 0x66 ? 'stream' : 'future', element }, [element])
    }
    case 0x63: {
      const key = readValueType(reader, scope)
      const value = readValueType(reader, scope)
      return sized(reader, { kind: 'map', key, value }, [key, value])
    }
    default:
      return undefined
  }
}

/** Reads the parameters and the result of a function type. */
export function readFunctionType(reader: ByteReader, scope: Scope, isAsync: boolean): FunctionType {
  const params = readFields(reader, scope)
  const result = readResult(reader, scope)
  const size = params.reduce((sum, param) => sum + param.type.size, 1 + (result?.size ?? 0))
  if (size > maxTypeSize) throw reader.malformed('a function type is too large')
  return { async: isAsync, params, result, size }
}

/** Reads a result list: one type, or none. */
export function readResult(reader: ByteReader, scope: Scope): ValueType | undefined {
  const start = reader.position
  const form = reader.u8()
  if (form === 0x00) return readValueType(reader, scope)
  if (form === 0x01 && reader.u8() === 0x00) return undefined
  throw reader.malformed('a function has named results', start)
}

function readFields(reader: ByteReader, scope: Scope): Field[] {
  return readNamed(reader, () => ({ name: readLabel(reader), type: readValueType(reader, scope) }))
}

function readCase(reader: ByteReader, scope: Scope): { name: string; type: ValueType | undefined } {
  const name = readLabel(reader)
  const type = readOptionalType(reader, scope)
  if (reader.u8() !== 0x00) throw reader.malformed('a case refines another', reader.position - 1)
  return { name, type }
}

function typeOf<T>(item: { readonly type: T }): T {
  return item.type
}

/** Adds size and depth, which bound what a type may become once it is written out as a tree. */
function sized(
  reader: ByteReader,
  body: ValueTypeBody,
  parts: readonly (ValueType | undefined)[],
  labels = 0,
): ValueType {
  let size = 1 + labels + parts.length
  let depth = 1
  for (const part of parts) {
    if (part === undefined) continue
    size += part.size
    depth = Math.max(depth, part.depth + 1)
  }
  if (size > maxTypeSize) throw reader.malformed('a type is too large')
  if (depth > maxTypeDepth) throw reader.malformed('a type is nested too deeply')
  return { ...body, size, depth }
}
