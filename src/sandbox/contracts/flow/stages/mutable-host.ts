/** Core functions of `mutable-buffer` and of `torvyn:streaming/buffer-allocator` (spec flows 8.2). */
import type { DirectInterface } from '../../../binding/direct.ts'
import type { CoreFunction } from '../../../binding/functions.ts'
import type { GuestMemory } from '../../../binding/guest.ts'
import { trap } from '../../../binding/trap.ts'
import { interfaceType, type ResourceKind } from '../../../binding/types.ts'
import type { HostBuffer } from '../buffers/host-buffer.ts'
import { copyBytes, hostCall, u32, u64, type StageHost } from './host-call.ts'
import { allocatorName } from './names.ts'
import { MutableBuffer } from './stage-resources.ts'
import { IncomingText, OutgoingText } from './texts.ts'

/** Cases of `buffer-error`. */
const capacityExceeded = 0
const outOfBounds = 1
const allocationFailed = 2

/** Longer hints are cut (spec flows 5.4). */
export const maxContentTypeBytes = 63

export function mutableFunctions(host: StageHost, memory: GuestMemory): Map<string, CoreFunction> {
  const { resources, fuel } = host
  const { handles } = memory.guest
  const mutableKind = resources.mutableKind as object as ResourceKind
  const bufferKind = resources.bufferKind as object as ResourceKind
  const find = (handle: unknown): MutableBuffer =>
    handles.peek(mutableKind, handle as number) as MutableBuffer
  const refusal = new Refusal(memory)
  const hints = new IncomingText(2)

  /** At `offset`, or at the end where it is null. */
  const write = (
    self: unknown,
    offset: number | null,
    pointer: number,
    length: number,
    target: number,
  ): void => {
    memory.check(target, 16, 4)
    memory.check(pointer, length, 1)
    const { buffer } = find(self)
    fuel.charge(length)
    if (buffer === null) {
      refusal.failed(target, 'frozen')
      return
    }
    const from = offset ?? buffer.size
    if (from > buffer.size) refusal.plain(target, outOfBounds)
    else if (from + length > buffer.capacity) refusal.plain(target, capacityExceeded)
    else {
      copyBytes(memory.bytes, pointer, buffer.bytes, from, length)
      if (from + length > buffer.size) buffer.size = from + length
      resources.copied('write', length)
      memory.view.setUint8(target, 0)
    }
  }

  return new Map<string, CoreFunction>([
    [
      '[method]mutable-buffer.write',
      hostCall(memory, (self, offset, pointer, length, target) => {
        write(self, u64(offset), u32(pointer), u32(length), u32(target))
        return undefined
      }),
    ],
    [
      '[method]mutable-buffer.append',
      hostCall(memory, (self, pointer, length, target) => {
        write(self, null, u32(pointer), u32(length), u32(target))
        return undefined
      }),
    ],
    [
      '[method]mutable-buffer.size',
      hostCall(memory, (self) => {
        fuel.charge(0)
        return BigInt(find(self).size)
      }),
    ],
    [
      '[method]mutable-buffer.capacity',
      hostCall(memory, (self) => {
        fuel.charge(0)
        return BigInt(find(self).capacity)
      }),
    ],
    [
      '[method]mutable-buffer.set-content-type',
      hostCall(memory, (self, pointer, length) => {
        fuel.charge(0)
        const { buffer } = find(self)
        if (buffer === null) return trap('set the content type of a frozen mutable-buffer')
        buffer.contentTypeHint = hints.lift(memory, u32(pointer), u32(length), maxContentTypeBytes)
        return undefined
      }),
    ],
    [
      '[method]mutable-buffer.freeze',
      hostCall(memory, (self) => {
        fuel.charge(0)
        const mutable = find(self)
        const { buffer } = mutable
        if (buffer === null) return trap('froze a mutable-buffer twice')
        mutable.lastSize = buffer.size
        mutable.buffer = null
        return handles.add(bufferKind, buffer, true)
      }),
    ],
  ])
}

/** Not called: the glue's own functions are bypassed. */
function bypassed(): never {
  return trap('a host function was called through the generated glue')
}

export function allocatorHost(host: StageHost): DirectInterface {
  return {
    type: interfaceType(allocatorName, {}),
    functions: {},
    glue: { allocate: bypassed, cloneIntoMutable: bypassed },
    core: (name, memory) => allocatorFunctions(host, memory).get(name),
  }
}

function allocatorFunctions(host: StageHost, memory: GuestMemory): Map<string, CoreFunction> {
  const { resources, fuel } = host
  const { handles } = memory.guest
  const mutableKind = resources.mutableKind as object as ResourceKind
  const bufferKind = resources.bufferKind as object as ResourceKind
  const refusal = new Refusal(memory)

  const allocate = (bytes: number, target: number): HostBuffer | null => {
    memory.check(target, 16, 4)
    const buffer = resources.allocate(bytes)
    if (typeof buffer === 'string') {
      refusal.failed(target, buffer)
      return null
    }
    memory.view.setUint8(target, 0)
    memory.view.setUint32(target + 4, handles.add(mutableKind, new MutableBuffer(buffer), true), true)
    return buffer
  }

  return new Map<string, CoreFunction>([
    [
      'allocate',
      hostCall(memory, (hint, target) => {
        fuel.charge(0)
        allocate(u64(hint), u32(target))
        return undefined
      }),
    ],
    [
      'clone-into-mutable',
      hostCall(memory, (source, target) => {
        const original = handles.peek(bufferKind, Number(source)) as HostBuffer
        fuel.charge(original.size)
        const copy = allocate(original.size, u32(target))
        if (copy === null) return undefined
        copyBytes(original.bytes, 0, copy.bytes, 0, original.size)
        copy.size = original.size
        copy.contentTypeHint = original.contentTypeHint
        resources.copied('clone', original.size)
        return undefined
      }),
    ],
  ])
}

/** Writes the error side of a result whose error is `buffer-error`. */
class Refusal {
  private readonly memory: GuestMemory
  private readonly text = new OutgoingText()

  constructor(memory: GuestMemory) {
    this.memory = memory
  }

  plain(target: number, which: number): void {
    const { view } = this.memory
    view.setUint8(target, 1)
    view.setUint8(target + 4, which)
  }

  failed(target: number, reason: string): void {
    const pointer = this.text.lower(this.memory, reason)
    this.plain(target, allocationFailed)
    this.memory.view.setUint32(target + 8, pointer, true)
    this.memory.view.setUint32(target + 12, this.text.length, true)
  }
}
