/** Host functions as core functions for the guest, and core functions of the guest as functions for the host. */
import { codecOf } from './codec.ts'
import type { GuestMemory } from './guest.ts'
import { alignTo } from './layout.ts'
import type { Codec, FlatKind, FlatValue } from './layout.ts'
import type { FunctionType, ResourceKind, Shape } from './types.ts'

/** Above these the canonical ABI passes through memory. */
const maxFlatParams = 16
const maxFlatResults = 1

export type CoreFunction = (...flat: FlatValue[]) => FlatValue | undefined
export type AnyFunction = (...params: never[]) => unknown

interface Signature {
  readonly params: readonly Codec[]
  /** Where each parameter begins: among the flat values, and in memory when spilled. */
  readonly flatOffsets: readonly number[]
  readonly offsets: readonly number[]
  readonly flat: readonly FlatKind[]
  readonly spilled: boolean
  readonly paramsSize: number
  readonly paramsAlignment: number
  readonly result: Codec | undefined
  readonly resultSpilled: boolean
  readonly lends: boolean
}

const signatures = new WeakMap<FunctionType, Signature>()

function signatureOf(type: FunctionType): Signature {
  const known = signatures.get(type)
  if (known !== undefined) return known
  const params = type.params.map(codecOf)
  const flat: FlatKind[] = []
  const flatOffsets: number[] = []
  const offsets: number[] = []
  let size = 0
  let alignment = 1
  for (const param of params) {
    flatOffsets.push(flat.length)
    flat.push(...param.flat)
    const offset = alignTo(size, param.alignment)
    offsets.push(offset)
    size = offset + param.size
    alignment = Math.max(alignment, param.alignment)
  }
  const result = type.result && codecOf(type.result)
  const signature: Signature = {
    params,
    flatOffsets,
    offsets,
    flat,
    spilled: flat.length > maxFlatParams,
    paramsSize: alignTo(size, alignment),
    paramsAlignment: alignment,
    result,
    resultSpilled: result !== undefined && result.flat.length > maxFlatResults,
    lends: type.params.some(hasBorrow),
  }
  signatures.set(type, signature)
  return signature
}

function hasBorrow(shape: Shape): boolean {
  switch (shape.kind) {
    case 'borrow':
      return true
    case 'list':
    case 'option':
      return hasBorrow(shape.element)
    case 'record':
      return shape.fields.some((field) => hasBorrow(field.shape))
    case 'tuple':
      return shape.elements.some(hasBorrow)
    case 'variant':
      return shape.cases.some((choice) => choice.shape !== undefined && hasBorrow(choice.shape))
    default:
      return false
  }
}

/**
 * The core function through which a guest calls `implementation`. Whatever goes wrong in it kills the instance:
 * the guest's misuse as `sandbox.trap`, what `implementation` throws as `Guest.failHost` says.
 */
export function hostFunction(
  type: FunctionType,
  implementation: AnyFunction,
  memory: GuestMemory,
): CoreFunction {
  const { params, flatOffsets, offsets, spilled, paramsSize, paramsAlignment, result, resultSpilled, lends } =
    signatureOf(type)
  const { guest } = memory
  const call = implementation as (...values: unknown[]) => unknown
  const returnAt = spilled ? 1 : (flatOffsets.at(-1) ?? 0) + (params.at(-1)?.flat.length ?? 0)

  const lift = (flat: readonly FlatValue[]): unknown[] => {
    if (!spilled) return params.map((param, index) => param.lift(memory, flat, flatOffsets[index] ?? 0))
    const start = Number(flat[0]) >>> 0
    memory.check(start, paramsSize, paramsAlignment)
    return params.map((param, index) => param.load(memory, start + (offsets[index] ?? 0)))
  }

  return (...flat) => {
    const before = guest.enterHost()
    try {
      memory.refresh()
      const values = lift(flat)
      let returned: FlatValue | undefined
      if (result === undefined) {
        call(...values)
      } else if (resultSpilled) {
        const pointer = Number(flat[returnAt]) >>> 0
        memory.check(pointer, result.size, result.alignment)
        const value = call(...values)
        memory.refresh()
        result.store(memory, pointer, value)
      } else {
        const value = call(...values)
        const out: FlatValue[] = [0]
        memory.refresh()
        result.lower(memory, value, out, 0)
        returned = out[0]
      }
      if (lends) guest.handles.endLending()
      guest.phase = before
      return returned
    } catch (error) {
      guest.phase = before
      return guest.failHost(error)
    }
  }
}

/** The core function by which a guest lets go of a handle. */
export function dropFunction(resource: ResourceKind, memory: GuestMemory): CoreFunction {
  const { guest } = memory
  return (handle) => {
    guest.checkDrop()
    try {
      guest.handles.drop(resource, Number(handle))
    } catch (error) {
      return guest.failHost(error)
    }
    return undefined
  }
}

/**
 * Calls a guest's core export with lifted values. Throws the `PaddockError` the instance died of: `sandbox.trap`, or
 * what a host function failed with. A result's error side is a value, not a throw.
 */
export function guestFunction(
  type: FunctionType,
  core: CoreFunction,
  postReturn: CoreFunction | undefined,
  memory: GuestMemory,
): (...values: unknown[]) => unknown {
  const { params, flatOffsets, offsets, flat, spilled, paramsSize, paramsAlignment, result, resultSpilled } =
    signatureOf(type)
  const { guest } = memory

  const lower = (values: readonly unknown[]): FlatValue[] => {
    if (!spilled) {
      const out = new Array<FlatValue>(flat.length)
      for (const [index, param] of params.entries())
        param.lower(memory, values[index], out, flatOffsets[index] ?? 0)
      return out
    }
    const start = memory.allocate(paramsSize, paramsAlignment)
    for (const [index, param] of params.entries())
      param.store(memory, start + (offsets[index] ?? 0), values[index])
    return [start]
  }

  const call = (values: readonly unknown[]): unknown => {
    guest.resetCopied()
    memory.refresh()
    let flatValues: FlatValue[]
    try {
      flatValues = lower(values)
    } catch (error) {
      return guest.failHost(error)
    }
    const returned = core(...flatValues)
    // A guest with exception handling can catch what a host function threw.
    if (guest.failure !== undefined) throw guest.failure
    guest.resetCopied()
    memory.refresh()
    let value: unknown
    if (result !== undefined && resultSpilled) {
      const pointer = Number(returned) >>> 0
      memory.check(pointer, result.size, result.alignment)
      value = result.load(memory, pointer)
    } else if (result !== undefined) {
      value = result.lift(memory, [returned ?? 0], 0)
    }
    if (postReturn !== undefined) {
      guest.phase = 'post-return'
      if (returned === undefined) postReturn()
      else postReturn(returned)
    }
    return value
  }
  return (...values) => guest.enter(() => call(values))
}
