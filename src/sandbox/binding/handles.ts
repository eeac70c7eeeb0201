/** One table of resource handles per component instance, strict about every use. */
import { trap } from './trap.ts'
import type { ResourceKind } from './types.ts'

interface Entry {
  readonly kind: ResourceKind
  readonly object: object
  /** Whether the guest owns the object or was lent it for the running call. */
  readonly owned: boolean
  /** How often the running host call holds it as a borrowed argument. */
  lent: number
}

/** More live handles than this are taken for a leak. */
const maxHandles = 1 << 20

export class HandleTable {
  // Handle 0 is never given out.
  private readonly entries: (Entry | undefined)[] = [undefined]
  private readonly free: number[] = []
  private readonly lentArguments: Entry[] = []
  private borrowed = 0

  get size(): number {
    return this.entries.length - 1 - this.free.length
  }

  /** A new handle for `object`: owned by the guest, or lent to it until the running call ends. */
  add(kind: ResourceKind, object: object, owned: boolean): number {
    const handle = this.free.pop() ?? this.entries.length
    if (handle > maxHandles) trap(`more than ${maxHandles} handles are open`)
    this.entries[handle] = { kind, object, owned, lent: 0 }
    if (!owned) this.borrowed += 1
    return handle
  }

  /** The object behind a handle that the guest lends to the host for one call. */
  lend(kind: ResourceKind, handle: number): object {
    const entry = this.find(kind, handle)
    entry.lent += 1
    this.lentArguments.push(entry)
    return entry.object
  }

  /** The object behind a handle, which stays the guest's. */
  peek(kind: ResourceKind, handle: number): object {
    return this.find(kind, handle).object
  }

  /** Ends what `lend` began. */
  endLending(): void {
    for (let entry = this.lentArguments.pop(); entry !== undefined; entry = this.lentArguments.pop())
      entry.lent -= 1
  }

  /** Moves an owned object out of the guest. */
  take(kind: ResourceKind, handle: number): object {
    const entry = this.find(kind, handle)
    if (!entry.owned) trap(`handle ${handle} (${kind.name}) is only lent and cannot be handed over`)
    if (entry.lent > 0) trap(`handle ${handle} (${kind.name}) is lent out and cannot be handed over`)
    this.remove(handle)
    return entry.object
  }

  /** The guest lets go of a handle; an owned object is released. */
  drop(kind: ResourceKind, handle: number): void {
    const entry = this.find(kind, handle)
    if (entry.lent > 0) trap(`handle ${handle} (${kind.name}) is lent out and cannot be dropped`)
    this.remove(handle)
    if (entry.owned) kind.release?.(entry.object)
    else this.borrowed -= 1
  }

  /** At the end of a guest call everything lent to it must have been dropped. */
  expectNothingBorrowed(): void {
    if (this.borrowed !== 0) trap(`${this.borrowed} lent handles were kept after the call`)
  }

  /** Releases what the guest still owns; for the end of an instance. Returns how many objects there were. */
  releaseAll(): number {
    let released = 0
    for (const [handle, entry] of this.entries.entries()) {
      if (entry === undefined) continue
      this.remove(handle)
      if (!entry.owned) continue
      released += 1
      entry.kind.release?.(entry.object)
    }
    this.borrowed = 0
    return released
  }

  private find(kind: ResourceKind, handle: number): Entry {
    const entry = this.entries[handle]
    if (entry === undefined) return trap(`handle ${handle} (${kind.name}) is dead`)
    if (entry.kind !== kind) return trap(`handle ${handle} is a ${entry.kind.name}, not a ${kind.name}`)
    return entry
  }

  private remove(handle: number): void {
    this.entries[handle] = undefined
    this.free.push(handle)
  }
}
