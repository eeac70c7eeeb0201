/** Bound parameters: their limits, their checks, and how they reach the addon (spec actors-sql 6). */
import type { SqlLimits } from '../../../../../shared/contracts/actor-limits.ts'
import type { Bindings, BindProblem, LimitName, SqlValue } from '../../interfaces.ts'
import { SqlFault } from '../faults.ts'

export type NativeValue = null | bigint | number | string | Uint8Array

const minimum = -(2n ** 63n)
const maximum = 2n ** 63n - 1n
const largestU32 = 0xffff_ffff

export function bindFault(parameter: string, problem: BindProblem, statementIndex: number): SqlFault {
  return new SqlFault({ tag: 'invalid-bind-parameter', val: { parameter, problem, statementIndex } })
}

export function limitFault(limit: LimitName, max: number, actual: number): SqlFault {
  return new SqlFault({
    tag: 'limit-exceeded',
    val: { limit, maximum: max, actual: Math.min(actual, largestU32) },
  })
}

/** Counts what is bound in one call, over all its statements. */
export class ParameterMeter {
  private readonly limits: SqlLimits
  private total = 0

  constructor(limits: SqlLimits) {
    this.limits = limits
  }

  /** A call begins. */
  begin(): this {
    this.total = 0
    return this
  }

  /** Throws `SqlFault` (limit-exceeded) for the first limit that is passed. */
  check(params: Bindings): void {
    const { parameterCount, parameterBytes, totalParameterBytes } = this.limits
    const { length } = params.val
    if (length > parameterCount) throw limitFault('parameter-count', parameterCount, length)
    for (const entry of params.val) {
      const bytes = sizeOf(
        params.tag === 'named' ? (entry as readonly [string, SqlValue])[1] : (entry as SqlValue),
      )
      if (bytes > parameterBytes) throw limitFault('parameter-bytes', parameterBytes, bytes)
      this.total += bytes
      if (this.total > totalParameterBytes) {
        throw limitFault('total-parameter-bytes', totalParameterBytes, this.total)
      }
    }
  }
}

function sizeOf(value: SqlValue): number {
  if (value.tag === 'text') return Buffer.byteLength(value.val, 'utf8')
  return value.tag === 'blob' ? value.val.byteLength : 0
}

/** One value as the addon binds it. Throws `SqlFault` (invalid-bind-parameter). */
export function nativeValue(value: SqlValue, parameter: string, statementIndex: number): NativeValue {
  switch (value.tag) {
    case 'null':
      return null
    case 'integer':
    case 'text':
    case 'blob':
      return value.val
    case 'real':
      if (Number.isNaN(value.val)) throw bindFault(parameter, 'not-a-number', statementIndex)
      return value.val
    case 'big-integer': {
      // Canonical: no plus sign, no leading zeros, no minus zero.
      if (!/^(?:0|-?[1-9]\d{0,18})$/.test(value.val))
        throw bindFault(parameter, 'not-an-integer', statementIndex)
      const integer = BigInt(value.val)
      if (integer < minimum || integer > maximum) throw bindFault(parameter, 'not-an-integer', statementIndex)
      return integer
    }
  }
}

/** The parameters a statement has, as the engine says. */
export interface ParameterLayout {
  /** Names without their prefix, in the engine's order; `?5` counts as named `5`. */
  readonly names: readonly string[]
  /** Parameters without a name. */
  readonly anonymous: number
}

/**
 * Positional values for a statement with names: by number for `?5`, else in the engine's order. Throws `SqlFault`.
 */
export function layOut(
  layout: ParameterLayout,
  values: readonly NativeValue[],
  statementIndex: number,
): [named: Record<string, NativeValue>, anonymous: NativeValue[]] {
  const { names, anonymous } = layout
  const numbers = names.map((name) => (/^[1-9]\d*$/.test(name) ? Number(name) : undefined))
  const count = names.length + anonymous
  if (values.length < count) throw bindFault(String(values.length + 1), 'too-few', statementIndex)
  if (values.length > count) throw bindFault(String(count + 1), 'too-many', statementIndex)
  const unplaced = names.find((_, index) => numbers[index] === undefined)
  // Where words and question marks are mixed only the names say what is meant.
  if (unplaced !== undefined && (anonymous > 0 || numbers.some((number) => number !== undefined))) {
    throw bindFault(unplaced, 'missing', statementIndex)
  }
  const named: Record<string, NativeValue> = Object.create(null) as Record<string, NativeValue>
  const taken = new Set<number>()
  for (const [index, name] of names.entries()) {
    const position = numbers[index] ?? index + 1
    taken.add(position)
    named[name] = values[position - 1] ?? null
  }
  return [named, values.filter((_, index) => !taken.has(index + 1))]
}

/** Named values for the statement's names. Throws `SqlFault`: each must be there exactly once. */
export function byName(
  layout: ParameterLayout,
  entries: readonly (readonly [string, SqlValue])[],
  statementIndex: number,
): Record<string, NativeValue> {
  const named: Record<string, NativeValue> = Object.create(null) as Record<string, NativeValue>
  const known = new Set(layout.names)
  for (const [given, value] of entries) {
    const name = /^[:@$]/.test(given) ? given.slice(1) : given
    if (!known.has(name)) throw bindFault(given, 'unknown-name', statementIndex)
    if (Object.hasOwn(named, name)) throw bindFault(given, 'duplicate-name', statementIndex)
    named[name] = nativeValue(value, given, statementIndex)
  }
  const missing = layout.names.find((name) => !Object.hasOwn(named, name))
  if (missing !== undefined) throw bindFault(missing, 'missing', statementIndex)
  if (layout.anonymous > 0) throw bindFault('1', 'too-few', statementIndex)
  return named
}
