/** One buffer between its allocation and its release (spec flows 8.1). */
import { PaddockError } from '../../../../shared/errors.ts'
import type { ElementBuffer } from '../stages/stage.ts'

/** The storage behind buffers: a place in the flow's table, used again and again with a generation of its own each time. */
export interface Slot {
  readonly index: number
  /** Index in `tiers`, or -1 for storage that is not kept. */
  readonly tier: number
  bytes: Uint8Array
  generation: number
  current: HostBuffer | null
}

/** What one stage owns now, against its bound. */
export class BufferAccount {
  readonly owner: string
  readonly budgetBytes: number
  ownedBytes = 0

  constructor(owner: string, budgetBytes: number) {
    this.owner = owner
    this.budgetBytes = budgetBytes
  }
}

/** Generations of a slot stay below this in an id, above it lies the index. */
const generations = 2 ** 32

/**
 * Bytes of one element. The object lives as long as its identity, index and generation of its slot: after the last
 * release every use is an error, whoever got the storage next.
 */
export class HostBuffer implements ElementBuffer {
  readonly id: number
  readonly capacity: number
  size = 0
  contentTypeHint = ''
  /** The stage that owns it; null for the driver. */
  account: BufferAccount | null
  /** By the driver's clock, in milliseconds. */
  readonly bornMs: number
  private readonly slot: Slot
  private readonly giveBack: (slot: Slot, usedBytes: number) => void
  private holders = 1

  constructor(
    slot: Slot,
    account: BufferAccount | null,
    bornMs: number,
    giveBack: (slot: Slot, usedBytes: number) => void,
  ) {
    this.id = slot.index * generations + slot.generation
    this.capacity = slot.bytes.length
    this.slot = slot
    this.bornMs = bornMs
    this.giveBack = giveBack
    this.account = account
    if (account !== null) account.ownedBytes += this.capacity
  }

  /** The storage; only the first `size` bytes mean anything. Throws `internal.bug` after the last release. */
  get bytes(): Uint8Array {
    if (this.holders === 0) this.stale('touched')
    return this.slot.bytes
  }

  retain(): void {
    if (this.holders === 0) this.stale('retained')
    this.holders += 1
  }

  release(): void {
    if (this.holders === 0) this.stale('released')
    this.holders -= 1
    if (this.holders > 0) return
    this.toDriver()
    this.giveBack(this.slot, this.size)
  }

  /** Takes it out of its stage's account: handed over, or let go of. */
  toDriver(): void {
    if (this.account === null) return
    this.account.ownedBytes -= this.capacity
    this.account = null
  }

  private stale(what: string): never {
    throw new PaddockError(
      'internal.bug',
      `Buffer ${this.id} was ${what} after its last holder let go of it.`,
    )
  }
}
