/** Evaluates a component's sections to what it imports and exports (component-model Binary.md). */
import type { ByteReader } from './byte-reader.ts'
import { readCanonicalFunctions } from './canonical.ts'
import {
  addTo,
  define,
  entityAt,
  nameType,
  ownerOf,
  readAlias,
  readExtern,
  readExternName,
  readSort,
  readTypeDefinition,
} from './declarations.ts'
import { newScope, type Entity, type Exports, type Scope } from './entities.ts'

const Section = {
  custom: 0,
  coreModule: 1,
  coreInstance: 2,
  coreType: 3,
  component: 4,
  instance: 5,
  alias: 6,
  type: 7,
  canonical: 8,
  import: 10,
  export: 11,
} as const

export interface ComponentEntities {
  readonly imports: ReadonlyMap<string, Entity>
  readonly exports: Exports
}

/**
 * Reads the component's sections from the reader's position to its bounds. With `args`, an import is
 * what was given for it; without, what it declares.
 */
export function readComponent(
  reader: ByteReader,
  parent: Scope | undefined,
  args?: Exports,
): ComponentEntities {
  const scope = newScope(parent, undefined)
  const imports = new Map<string, Entity>()
  const exports = new Map<string, Entity>()
  while (reader.position < reader.end) {
    const start = reader.position
    const id = reader.u8()
    const size = reader.u32()
    reader.spend(1)
    reader.within(size, () => readSection(reader, scope, { id, start, imports, exports, args }))
  }
  return { imports, exports }
}

interface SectionContext {
  readonly id: number
  readonly start: number
  readonly imports: Map<string, Entity>
  readonly exports: Map<string, Entity>
  readonly args: Exports | undefined
}

function readSection(reader: ByteReader, scope: Scope, context: SectionContext): void {
  const { id, start } = context
  switch (id) {
    case Section.custom:
      reader.text()
      {
        reader.skip(reader.end - reader.position)
        return
      }
    case Section.coreModule:
      checkPreamble(reader, [0x01, 0x00, 0x00, 0x00])
      {
        reader.skip(reader.end - reader.position)
        return
      }
    case Section.coreInstance:
    case Section.coreType: {
      // Nothing of them shows in the world; the engine that compiles the modules judges them.
      reader.skip(reader.end - reader.position)
      return
    }
    case Section.component: {
      readNestedComponent(reader, scope)
      return
    }
    case Section.instance: {
      each(reader, () => readInstance(reader, scope))
      return
    }
    case Section.alias: {
      each(reader, () => readAlias(reader, scope))
      return
    }
    case Section.type: {
      each(reader, () => void scope.types.push(readTypeDefinition(reader, scope)))
      return
    }
    case Section.canonical: {
      each(reader, () => readCanonicalFunctions(reader, scope))
      return
    }
    case Section.import: {
      each(reader, () => readImport(reader, scope, context))
      return
    }
    case Section.export: {
      each(reader, () => readExport(reader, scope, context))
      return
    }
    default:
      throw reader.malformed(`unknown section ${id}`, start)
  }
}

function each(reader: ByteReader, read: () => void): void {
  for (let count = reader.count(); count > 0; count--) read()
}

/** Checks a module's or component's first eight bytes. */
export function checkPreamble(reader: ByteReader, version: readonly number[]): void {
  const start = reader.position
  for (const expected of [0x00, 0x61, 0x73, 0x6d, ...version]) {
    if (reader.u8() !== expected)
      throw reader.malformed('something inside it is not WebAssembly of a known version', start)
  }
}

function readNestedComponent(reader: ByteReader, scope: Scope): void {
  checkPreamble(reader, [0x0d, 0x00, 0x01, 0x00])
  const { position: start, end } = reader
  reader.nested(() => readComponent(reader, scope))
  // Read again for each instance: the types of its exports depend on what it is given.
  const instantiate = (args: Exports): Exports =>
    reader.nested(() => reader.revisit(start, end, () => readComponent(reader, scope, args).exports))
  define(scope, { sort: 'component', instantiate })
}

function readInstance(reader: ByteReader, scope: Scope): void {
  const start = reader.position
  const form = reader.u8()
  if (form === 0x00) {
    const component = entityAt(reader, scope, 'component', start)
    const args = new Map<string, Entity>()
    each(reader, () => {
      const name = reader.text()
      const sort = readSort(reader)
      addTo(reader, args, name, entityAt(reader, scope, sort, start), start)
    })
    if (component.sort === 'component')
      define(scope, { sort: 'instance', exports: component.instantiate(args) })
  } else if (form === 0x01) {
    const exports = new Map<string, Entity>()
    each(reader, () => {
      const name = readExternName(reader)
      const sort = readSort(reader)
      addTo(reader, exports, name, entityAt(reader, scope, sort, start), start)
    })
    define(scope, { sort: 'instance', exports })
  } else {
    throw reader.malformed('unknown form of an instance', start)
  }
}

function readImport(reader: ByteReader, scope: Scope, context: SectionContext): void {
  const start = reader.position
  const name = readExternName(reader)
  const given = context.args?.get(name)
  if (given === undefined) {
    if (context.args !== undefined) throw reader.malformed(`an instance lacks the import "${name}"`, start)
    addTo(reader, context.imports, name, readExtern(reader, scope, name), start)
    return
  }
  // Still read what is declared, for its bounds, but let what is given take its place.
  const lengths = [
    scope.types.length,
    scope.functions.length,
    scope.instances.length,
    scope.components.length,
  ] as const
  const declared = readExtern(reader, scope, name)
  ;[scope.types.length, scope.functions.length, scope.instances.length, scope.components.length] = lengths
  if (declared.sort !== given.sort && given.sort !== 'core') {
    throw reader.malformed(`an instance is given another sort for "${name}"`, start)
  }
  define(scope, given)
}

function readExport(reader: ByteReader, scope: Scope, context: SectionContext): void {
  const start = reader.position
  const name = readExternName(reader)
  const sort = readSort(reader)
  const exported = entityAt(reader, scope, sort, start)
  const ascribed = reader.u8()
  if (ascribed > 1) throw reader.malformed('an export is neither described nor not', start)
  if (ascribed === 1) {
    const entity = readExtern(reader, scope, name)
    if (entity.sort !== sort) throw reader.malformed('an export is described as another sort', start)
    addTo(reader, context.exports, name, entity, start)
    return
  }
  if (exported.sort === 'type') nameType(exported.type, name, undefined)
  if (exported.sort === 'instance') {
    reader.spend(exported.exports.size)
    nameExports(exported.exports, ownerOf(name))
  }
  addTo(reader, context.exports, name, define(scope, exported), start)
}

/** Types first exported within an instance belong to the interface that the instance is exported as. */
function nameExports(exports: Exports, owner: string): void {
  for (const [name, entity] of exports) {
    if (entity.sort === 'type') nameType(entity.type, name, owner)
  }
}
