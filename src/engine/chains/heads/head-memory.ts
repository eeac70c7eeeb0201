import { chainLimits } from '../limits.ts'
import type { Header } from './header.ts'

/** Hashes remembered so that a head is delivered once, also after a change to a node that lags. */
const rememberedHeads = 1_024

/** The branch that a stream delivered lately, and every hash it delivered. */
export class HeadMemory {
  /** Headers of the current branch by number. */
  readonly recent = new Map<bigint, Header>()
  readonly #seen = new Set<string>()

  has(header: Header): boolean {
    return this.#seen.has(header.hash)
  }

  add(header: Header): void {
    // Whatever was above belongs to a branch that was left.
    for (const number of this.recent.keys()) if (number > header.number) this.recent.delete(number)
    this.recent.set(header.number, header)
    for (const number of this.recent.keys()) {
      if (this.recent.size <= chainLimits.backfillBlocks) break
      this.recent.delete(number)
    }
    this.#seen.add(header.hash)
    for (const hash of this.#seen) {
      if (this.#seen.size <= rememberedHeads) break
      this.#seen.delete(hash)
    }
  }

  /** Whether the header stands on another block than the one delivered below it. */
  isDetached(header: Header): boolean {
    const below = this.recent.get(header.number - 1n)
    return below !== undefined && header.parentHash !== null && below.hash !== header.parentHash
  }

  clear(): void {
    this.recent.clear()
    this.#seen.clear()
  }
}
