/** Core functions of `torvyn:streaming/types`: buffers and the context of the flow (spec flows 8). */
import type { DirectInterface } from '../../../binding/direct.ts'
import { dropFunction, type CoreFunction } from '../../../binding/functions.ts'
import type { GuestMemory } from '../../../binding/guest.ts'
import { interfaceType, type ResourceKind } from '../../../binding/types.ts'
import { PowerlessResource } from '../../../wasi/error-side.ts'
import type { HostBuffer } from '../buffers/host-buffer.ts'
import { copyBytes, hostCall, u32, u64, type StageHost } from './host-call.ts'
import { mutableFunctions } from './mutable-host.ts'
import { typesName } from './names.ts'
import type { FlowContext } from './stage-resources.ts'
import { OutgoingText } from './texts.ts'

/** What generated glue wants to see; its own functions are bypassed. */
const bypassedClass = class extends PowerlessResource {}

export function typesHost(host: StageHost): DirectInterface {
  const drops = new Map<string, ResourceKind>()
  const { bufferKind, mutableKind, contextKind } = host.resources
  for (const kind of [bufferKind, mutableKind, contextKind] as readonly unknown[] as ResourceKind[]) {
    drops.set(`[resource-drop]${kind.name}`, kind)
    drops.set(`${kind.name}_drop`, kind)
  }
  return {
    type: interfaceType(typesName, {}),
    functions: {},
    glue: { Buffer: bypassedClass, MutableBuffer: bypassedClass, FlowContext: bypassedClass },
    core(name, memory) {
      const dropped = drops.get(name)
      if (dropped !== undefined) return dropFunction(dropped, memory)
      return (
        bufferFunctions(host, memory).get(name) ??
        mutableFunctions(host, memory).get(name) ??
        contextFunctions(host, memory).get(name)
      )
    },
  }
}

function bufferFunctions(host: StageHost, memory: GuestMemory): Map<string, CoreFunction> {
  const { resources, fuel } = host
  const { handles } = memory.guest
  const kind = resources.bufferKind as object as ResourceKind
  const find = (handle: unknown): HostBuffer => handles.peek(kind, handle as number) as HostBuffer
  const hint = new OutgoingText()

  const read = (buffer: HostBuffer, from: number, length: number, target: number): void => {
    memory.check(target, 8, 4)
    fuel.charge(length)
    const pointer = memory.allocate(length, 1)
    copyBytes(buffer.bytes, from, memory.bytes, pointer, length)
    memory.view.setUint32(target, pointer, true)
    memory.view.setUint32(target + 4, length, true)
    resources.copied('read', length)
  }

  return new Map<string, CoreFunction>([
    [
      '[method]buffer.size',
      hostCall(memory, (self) => {
        fuel.charge(0)
        return BigInt(find(self).size)
      }),
    ],
    [
      '[method]buffer.content-type',
      hostCall(memory, (self, target) => {
        fuel.charge(0)
        answerText(memory, hint, find(self).contentTypeHint, u32(target))
        return undefined
      }),
    ],
    [
      '[method]buffer.read',
      hostCall(memory, (self, offset, length, target) => {
        const buffer = find(self)
        const from = Math.min(u64(offset), buffer.size)
        read(buffer, from, Math.min(u64(length), buffer.size - from), u32(target))
        return undefined
      }),
    ],
    [
      '[method]buffer.read-all',
      hostCall(memory, (self, target) => {
        const buffer = find(self)
        read(buffer, 0, buffer.size, u32(target))
        return undefined
      }),
    ],
  ])
}

function contextFunctions(host: StageHost, memory: GuestMemory): Map<string, CoreFunction> {
  const { resources, fuel } = host
  const { handles } = memory.guest
  const kind = resources.contextKind as object as ResourceKind
  const find = (handle: unknown): FlowContext => handles.peek(kind, handle as number) as FlowContext
  const text = (read: (context: FlowContext) => string): CoreFunction => {
    const encoded = new OutgoingText()
    return hostCall(memory, (self, target) => {
      fuel.charge(0)
      answerText(memory, encoded, read(find(self)), u32(target))
      return undefined
    })
  }
  return new Map<string, CoreFunction>([
    ['[method]flow-context.trace-id', text(({ call }) => call.traceId)],
    ['[method]flow-context.span-id', text(({ call }) => call.spanId)],
    ['[method]flow-context.flow-id', text(({ flowId }) => flowId)],
    [
      '[method]flow-context.deadline-ns',
      hostCall(memory, (self) => {
        fuel.charge(0)
        return find(self).call.deadlineNs
      }),
    ],
  ])
}

function answerText(memory: GuestMemory, encoded: OutgoingText, text: string, target: number): void {
  memory.check(target, 8, 4)
  const pointer = encoded.lower(memory, text)
  memory.view.setUint32(target, pointer, true)
  memory.view.setUint32(target + 4, encoded.length, true)
}
