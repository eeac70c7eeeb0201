/**
 * A component's world as data: what it imports and exports, with the structure of every function and
 * type, so that contracts can compare structure and not only names (spec nexum-host 1.3).
 */
import { z } from 'zod'
import { parseInterfaceName } from './names.ts'

export const primitiveKinds = [
  'bool',
  's8',
  'u8',
  's16',
  'u16',
  's32',
  'u32',
  's64',
  'u64',
  'f32',
  'f64',
  'char',
  'string',
  'error-context',
] as const
export type PrimitiveKind = (typeof primitiveKinds)[number]

export interface FieldShape {
  readonly name: string
  readonly type: TypeShape
}

export interface CaseShape {
  readonly name: string
  readonly type?: TypeShape | undefined
}

/**
 * One type, aliases resolved. `name` is where a type was declared, `nexum:host/types#event`: without the
 * version, so that it is the same along a compatible track. Resources are told apart by that name only.
 */
export type TypeShape =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'record'; readonly name?: string | undefined; readonly fields: readonly FieldShape[] }
  | { readonly kind: 'variant'; readonly name?: string | undefined; readonly cases: readonly CaseShape[] }
  | { readonly kind: 'enum'; readonly name?: string | undefined; readonly cases: readonly string[] }
  | { readonly kind: 'flags'; readonly name?: string | undefined; readonly flags: readonly string[] }
  | { readonly kind: 'list'; readonly element: TypeShape; readonly length?: number | undefined }
  | { readonly kind: 'option'; readonly value: TypeShape }
  | { readonly kind: 'result'; readonly ok?: TypeShape | undefined; readonly err?: TypeShape | undefined }
  | { readonly kind: 'tuple'; readonly elements: readonly TypeShape[] }
  | { readonly kind: 'resource' | 'own' | 'borrow'; readonly resource: string }
  | { readonly kind: 'stream' | 'future'; readonly element?: TypeShape | undefined }
  | { readonly kind: 'map'; readonly key: TypeShape; readonly value: TypeShape }

export interface FunctionShape {
  readonly async: boolean
  readonly params: readonly FieldShape[]
  readonly result?: TypeShape | undefined
}

/** Functions carry their component names: `request`, `[method]input-stream.read`. */
export interface InterfaceShape {
  /** As the component writes it, with its version: `nexum:host/chain@0.2.0`. */
  readonly name: string
  readonly functions: Readonly<Record<string, FunctionShape>>
  readonly types: Readonly<Record<string, TypeShape>>
}

export type ExternShape =
  | { readonly kind: 'interface'; readonly name: string; readonly interface: InterfaceShape }
  | { readonly kind: 'function'; readonly name: string; readonly function: FunctionShape }
  | { readonly kind: 'type'; readonly name: string; readonly type: TypeShape }
  | { readonly kind: 'module' | 'component' | 'value'; readonly name: string }

export interface WorldShape {
  readonly imports: readonly ExternShape[]
  readonly exports: readonly ExternShape[]
}

const named = z.string().optional()
export const typeShapeSchema: z.ZodType<TypeShape> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.object({ kind: z.enum(primitiveKinds) }),
    z.object({ kind: z.literal('record'), name: named, fields: z.array(fieldSchema) }),
    z.object({ kind: z.literal('variant'), name: named, cases: z.array(caseSchema) }),
    z.object({ kind: z.literal('enum'), name: named, cases: z.array(z.string()) }),
    z.object({ kind: z.literal('flags'), name: named, flags: z.array(z.string()) }),
    z.object({ kind: z.literal('list'), element: typeShapeSchema, length: z.number().int().optional() }),
    z.object({ kind: z.literal('option'), value: typeShapeSchema }),
    z.object({ kind: z.literal('result'), ok: typeShapeSchema.optional(), err: typeShapeSchema.optional() }),
    z.object({ kind: z.literal('tuple'), elements: z.array(typeShapeSchema) }),
    z.object({ kind: z.enum(['resource', 'own', 'borrow']), resource: z.string() }),
    z.object({ kind: z.enum(['stream', 'future']), element: typeShapeSchema.optional() }),
    z.object({ kind: z.literal('map'), key: typeShapeSchema, value: typeShapeSchema }),
  ]),
)
const fieldSchema = z.object({ name: z.string(), type: typeShapeSchema })
const caseSchema = z.object({ name: z.string(), type: typeShapeSchema.optional() })
const functionSchema = z.object({
  async: z.boolean(),
  params: z.array(fieldSchema),
  result: typeShapeSchema.optional(),
})
export const interfaceShapeSchema: z.ZodType<InterfaceShape> = z.object({
  name: z.string(),
  functions: z.record(z.string(), functionSchema),
  types: z.record(z.string(), typeShapeSchema),
})
const externSchema: z.ZodType<ExternShape> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('interface'), name: z.string(), interface: interfaceShapeSchema }),
  z.object({ kind: z.literal('function'), name: z.string(), function: functionSchema }),
  z.object({ kind: z.literal('type'), name: z.string(), type: typeShapeSchema }),
  z.object({ kind: z.enum(['module', 'component', 'value']), name: z.string() }),
])
export const worldShapeSchema: z.ZodType<WorldShape> = z.object({
  imports: z.array(externSchema),
  exports: z.array(externSchema),
})

/** One import or export, as `paddock inspect` lists it. */
export interface ExternDescription {
  readonly name: string
  readonly kind: ExternShape['kind']
  /** `nexum:host`, where the name is an interface's. */
  readonly package: string | undefined
  readonly interface: string | undefined
  readonly version: string | undefined
  /** Names of the functions within, sorted; empty for a type. */
  readonly functions: readonly string[]
}

/** What a world imports and exports, by name, package, interface and version. */
export function describeWorld(world: WorldShape): {
  imports: ExternDescription[]
  exports: ExternDescription[]
} {
  return { imports: world.imports.map(describeExtern), exports: world.exports.map(describeExtern) }
}

function describeExtern(extern: ExternShape): ExternDescription {
  const parsed = parseInterfaceName(extern.name)
  const functions = extern.kind === 'interface' ? Object.keys(extern.interface.functions).sort() : []
  return {
    name: extern.name,
    kind: extern.kind,
    package: parsed === undefined ? undefined : `${parsed.namespace}:${parsed.package}`,
    interface: parsed?.interface,
    version: parsed?.version,
    functions,
  }
}
