/** What every codec offers, and the arithmetic of the canonical ABI's layout. */
import type { GuestMemory } from './guest.ts'

export type FlatKind = 'i32' | 'i64' | 'f32' | 'f64'
export type FlatValue = number | bigint

/** Moves the values of one type. Pointers are unsigned and must have been checked by whoever followed them. */
export interface Codec {
  readonly size: number
  readonly alignment: number
  /** The core types that carry the value when it does not go through memory. */
  readonly flat: readonly FlatKind[]
  /** Whether a value costs the host no memory of its own. */
  readonly scalar: boolean
  readonly load: (memory: GuestMemory, pointer: number) => unknown
  readonly store: (memory: GuestMemory, pointer: number, value: unknown) => void
  readonly lift: (memory: GuestMemory, flat: readonly FlatValue[], at: number) => unknown
  readonly lower: (memory: GuestMemory, value: unknown, out: FlatValue[], at: number) => void
}

export function alignTo(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment
}
