/** Reads a component's own world from its bytes, trusting nothing in them. */
import { PaddockError } from '../../../shared/errors.ts'
import type {
  ExternShape,
  FieldShape,
  FunctionShape,
  InterfaceShape,
  TypeShape,
  WorldShape,
} from '../../../shared/component/world.ts'
import { maxComponentBytes } from '../../../shared/domain/limits.ts'
import { ByteReader } from './byte-reader.ts'
import { readComponent } from './component.ts'
import type { Declaration, Entity, Exports, Field, FunctionType, ValueType } from './entities.ts'

/** Nodes of all types of a world written out: all of WASI 0.2 has some 15,000; the engine must check them within a frame. */
const maxWorldSize = 100_000

const magic = [0x00, 0x61, 0x73, 0x6d]

/**
 * The world of the component in `bytes`.
 *
 * Throws `component.not_wasm`, `component.core_module`, `component.truncated`, `component.malformed` (with the
 * byte offset in `details.offset`) or `bundle.too_large`; never anything else, whatever the bytes (spec nexum-host 1).
 */
export function readWorld(bytes: Uint8Array): WorldShape {
  if (bytes.length > maxComponentBytes) {
    throw new PaddockError(
      'bundle.too_large',
      `The component has ${bytes.length} bytes; at most ${maxComponentBytes} are read.`,
    )
  }
  checkKind(bytes)
  const reader = new ByteReader(bytes, 8)
  const { imports, exports } = readComponent(reader, undefined)
  const budget = { left: maxWorldSize, reader }
  return {
    imports: [...imports].map(([name, entity]) => externShape(name, entity, budget)),
    exports: [...exports].map(([name, entity]) => externShape(name, entity, budget)),
  }
}

function checkKind(bytes: Uint8Array): void {
  const isWasm =
    bytes.length > 0 && magic.every((byte, index) => index >= bytes.length || bytes[index] === byte)
  if (!isWasm) throw new PaddockError('component.not_wasm', 'The file is not WebAssembly.')
  if (bytes.length < 8) {
    throw new PaddockError(
      'component.truncated',
      `The component is truncated: the file has only ${bytes.length} bytes.`,
      {
        details: { offset: bytes.length },
      },
    )
  }
  const version = (bytes[4] ?? 0) | ((bytes[5] ?? 0) << 8)
  const layer = (bytes[6] ?? 0) | ((bytes[7] ?? 0) << 8)
  if (layer === 0 && version === 1) {
    throw new PaddockError('component.core_module', 'The file is a core WebAssembly module, not a component.')
  }
  if (layer !== 1 || version !== 13) {
    throw new PaddockError('component.malformed', 'The file is WebAssembly of an unknown version.', {
      details: { offset: 4 },
    })
  }
}

interface Budget {
  left: number
  readonly reader: ByteReader
}

function charge(budget: Budget, size: number): void {
  budget.left -= size
  if (budget.left < 0) throw budget.reader.malformed('its world is too large', budget.reader.bytes.length)
}

function externShape(name: string, entity: Entity, budget: Budget): ExternShape {
  switch (entity.sort) {
    case 'function':
      return { kind: 'function', name, function: functionShape(entity.function, budget) }
    case 'instance':
      return { kind: 'interface', name, interface: interfaceShape(name, entity.exports, budget) }
    case 'type': {
      const type = entityTypeShape(entity, budget)
      return type === undefined ? { kind: 'value', name } : { kind: 'type', name, type }
    }
    case 'core':
      return { kind: 'module', name }
    default:
      return { kind: entity.sort, name }
  }
}

function interfaceShape(name: string, exports: Exports, budget: Budget): InterfaceShape {
  const functions: Record<string, FunctionShape> = {}
  const types: Record<string, TypeShape> = {}
  charge(budget, exports.size)
  for (const [key, entity] of exports) {
    // Names come from the file: never let one reach a prototype.
    if (entity.sort === 'function') set(functions, key, functionShape(entity.function, budget))
    if (entity.sort === 'type') {
      const type = entityTypeShape(entity, budget)
      if (type !== undefined) set(types, key, type)
    }
  }
  return { name, functions, types }
}

function set<T>(record: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true })
}

function entityTypeShape(entity: Entity & { sort: 'type' }, budget: Budget): TypeShape | undefined {
  if (entity.type.tag === 'resource') return { kind: 'resource', resource: qualified(entity.type.resource) }
  if (entity.type.tag !== 'value') return undefined
  charge(budget, entity.type.value.size)
  return typeShape(entity.type.value)
}

function functionShape(type: FunctionType, budget: Budget): FunctionShape {
  charge(budget, type.size)
  return {
    async: type.async,
    params: type.params.map(fieldShape),
    ...(type.result === undefined ? {} : { result: typeShape(type.result) }),
  }
}

function fieldShape(field: Field): FieldShape {
  return { name: field.name, type: typeShape(field.type) }
}

function qualified(declaration: Declaration): string {
  const name = declaration.name ?? ''
  return declaration.owner === undefined ? name : `${declaration.owner}#${name}`
}

function named(declaration: Declaration): { name?: string } {
  return declaration.name === undefined ? {} : { name: qualified(declaration) }
}

function typeShape(type: ValueType): TypeShape {
  switch (type.kind) {
    case 'record':
      return { kind: 'record', ...named(type.declaration), fields: type.fields.map(fieldShape) }
    case 'variant':
      return {
        kind: 'variant',
        ...named(type.declaration),
        cases: type.cases.map((item) =>
          item.type === undefined ? { name: item.name } : { name: item.name, type: typeShape(item.type) },
        ),
      }
    case 'enum':
      return { kind: 'enum', ...named(type.declaration), cases: type.labels }
    case 'flags':
      return { kind: 'flags', ...named(type.declaration), flags: type.labels }
    case 'list': {
      const element = typeShape(type.element)
      return type.length === undefined
        ? { kind: 'list', element }
        : { kind: 'list', element, length: type.length }
    }
    case 'option':
      return { kind: 'option', value: typeShape(type.value) }
    case 'result':
      return {
        kind: 'result',
        ...(type.ok === undefined ? {} : { ok: typeShape(type.ok) }),
        ...(type.err === undefined ? {} : { err: typeShape(type.err) }),
      }
    case 'tuple':
      return { kind: 'tuple', elements: type.elements.map(typeShape) }
    case 'own':
    case 'borrow':
      return { kind: type.kind, resource: qualified(type.resource) }
    case 'stream':
    case 'future':
      return type.element === undefined
        ? { kind: type.kind }
        : { kind: type.kind, element: typeShape(type.element) }
    case 'map':
      return { kind: 'map', key: typeShape(type.key), value: typeShape(type.value) }
    default:
      return { kind: type.kind }
  }
}
