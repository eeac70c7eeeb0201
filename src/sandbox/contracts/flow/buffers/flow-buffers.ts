/** The buffers of one flow, pooled by size (spec flows 8.3). No byte of a flow can show up in another. */
import { PaddockError } from '../../../../shared/errors.ts'
import { HostBuffer, type BufferAccount, type Slot } from './host-buffer.ts'
import { capacityFor, maxBufferBytes, tierFor, tiers } from './tiers.ts'

export interface PoolFigures {
  readonly allocated: number
  readonly returned: number
  /** Allocations served by storage used before. */
  readonly reused: number
  /** Allocations above what a tier keeps, and above all tiers. */
  readonly fallbacks: number
  /** Capacities of the live ones. */
  readonly liveBytes: number
}

/** Buffers that one owner still has (spec flows 8.5). */
export interface Survivors {
  /** Name of the stage, or null for the driver. */
  readonly owner: string | null
  readonly count: number
  readonly bytes: number
  readonly oldestMs: number
}

export class FlowBuffers {
  /** Milliseconds on a clock of the driver's, noted with each buffer for its age; never read in here. */
  clockMs = 0
  private readonly slots: Slot[] = []
  private readonly free: Slot[][] = tiers.map(() => [])
  /** Slots made of each tier. */
  private readonly made: number[] = tiers.map(() => 0)
  /** Slots without storage, for what is not kept. */
  private readonly bare: Slot[] = []
  private liveCount = 0
  private liveSize = 0
  private allocatedCount = 0
  private returnedCount = 0
  private reusedCount = 0
  private fallbackCount = 0

  /** Buffers with a holder. */
  get live(): number {
    return this.liveCount
  }

  get figures(): PoolFigures {
    return {
      allocated: this.allocatedCount,
      returned: this.returnedCount,
      reused: this.reusedCount,
      fallbacks: this.fallbackCount,
      liveBytes: this.liveSize,
    }
  }

  /**
   * An empty buffer for at least `bytes` (0 to 16 MiB), with one holder. Throws `RangeError` above. Checks no budget:
   * that is the stage's business.
   */
  allocate(bytes: number, account: BufferAccount | null): HostBuffer {
    if (bytes > maxBufferBytes) throw new RangeError('a buffer holds at most 16 MiB')
    const slot = this.slotFor(bytes)
    const buffer = new HostBuffer(slot, account, this.clockMs, this.giveBack)
    slot.current = buffer
    this.allocatedCount += 1
    this.liveCount += 1
    this.liveSize += buffer.capacity
    return buffer
  }

  /** A buffer of the driver's own with a copy of `bytes`, for elements that come from the engine. Throws `RangeError` above 16 MiB. */
  fromBytes(bytes: Uint8Array, contentType: string): HostBuffer {
    const buffer = this.allocate(bytes.length, null)
    buffer.bytes.set(bytes)
    buffer.size = bytes.length
    buffer.contentTypeHint = contentType
    return buffer
  }

  /** A copy of what `buffer` holds, for elements that go to the engine. Throws `internal.bug` for one that is not of this flow. */
  copyOut(buffer: { readonly id: number }): Uint8Array {
    if (!(buffer instanceof HostBuffer)) {
      throw new PaddockError('internal.bug', `Buffer ${buffer.id} is not of this flow.`)
    }
    return buffer.bytes.slice(0, buffer.size)
  }

  /** Who still has buffers; empty after a flow without faults. */
  survivors(): Survivors[] {
    const found = new Map<string | null, { count: number; bytes: number; oldestMs: number }>()
    for (const { current } of this.slots) {
      if (current === null) continue
      const owner = current.account?.owner ?? null
      const known = found.get(owner) ?? { count: 0, bytes: 0, oldestMs: 0 }
      known.count += 1
      known.bytes += current.capacity
      known.oldestMs = Math.max(known.oldestMs, this.clockMs - current.bornMs)
      found.set(owner, known)
    }
    return [...found].map(([owner, figures]) => ({ owner, ...figures }))
  }

  /** Releases what is left in a stage's account, where its handles cannot be asked; answers how many there were. */
  releaseAllOf(account: BufferAccount): number {
    let released = 0
    for (const { current } of this.slots) {
      if (current?.account !== account) continue
      current.release()
      released += 1
    }
    return released
  }

  private slotFor(bytes: number): Slot {
    const tier = tierFor(bytes)
    const kept = this.free[tier]?.pop()
    if (kept !== undefined) {
      this.reusedCount += 1
      return kept
    }
    const made = this.made[tier] ?? 0
    if (tier >= 0 && made < (tiers[tier]?.kept ?? 0)) {
      const slot = this.addSlot(tier, capacityFor(bytes))
      this.made[tier] = made + 1
      return slot
    }
    this.fallbackCount += 1
    const slot = this.bare.pop() ?? this.addSlot(-1, 0)
    slot.bytes = new Uint8Array(capacityFor(bytes))
    return slot
  }

  private addSlot(tier: number, capacity: number): Slot {
    const slot = {
      index: this.slots.length,
      tier,
      bytes: new Uint8Array(capacity),
      generation: 0,
      current: null,
    }
    this.slots.push(slot)
    return slot
  }

  private readonly giveBack = (slot: Slot, usedBytes: number): void => {
    this.liveCount -= 1
    this.liveSize -= slot.bytes.length
    this.returnedCount += 1
    slot.current = null
    slot.generation += 1
    const shelf = this.free[slot.tier]
    if (shelf === undefined) {
      slot.bytes = nothing
      this.bare.push(slot)
      return
    }
    // A reader sees only what was written since; zeroing what was used keeps that true whatever a reader does.
    slot.bytes.fill(0, 0, usedBytes)
    shelf.push(slot)
  }
}

const nothing = new Uint8Array(0)
