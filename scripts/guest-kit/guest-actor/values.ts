// Values between a TypeScript actor and its database. Everything is converted before it crosses: a bigint, a lone
// surrogate or a value of another kind would end the instance instead of failing the call.
import type { Bindings, Value } from 'paddock:sql/types@0.1.0'
import { wellFormed } from '../guest/text.ts'

/** What a row holds. Integers beyond ±(2^53 - 1) are bigints. */
export type SqlValue = null | number | bigint | string | Uint8Array

/** A number that is stored as REAL even where it is whole: `real(3)`. */
export class Real {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

export function real(value: number): Real {
  return new Real(value)
}

const smallest = -(2n ** 63n)
const largest = 2n ** 63n - 1n

/** One parameter. Throws a TypeError for what no column can hold. */
export function toValue(value: unknown): Value {
  if (value === null) return { tag: 'null' }
  switch (typeof value) {
    case 'boolean':
      return { tag: 'integer', val: value ? 1 : 0 }
    case 'number':
      if (Number.isNaN(value)) throw new TypeError('NaN cannot be stored; use null.')
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? { tag: 'integer', val: value }
        : { tag: 'real', val: value }
    case 'bigint':
      if (value < smallest || value > largest) throw new RangeError('The integer does not fit 64 bits.')
      return Number.isSafeInteger(Number(value))
        ? { tag: 'integer', val: Number(value) }
        : { tag: 'big-integer', val: String(value) }
    case 'string':
      return { tag: 'text', val: wellFormed(value) }
    case 'object':
      if (value instanceof Uint8Array) return { tag: 'blob', val: value }
      if (value instanceof Real) {
        if (Number.isNaN(value.value)) throw new TypeError('NaN cannot be stored; use null.')
        return { tag: 'real', val: value.value }
      }
      break
    default:
  }
  throw new TypeError(
    `A parameter must be null, number, bigint, string, boolean or Uint8Array, not ${kindOf(value)}.`,
  )
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? Object.prototype.toString.call(value) : typeof value
}

/** Parameters: a list by position, or an object by name. */
export function toBindings(given: readonly unknown[] | Readonly<Record<string, unknown>>): Bindings {
  // What a module passes in spite of the types is its author's mistake and not to end the instance.
  const params: unknown = given
  if (Array.isArray(params)) return { tag: 'positional', val: params.map(toValue) }
  if (typeof params !== 'object' || params === null || params instanceof Uint8Array) {
    throw new TypeError('Parameters are a list or an object.')
  }
  const entries = Object.entries(params).map(([name, value]): [string, Value] => [
    wellFormed(name),
    toValue(value),
  ])
  return { tag: 'named', val: entries }
}

export function fromValue(value: Value): SqlValue {
  switch (value.tag) {
    case 'null':
      return null
    case 'big-integer':
      return BigInt(value.val)
    default:
      return value.val
  }
}
