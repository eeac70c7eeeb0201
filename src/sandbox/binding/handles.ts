/** One table of resource handles per component instance, strict about every use. */
import { trap } from './trap.ts'
import type { ResourceKind } from './types.ts'

/** More live handles than this are taken for a leak. */
const maxHandles = 1 << 20

/** Why a handle cannot be used as asked. */
export type HandleFault = 'dead' | 'other-kind' | 'only-lent' | 'lent-out'

export class HandleTable {
  // One array per fact: an entry costs no object. Handle 0 is never given out.
  private readonly objects: (object | undefined)[] = [undefined]
  private readonly kinds: (ResourceKind | undefined)[] = [undefined]
  /** Whether the guest owns the object or was lent it for the running call. */
  private readonly owned: boolean[] = [false]
  /** How often the running host call holds it as a borrowed argument. */
  private readonly lent: number[] = [0]
  private readonly free: number[] = []
  private readonly lentArguments: number[] = []
  private borrowed = 0

  get size(): number {
    return this.objects.length - 1 - this.free.length
  }

  /** Entries ever used at the same time. */
  get peak(): number {
    return this.objects.length - 1
  }

  /** A new handle for `object`: owned by the guest, or lent to it until the running call ends. */
  add(kind: ResourceKind, object: object, owned: boolean): number {
    const handle = this.free.pop() ?? this.objects.length
    if (handle > maxHandles) trap(`more than ${maxHandles} handles are open`)
    this.objects[handle] = object
    this.kinds[handle] = kind
    this.owned[handle] = owned
    this.lent[handle] = 0
    if (!owned) this.borrowed += 1
    return handle
  }

  /** The object behind a handle that the guest lends to the host for one call. */
  lend(kind: ResourceKind, handle: number): object {
    const object = this.find(kind, handle)
    this.lent[handle] = (this.lent[handle] ?? 0) + 1
    this.lentArguments.push(handle)
    return object
  }

  /** The object behind a handle, which stays the guest's. */
  peek(kind: ResourceKind, handle: number): object {
    return this.find(kind, handle)
  }

  /** Ends what `lend` began. */
  endLending(): void {
    for (let handle = this.lentArguments.pop(); handle !== undefined; handle = this.lentArguments.pop())
      this.lent[handle] = (this.lent[handle] ?? 1) - 1
  }

  /** What `take` would trap for, or null. */
  faultOf(kind: ResourceKind, handle: number): HandleFault | null {
    const present = this.kinds[handle]
    if (present === undefined) return 'dead'
    if (present !== kind) return 'other-kind'
    if (this.owned[handle] !== true) return 'only-lent'
    return this.lent[handle] === 0 ? null : 'lent-out'
  }

  /** Moves an owned object out of the guest. */
  take(kind: ResourceKind, handle: number): object {
    const object = this.find(kind, handle)
    if (this.owned[handle] !== true)
      trap(`handle ${handle} (${kind.name}) is only lent and cannot be handed over`)
    if (this.lent[handle] !== 0) trap(`handle ${handle} (${kind.name}) is lent out and cannot be handed over`)
    this.remove(handle)
    return object
  }

  /** The guest lets go of a handle; an owned object is released. */
  drop(kind: ResourceKind, handle: number): void {
    const object = this.find(kind, handle)
    if (this.lent[handle] !== 0) trap(`handle ${handle} (${kind.name}) is lent out and cannot be dropped`)
    this.remove(handle)
    if (this.owned[handle] === true) kind.release?.(object)
    else this.borrowed -= 1
  }

  /** At the end of a guest call everything lent to it must have been dropped. */
  expectNothingBorrowed(): void {
    if (this.borrowed !== 0) trap(`${this.borrowed} lent handles were kept after the call`)
  }

  /** Releases what the guest still owns; for the end of an instance. Returns how many objects there were. */
  releaseAll(): number {
    let released = 0
    for (let handle = 1; handle < this.objects.length; handle += 1) {
      const object = this.objects[handle]
      const kind = this.kinds[handle]
      if (object === undefined || kind === undefined) continue
      this.remove(handle)
      if (this.owned[handle] !== true) continue
      released += 1
      kind.release?.(object)
    }
    this.borrowed = 0
    return released
  }

  private find(kind: ResourceKind, handle: number): object {
    const object = this.objects[handle]
    const present = this.kinds[handle]
    if (object === undefined || present === undefined) return trap(`handle ${handle} (${kind.name}) is dead`)
    if (present !== kind) return trap(`handle ${handle} is a ${present.name}, not a ${kind.name}`)
    return object
  }

  private remove(handle: number): void {
    this.objects[handle] = undefined
    this.kinds[handle] = undefined
    this.free.push(handle)
  }
}
