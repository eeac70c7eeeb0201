/** Decodes type definitions that declare imports and exports: instance types and component types. */
import { parseInterfaceName } from '../../../shared/component/names.ts'
import type { ByteReader } from './byte-reader.ts'
import { skipCoreType } from './core-types.ts'
import { newScope, type Entity, type Exports, type Scope, type TypeEntity } from './entities.ts'
import { readFunctionType, readValueType, readValueTypeBody } from './value-types.ts'

const sortNames = ['core', 'function', 'value', 'type', 'component', 'instance'] as const
export type Sort = (typeof sortNames)[number]

/** Reads a sort; a core sort's second byte is read as well. */
export function readSort(reader: ByteReader): Sort {
  const start = reader.position
  const sort = sortNames[reader.u8()]
  if (sort === undefined) throw reader.malformed('unknown sort', start)
  if (sort === 'core') reader.u8()
  return sort
}

/** Reads the name of an import or export. */
export function readExternName(reader: ByteReader): string {
  const start = reader.position
  const form = reader.u8()
  // 0x00 and 0x01 once told plain names from interface names and are read alike now.
  if (form > 0x01) throw reader.malformed(`unknown form of name 0x${form.toString(16)}`, start)
  const name = reader.text()
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(name))
    throw reader.malformed('a name holds forbidden characters', start)
  return name
}

/** `nexum:host/types` for `nexum:host/types@0.2.0`; any other name as it is. */
export function ownerOf(name: string): string {
  const parsed = parseInterfaceName(name)
  return parsed === undefined ? name : `${parsed.namespace}:${parsed.package}/${parsed.interface}`
}

/** Reads one type definition. */
export function readTypeDefinition(reader: ByteReader, scope: Scope): TypeEntity {
  const start = reader.position
  const opcode = reader.u8()
  switch (opcode) {
    case 0x3f:
      if (reader.u8() !== 0x7f) throw reader.malformed('a resource is not represented by an i32', start)
      if (reader.u8() === 0x01) reader.u32()
      return { tag: 'resource', resource: { name: undefined, owner: scope.owner } }
    case 0x40:
    case 0x43:
      return { tag: 'function', function: readFunctionType(reader, scope, opcode === 0x43) }
    case 0x41:
      return { tag: 'component', instantiate: declarations(reader, scope, true) }
    case 0x42:
      return { tag: 'instance', instantiate: declarations(reader, scope, false) }
    default: {
      const value = readValueTypeBody(reader, scope, opcode)
      if (value === undefined) throw reader.malformed(`unknown type 0x${opcode.toString(16)}`, start)
      return { tag: 'value', value }
    }
  }
}

/**
 * Checks the declarations once and returns what reads them again for each instance, so that every
 * instance has resources of its own and knows the interface they belong to.
 */
function declarations(reader: ByteReader, parent: Scope, isComponent: boolean): (owner?: string) => Exports {
  const start = reader.position
  const end = reader.end
  const read = (owner: string | undefined): Exports =>
    reader.nested(() => readBody(reader, parent, isComponent, owner))
  read(undefined)
  return (owner) => reader.revisit(start, end, () => read(owner))
}

function readBody(
  reader: ByteReader,
  parent: Scope,
  isComponent: boolean,
  owner: string | undefined,
): Exports {
  const scope = newScope(parent, owner)
  const exports = new Map<string, Entity>()
  const imports = new Map<string, Entity>()
  for (let count = reader.count(); count > 0; count--) {
    const start = reader.position
    switch (reader.u8()) {
      case 0x00:
        skipCoreType(reader)
        break
      case 0x01:
        scope.types.push(readTypeDefinition(reader, scope))
        break
      case 0x02:
        readAlias(reader, scope)
        break
      case 0x03: {
        if (!isComponent) throw reader.malformed('an instance type has an import', start)
        const name = readExternName(reader)
        addTo(reader, imports, name, readExtern(reader, scope, name), start)
        break
      }
      case 0x04: {
        const name = readExternName(reader)
        addTo(reader, exports, name, readExtern(reader, scope, name), start)
        break
      }
      default:
        throw reader.malformed('unknown declaration', start)
    }
  }
  return exports
}

/** Adds an entity under a name that must be new. */
export function addTo(
  reader: ByteReader,
  map: Map<string, Entity>,
  name: string,
  entity: Entity,
  offset: number,
): void {
  if (map.has(name)) throw reader.malformed(`the name "${name}" is used twice`, offset)
  map.set(name, entity)
}

/** Reads the description of an import or export, adds it to its index space, and returns it. */
export function readExtern(reader: ByteReader, scope: Scope, name: string): Entity {
  const start = reader.position
  const form = reader.u8()
  switch (form) {
    case 0x00:
      if (reader.u8() !== 0x11) throw reader.malformed('a core item other than a module is declared', start)
      reader.u32()
      return { sort: 'module' }
    case 0x01: {
      const type = typeAt(reader, scope)
      if (type.tag !== 'function')
        throw reader.malformed('a function is declared without a function type', start)
      return define(scope, { sort: 'function', function: type.function })
    }
    case 0x02:
      if (reader.u8() === 0x01) readValueType(reader, scope)
      else reader.u32()
      return { sort: 'value' }
    case 0x03:
      return define(scope, { sort: 'type', type: readTypeBound(reader, scope, name) })
    case 0x04: {
      const type = typeAt(reader, scope)
      if (type.tag !== 'component')
        throw reader.malformed('a component is declared without a component type', start)
      return define(scope, { sort: 'component', instantiate: () => type.instantiate() })
    }
    case 0x05: {
      const type = typeAt(reader, scope)
      if (type.tag !== 'instance')
        throw reader.malformed('an instance is declared without an instance type', start)
      return define(scope, { sort: 'instance', exports: type.instantiate(ownerOf(name)) })
    }
    default:
      throw reader.malformed(`unknown description 0x${form.toString(16)}`, start)
  }
}

function readTypeBound(reader: ByteReader, scope: Scope, name: string): TypeEntity {
  const start = reader.position
  const bound = reader.u8()
  if (bound === 0x01) return { tag: 'resource', resource: { name, owner: scope.owner } }
  if (bound !== 0x00) throw reader.malformed('unknown bound of a type', start)
  return nameType(typeAt(reader, scope), name, undefined)
}

/** Gives a type its name where it has none yet: the first name it is exported under is its own. */
export function nameType(type: TypeEntity, name: string, owner: string | undefined): TypeEntity {
  const declaration =
    type.tag === 'resource'
      ? type.resource
      : type.tag === 'value' && 'declaration' in type.value
        ? type.value.declaration
        : undefined
  if (declaration !== undefined) {
    declaration.name ??= name
    declaration.owner ??= owner
  }
  return type
}

function typeAt(reader: ByteReader, scope: Scope): TypeEntity {
  const start = reader.position
  const type = scope.types[reader.u32()]
  if (type === undefined) throw reader.malformed('there is no type of this index', start)
  return type
}

/** Adds an entity to the index space of its sort. */
export function define(scope: Scope, entity: Entity): Entity {
  if (entity.sort === 'function') scope.functions.push(entity.function)
  else if (entity.sort === 'type') scope.types.push(entity.type)
  else if (entity.sort === 'instance') scope.instances.push(entity.exports)
  else if (entity.sort === 'component') scope.components.push(entity.instantiate)
  return entity
}

/** The entity at `index` of the scope's index space of `sort`. */
export function entityAt(reader: ByteReader, scope: Scope, sort: Sort, offset: number): Entity {
  const index = reader.u32()
  const missing = (): never => {
    throw reader.malformed(`there is no ${sort} of this index`, offset)
  }
  if (sort === 'function') return { sort, function: scope.functions[index] ?? missing() }
  if (sort === 'type') return { sort, type: scope.types[index] ?? missing() }
  if (sort === 'instance') return { sort, exports: scope.instances[index] ?? missing() }
  if (sort === 'component') return { sort, instantiate: scope.components[index] ?? missing() }
  return { sort }
}

/** Reads an alias and adds what it names. */
export function readAlias(reader: ByteReader, scope: Scope): void {
  const start = reader.position
  const sort = readSort(reader)
  const target = reader.u8()
  if (target === 0x00) {
    const instance = entityAt(reader, scope, 'instance', start)
    const name = reader.text()
    const entity = instance.sort === 'instance' ? instance.exports.get(name) : undefined
    const isModule = sort === 'core' && entity?.sort === 'module'
    if (entity === undefined || (entity.sort !== sort && !isModule)) {
      throw reader.malformed(`an alias names "${name}", which the instance does not export`, start)
    }
    define(scope, entity)
  } else if (target === 0x01) {
    if (sort !== 'core') throw reader.malformed('an alias of a core export has another sort', start)
    reader.u32()
    reader.text()
  } else if (target === 0x02) {
    let surroundings: Scope | undefined = scope
    for (let count = reader.u32(); count > 0 && surroundings !== undefined; count--)
      surroundings = surroundings.parent
    if (surroundings === undefined) throw reader.malformed('an alias reaches out too far', start)
    if (sort !== 'type' && sort !== 'component' && sort !== 'core') {
      throw reader.malformed('an outer alias names what cannot be', start)
    }
    define(scope, entityAt(reader, surroundings, sort, start))
  } else {
    throw reader.malformed('unknown target of an alias', start)
  }
}
