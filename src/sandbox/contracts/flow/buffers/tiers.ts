/** Sizes of a flow's buffers, and how many of each are kept for reuse (spec flows 8.3). */

export interface Tier {
  readonly capacity: number
  /** More at a time are plain allocations, counted as fallback. */
  readonly kept: number
}

export const tiers: readonly Tier[] = [
  { capacity: 256, kept: 4_096 },
  { capacity: 4_096, kept: 1_024 },
  { capacity: 65_536, kept: 256 },
  { capacity: 1_048_576, kept: 32 },
]

/** More in one buffer is refused; a producer splits (spec flows 8.2). */
export const maxBufferBytes = 16_777_216

/** Index of the smallest tier with room for `bytes`, or -1 where none has. */
export function tierFor(bytes: number): number {
  for (let index = 0; index < tiers.length; index += 1) {
    const tier = tiers[index]
    if (tier !== undefined && bytes <= tier.capacity) return index
  }
  return -1
}

/** Bytes that a buffer asked for with `bytes` takes up: its tier's, or exactly `bytes` above all tiers. */
export function capacityFor(bytes: number): number {
  return tiers[tierFor(bytes)]?.capacity ?? bytes
}
