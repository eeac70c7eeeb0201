/**
 * Component types as TypeScript values, from which both the value types and the code that moves them follow.
 *
 * How values look here: 64-bit integers are bigint; `list<u8>` is a Uint8Array of its own (a copy, never a view of
 * guest memory); `option` is the value or `undefined`; records have camelCase keys; flags are a record of booleans;
 * enums are plain strings; variants, and `result` wherever it stands, are `{ tag, val }` with the tag as WIT spells it.
 */

export type PrimitiveName =
  'bool' | 's8' | 'u8' | 's16' | 'u16' | 's32' | 'u32' | 's64' | 'u64' | 'f32' | 'f64' | 'char' | 'string'

/** What a type is made of; read by the compiler of codecs only. */
export type Shape =
  | { readonly kind: PrimitiveName | 'bytes' }
  | { readonly kind: 'list' | 'option'; readonly element: Shape }
  | { readonly kind: 'record'; readonly fields: readonly { readonly key: string; readonly shape: Shape }[] }
  | { readonly kind: 'tuple'; readonly elements: readonly Shape[] }
  | {
      readonly kind: 'variant'
      readonly cases: readonly { readonly tag: string; readonly shape: Shape | undefined }[]
      /** Whether it is WIT's `result`, which generated glue treats apart from other variants. */
      readonly isResult: boolean
    }
  | { readonly kind: 'enum' | 'flags'; readonly labels: readonly string[] }
  | { readonly kind: 'own' | 'borrow'; readonly resource: ResourceKind }

/** A component type whose values are `T`. */
export interface WitType<T> {
  readonly shape: Shape
  /** Never present: carries `T` for the type checker. */
  readonly value?: T
}

/** The TypeScript type of a descriptor's values. */
export type ValueOf<D> = D extends WitType<infer T> ? T : never

/** A resource that the host implements; `release` runs when the guest gives up an owned handle. */
export class ResourceKind<T extends object = object> {
  readonly name: string
  readonly release: ((object: T) => void) | undefined

  constructor(name: string, release?: (object: T) => void) {
    this.name = name
    this.release = release
  }
}

export interface Case<Tag extends string, T> {
  readonly tag: Tag
  readonly val: T
}
export interface EmptyCase<Tag extends string> {
  readonly tag: Tag
  readonly val?: undefined
}
/** Nothing to carry, or (where the payload is an option) perhaps nothing. */
type Side<Tag extends string, T> = [T] extends [undefined]
  ? EmptyCase<Tag>
  : undefined extends T
    ? EmptyCase<Tag> | Case<Tag, T>
    : Case<Tag, T>
export type Result<T, E> = Side<'ok', T> | Side<'err', E>

type CaseOf<Tag extends string, D> = D extends WitType<infer T> ? Case<Tag, T> : EmptyCase<Tag>
type AnyType = WitType<unknown>
type ResultSide<D> = D extends WitType<infer T> ? T : undefined

function primitive<T>(kind: PrimitiveName | 'bytes'): WitType<T> {
  return { shape: { kind } }
}

export const bool = primitive<boolean>('bool')
export const s8 = primitive<number>('s8')
export const u8 = primitive<number>('u8')
export const s16 = primitive<number>('s16')
export const u16 = primitive<number>('u16')
export const s32 = primitive<number>('s32')
export const u32 = primitive<number>('u32')
export const s64 = primitive<bigint>('s64')
export const u64 = primitive<bigint>('u64')
export const f32 = primitive<number>('f32')
export const f64 = primitive<number>('f64')
/** One Unicode scalar value, as a string of one code point. */
export const char = primitive<string>('char')
export const string = primitive<string>('string')
/** `list<u8>`. */
export const bytes = primitive<Uint8Array>('bytes')

/** `list<T>`; `list(u8)` is `bytes`. */
export function list<T>(element: WitType<T>): WitType<readonly T[]> {
  if (element.shape.kind === 'u8') throw new TypeError('use bytes for list<u8>')
  return { shape: { kind: 'list', element: element.shape } }
}

/** `option<T>`. An option of an option has no value of its own for "some none" here, hence is refused. */
export function option<T>(element: WitType<T>): WitType<T | undefined> {
  if (element.shape.kind === 'option') throw new TypeError('an option of an option cannot be expressed')
  return { shape: { kind: 'option', element: element.shape } }
}

/** `record`; keys in the order of the WIT, in camelCase. */
export function record<const F extends Readonly<Record<string, AnyType>>>(
  fields: F,
): WitType<{ readonly [K in keyof F]: ValueOf<F[K]> }> {
  return {
    shape: {
      kind: 'record',
      fields: Object.entries(fields).map(([key, type]) => ({ key, shape: type.shape })),
    },
  }
}

export function tuple<const E extends readonly AnyType[]>(
  ...elements: E
): WitType<{ readonly [I in keyof E]: ValueOf<E[I]> }> {
  return { shape: { kind: 'tuple', elements: elements.map((element) => element.shape) } }
}

/** `variant`; tags as WIT spells them, `null` for a case without payload. */
export function variant<const C extends Readonly<Record<string, AnyType | null>>>(
  cases: C,
): WitType<{ [K in keyof C & string]: CaseOf<K, C[K]> }[keyof C & string]> {
  return {
    shape: {
      kind: 'variant',
      cases: Object.entries(cases).map(([tag, type]) => ({ tag, shape: type?.shape })),
      isResult: false,
    },
  }
}

/** `result<T, E>`, `null` for an absent side. */
export function result<T extends AnyType | null, E extends AnyType | null>(
  ok: T,
  err: E,
): WitType<Result<ResultSide<T>, ResultSide<E>>> {
  const cases = [
    { tag: 'ok', shape: ok?.shape },
    { tag: 'err', shape: err?.shape },
  ]
  return { shape: { kind: 'variant', cases, isResult: true } }
}

/** `enum`. */
export function enumeration<const L extends readonly string[]>(...labels: L): WitType<L[number]> {
  return { shape: { kind: 'enum', labels } }
}

/** `flags`, up to 32; keys in camelCase. */
export function flags<const L extends readonly string[]>(
  ...labels: L
): WitType<{ readonly [K in L[number]]: boolean }> {
  if (labels.length < 1 || labels.length > 32) throw new TypeError('flags have 1 to 32 labels')
  return { shape: { kind: 'flags', labels } }
}

/** `own<T>`: the receiver becomes the owner. */
export function own<T extends object>(resource: ResourceKind<T>): WitType<T> {
  return { shape: { kind: 'own', resource: resource as ResourceKind } }
}

/** `borrow<T>`: lent for the call only. */
export function borrow<T extends object>(resource: ResourceKind<T>): WitType<T> {
  return { shape: { kind: 'borrow', resource: resource as ResourceKind } }
}

/** A function's parameters and result; `result: undefined` where it returns nothing. */
export interface FunctionType<P extends readonly unknown[] = readonly unknown[], R = unknown> {
  readonly params: readonly Shape[]
  readonly result: Shape | undefined
  /** Never present: carries the signature for the type checker. */
  readonly signature?: { readonly params: P; readonly result: R }
}

export function func<const P extends readonly AnyType[]>(
  params: P,
): FunctionType<{ readonly [I in keyof P]: ValueOf<P[I]> }, undefined>
export function func<const P extends readonly AnyType[], R>(
  params: P,
  result: WitType<R>,
): FunctionType<{ readonly [I in keyof P]: ValueOf<P[I]> }, R>
export function func(params: readonly AnyType[], result?: AnyType): FunctionType {
  return { params: params.map((param) => param.shape), result: result?.shape }
}

/** The TypeScript signature of a function descriptor. */
export type SignatureOf<F> = F extends FunctionType<infer P, infer R> ? (...params: [...P]) => R : never

/**
 * An interface of the host: its full name, its functions under camelCase names (those of resources under the name
 * the component model gives them, `[method]buffer.read`), and its resources under their WIT names.
 */
export interface InterfaceType<
  F extends Readonly<Record<string, FunctionType>> = Readonly<Record<string, FunctionType>>,
> {
  readonly name: string
  readonly functions: F
  readonly resources: Readonly<Record<string, ResourceKind>>
}

export function interfaceType<const F extends Readonly<Record<string, FunctionType>>>(
  name: string,
  functions: F,
  resources: Readonly<Record<string, ResourceKind>> = {},
): InterfaceType<F> {
  return { name, functions, resources }
}

/** An interface with its implementation, ready to be bound. */
export interface HostInterface {
  readonly type: InterfaceType
  readonly functions: Readonly<Record<string, (...params: never[]) => unknown>>
}

/** Pairs an interface with its implementation; a host function answers its error side by returning `err(…)`. */
export function implement<F extends Readonly<Record<string, FunctionType>>>(
  type: InterfaceType<F>,
  functions: { readonly [K in keyof F]: SignatureOf<F[K]> },
): HostInterface {
  return { type, functions }
}

export function ok(): EmptyCase<'ok'>
export function ok<T>(val: T): Case<'ok', T>
export function ok(val?: unknown): unknown {
  return { tag: 'ok', val }
}

export function err<E>(val: E): Case<'err', E> {
  return { tag: 'err', val }
}
