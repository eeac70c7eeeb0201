/** What the reader keeps in a component's index spaces. */
import type { PrimitiveKind } from '../../../shared/component/world.ts'

/** A declaration's name: one object per declared type, so that identity is kept through aliases. */
export interface Declaration {
  name: string | undefined
  /** The interface it was declared in, without its version; `undefined` at the top of the world. */
  owner: string | undefined
}

export interface Field {
  readonly name: string
  readonly type: ValueType
}

interface Sized {
  /** Nodes of the type written out as a tree. */
  readonly size: number
  readonly depth: number
}

export type ValueType = Sized & ValueTypeBody
export type ValueTypeBody =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'record'; readonly declaration: Declaration; readonly fields: readonly Field[] }
  | {
      readonly kind: 'variant'
      readonly declaration: Declaration
      readonly cases: readonly { readonly name: string; readonly type: ValueType | undefined }[]
    }
  | { readonly kind: 'enum' | 'flags'; readonly declaration: Declaration; readonly labels: readonly string[] }
  | { readonly kind: 'list'; readonly element: ValueType; readonly length: number | undefined }
  | { readonly kind: 'option'; readonly value: ValueType }
  | { readonly kind: 'result'; readonly ok: ValueType | undefined; readonly err: ValueType | undefined }
  | { readonly kind: 'tuple'; readonly elements: readonly ValueType[] }
  | { readonly kind: 'own' | 'borrow'; readonly resource: Declaration }
  | { readonly kind: 'stream' | 'future'; readonly element: ValueType | undefined }
  | { readonly kind: 'map'; readonly key: ValueType; readonly value: ValueType }

export interface FunctionType {
  readonly async: boolean
  readonly params: readonly Field[]
  readonly result: ValueType | undefined
  readonly size: number
}

export type Exports = ReadonlyMap<string, Entity>

/** An entry of the type index space. */
export type TypeEntity =
  | { readonly tag: 'value'; readonly value: ValueType }
  | { readonly tag: 'function'; readonly function: FunctionType }
  | { readonly tag: 'resource'; readonly resource: Declaration }
  /** `instantiate` makes a fresh instance, whose resources are its own, declared in `owner`. */
  | { readonly tag: 'instance'; readonly instantiate: (owner?: string) => Exports }
  | { readonly tag: 'component'; readonly instantiate: () => Exports }

/** Anything that can be imported or exported. */
export type Entity =
  | { readonly sort: 'function'; readonly function: FunctionType }
  | { readonly sort: 'type'; readonly type: TypeEntity }
  | { readonly sort: 'instance'; readonly exports: Exports }
  | { readonly sort: 'component'; readonly instantiate: (args: Exports) => Exports }
  | { readonly sort: 'module' | 'value' | 'core' }

/** One component's or type's index spaces, within those of its surroundings. */
export interface Scope {
  readonly parent: Scope | undefined
  /** Whether this is a component, whose index spaces hold more than types. */
  readonly owner: string | undefined
  readonly types: TypeEntity[]
  readonly functions: FunctionType[]
  readonly instances: Exports[]
  readonly components: ((args: Exports) => Exports)[]
}

export function newScope(parent: Scope | undefined, owner: string | undefined): Scope {
  return { parent, owner, types: [], functions: [], instances: [], components: [] }
}

/** Nodes in one type written out as a tree, and how deep it may go. */
export const maxTypeSize = 20_000
export const maxTypeDepth = 100
