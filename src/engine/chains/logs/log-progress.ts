import type { Hex } from 'viem'
import { chainLimits } from '../limits.ts'
import { logKey } from './log-entry.ts'
import type { LogEntry } from './log-entry.ts'

/** Where a stream of logs has got to on its chain, and which logs it delivered of the newest blocks. */
export class LogProgress {
  readonly #heads = new Map<bigint, Hex>()
  readonly #delivered = new Map<string, bigint>()
  /** The first block the stream is about, and the next one to look at; null before the first head. */
  #origin: bigint | null = null
  #next = 0n
  #covered: { readonly last: bigint; readonly upTo: bigint } | null = null

  get hasBegun(): boolean {
    return this.#origin !== null
  }

  /** The next block to look at. */
  get next(): bigint {
    return this.#next
  }

  /** What happened up to this head is not told. */
  begin(head: bigint): void {
    this.#origin = head + 1n
    this.#next = head + 1n
  }

  /** Everything up to this block is delivered; `hash` where it is known. */
  reached(number: bigint, hash: Hex | null): void {
    this.#next = number + 1n
    for (const known of this.#heads.keys()) if (known > number) this.#heads.delete(known)
    if (hash !== null) this.#heads.set(number, hash)
    const oldest = number - 2n * chainLimits.logBranchBlocks
    for (const known of this.#heads.keys()) if (known < oldest) this.#heads.delete(known)
    for (const [key, block] of this.#delivered) if (block < oldest) this.#delivered.delete(key)
  }

  /** Everything up to this block was fetched at once; its heads are yet to be told, in order. */
  cover(number: bigint, hash: Hex): void {
    this.reached(number, hash)
    this.#covered = { last: -1n, upTo: number }
  }

  /** Whether the logs of the head were fetched already; call for each head in its turn. */
  isCovered(number: bigint): boolean {
    const covered = this.#covered
    if (covered === null) return false
    const isPart = number > covered.last && number <= covered.upTo
    // A head that is not above the one before is of another branch.
    this.#covered = isPart && number < covered.upTo ? { ...covered, last: number } : null
    return isPart
  }

  /** Whether this very block was reached. */
  isKnown(number: bigint, hash: Hex): boolean {
    return this.#heads.get(number) === hash
  }

  /** Whether the log is new here; it is taken for delivered then. */
  isNew(entry: LogEntry): boolean {
    const key = logKey(entry)
    if (this.#delivered.has(key)) return false
    this.#delivered.set(key, entry.number)
    return true
  }

  /**
   * The block to look again from: some blocks back, since what was under way when a connection ended is lost, and
   * further back when the node has another block there by now.
   */
  async restart(hashAt: (number: bigint) => Promise<Hex | null>): Promise<bigint> {
    const origin = this.#origin ?? 0n
    const overlap = greater(origin, this.#next - chainLimits.logOverlapBlocks)
    const known = this.#heads.get(overlap)
    if (known === undefined || (await hashAt(overlap)) === known) return overlap
    return greater(origin, this.#next - chainLimits.logBranchBlocks)
  }
}

function greater(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
