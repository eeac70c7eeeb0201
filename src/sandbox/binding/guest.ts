/** What the binder knows of one running component: its state, its handles, and the memories of its core instances. */
import { maxCallBytes } from '../../shared/domain/limits.ts'
import { PaddockError } from '../../shared/errors.ts'
import { HandleTable } from './handles.ts'
import { trap } from './trap.ts'

/** Who runs: nobody, the guest, one of our host functions, or guest code that may not call out (`cabi_realloc`). */
export type Phase = 'idle' | 'guest' | 'host' | 'allocating' | 'post-return'

/** State shared by all core instances of one component. */
export class Guest {
  readonly handles = new HandleTable()
  phase: Phase = 'idle'
  /** Why the instance is dead; nothing enters or leaves it any more (spec nexum-host 2.5). */
  failure: PaddockError | undefined
  private copied = 0

  /** Runs `call` inside the guest; any throw leaves the instance dead. */
  enter<T>(call: () => T): T {
    this.begin()
    try {
      const value = call()
      this.end()
      return value
    } catch (error) {
      throw this.died(error)
    }
  }

  /** Opens a call, for callers that cannot afford a closure: `end` or `died` closes it. Throws as `enter` does. */
  begin(): void {
    if (this.failure !== undefined) {
      throw new PaddockError('sandbox.trap', 'cannot enter component instance: an earlier call trapped', {
        cause: this.failure,
      })
    }
    if (this.phase !== 'idle') this.fail(trapError('cannot enter component instance: it is running'))
    this.phase = 'guest'
  }

  /** Closes a call whose result was read. Throws where the guest broke a rule unnoticed; then `died` closes it. */
  end(): void {
    // A guest with exception handling can catch what a host function threw.
    this.checkAlive()
    this.handles.expectNothingBorrowed()
    this.phase = 'idle'
  }

  /** Closes a call that threw: the instance is dead, of what is returned. */
  died(thrown: unknown): PaddockError {
    this.phase = 'idle'
    this.failure ??= toTrap(thrown)
    return this.failure
  }

  /** Throws what the instance died of, if it did. */
  checkAlive(): void {
    if (this.failure !== undefined) throw this.failure
  }

  /** Begins a host function called by the guest; returns the phase to go back to. */
  enterHost(): Phase {
    if (this.failure !== undefined) throw this.failure
    if (this.phase !== 'guest' && this.phase !== 'idle') {
      this.fail(trapError('cannot leave component instance: it is allocating or cleaning up'))
    }
    const before = this.phase
    this.copied = 0
    this.phase = 'host'
    return before
  }

  /** Dropping handles stays allowed after the call: QuickJS guests drop what they were lent while cleaning up. */
  checkDrop(): void {
    if (this.failure !== undefined) throw this.failure
    if (this.phase === 'allocating') this.fail(trapError('a handle was dropped while allocating'))
  }

  /** Marks the instance dead and throws; keeps the first failure. */
  fail(error: PaddockError): never {
    this.failure ??= error
    throw this.failure
  }

  /**
   * A host function that throws is a fault of the host, unless it threw a typed error. A `RangeError` counts as
   * the guest's: by deep recursion it can make any host function run out of stack.
   */
  failHost(thrown: unknown): never {
    if (thrown instanceof PaddockError || thrown instanceof RangeError) return this.fail(toTrap(thrown))
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return this.fail(new PaddockError('internal.bug', `a host function threw: ${message}`, { cause: thrown }))
  }

  /** Starts a new count of copied bytes. */
  resetCopied(): void {
    this.copied = 0
  }

  /** Counts `size` bytes as copied; traps above the limit, before anything is allocated for them. */
  charge(size: number): void {
    this.copied += size
    if (this.copied > maxCallBytes) trap(`a call copies more than ${maxCallBytes} bytes`)
  }
}

function trapError(message: string): PaddockError {
  return new PaddockError('sandbox.trap', message)
}

/** What comes out of the guest's code itself: wasm traps, stack overflow, guest exceptions, bad signatures. */
function toTrap(thrown: unknown): PaddockError {
  if (thrown instanceof PaddockError) return thrown
  const message = thrown instanceof Error ? thrown.message : 'the guest threw an exception of its own'
  return new PaddockError('sandbox.trap', message, { cause: thrown })
}

type Realloc = (pointer: number, oldSize: number, alignment: number, newSize: number) => unknown

/** The memory and allocator of one core instance; `view` and `bytes` are valid until guest code runs. */
export class GuestMemory {
  readonly guest: Guest
  bytes = new Uint8Array(0)
  view = new DataView(this.bytes.buffer)
  private memory: WebAssembly.Memory | undefined
  private realloc: Realloc | undefined

  constructor(guest: Guest) {
    this.guest = guest
  }

  attach(memory: WebAssembly.Memory | undefined, realloc: Realloc | undefined): void {
    this.memory = memory
    this.realloc = realloc
    this.refresh()
  }

  get attached(): boolean {
    return this.memory !== undefined
  }

  /** Must be called whenever guest code may have grown the memory. */
  refresh(): void {
    // Growing detaches the old buffer, which leaves its view empty.
    if (this.bytes.length !== 0) return
    const buffer = this.memory?.buffer
    if (buffer === undefined || buffer === this.bytes.buffer) return
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
  }

  /** Checks that `size` bytes at `pointer` lie in memory, aligned. `pointer` must be unsigned. */
  check(pointer: number, size: number, alignment: number): void {
    if (pointer % alignment !== 0) trap(`pointer ${pointer} is not aligned to ${alignment}`)
    if (pointer + size > this.bytes.byteLength) trap(`${size} bytes at ${pointer} are out of bounds`)
  }

  /** Lets the guest allocate; returns an unsigned, aligned pointer to `size` bytes in bounds. */
  allocate(size: number, alignment: number): number {
    if (this.realloc === undefined) return trap('the guest exports no cabi_realloc')
    const { guest } = this
    const before = guest.phase
    guest.phase = 'allocating'
    let pointer: number
    try {
      pointer = Number(this.realloc(0, 0, alignment, size)) >>> 0
    } catch (error) {
      return guest.fail(toTrap(error))
    }
    guest.phase = before
    if (guest.failure !== undefined) throw guest.failure
    this.refresh()
    this.check(pointer, size, alignment)
    return pointer
  }
}
