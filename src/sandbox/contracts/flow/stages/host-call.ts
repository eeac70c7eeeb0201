/** The frame of every host function of a stage: who runs, and what becomes of a throw. */
import type { CoreFunction } from '../../../binding/functions.ts'
import type { GuestMemory } from '../../../binding/guest.ts'
import type { FlatValue } from '../../../binding/layout.ts'
import type { CallFuel } from './call-fuel.ts'
import type { StageResources } from './stage-resources.ts'

/** What the host functions of one stage share. */
export interface StageHost {
  readonly resources: StageResources
  readonly fuel: CallFuel
}

type Body = (a: FlatValue, b: FlatValue, c: FlatValue, d: FlatValue, e: FlatValue) => FlatValue | undefined

/** A core function that runs `body` as the host. Any throw leaves the instance dead. */
export function hostCall(memory: GuestMemory, body: Body): CoreFunction {
  const { guest } = memory
  return (a = 0, b = 0, c = 0, d = 0, e = 0) => {
    const before = guest.enterHost()
    try {
      memory.refresh()
      const value = body(a, b, c, d, e)
      guest.phase = before
      return value
    } catch (error) {
      guest.phase = before
      return guest.failHost(error)
    }
  }
}

/** An unsigned pointer, length or handle. */
export function u32(value: FlatValue): number {
  return Number(value) >>> 0
}

/** An unsigned 64-bit number as a float: exact up to 2⁵³, and large above. */
export function u64(value: FlatValue): number {
  const signed = Number(value)
  return signed < 0 ? signed + 2 ** 64 : signed
}

/** Copies of few bytes are faster one by one than through a view. */
const shortCopy = 96

/** Copies `length` bytes; both ranges must have been checked. */
export function copyBytes(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  to: number,
  length: number,
): void {
  if (length > shortCopy) {
    target.set(source.subarray(from, from + length), to)
    return
  }
  for (let at = 0; at < length; at += 1) target[to + at] = source[from + at] ?? 0
}
