/** Reads what stages answer, by the layouts of spec flows 14. */
import type { GuestMemory } from '../../../binding/guest.ts'
import { trap } from '../../../binding/trap.ts'
import type { ResourceKind } from '../../../binding/types.ts'
import type { StageErrorCase, StageRole } from '../../../../shared/contracts/flow.ts'
import type { HostBuffer } from '../buffers/host-buffer.ts'
import { maxContentTypeBytes } from './mutable-host.ts'
import type { CallOutcome, StageFault, StageOutput } from './stage.ts'
import type { StageResources } from './stage-resources.ts'
import { IncomingText, liftText } from './texts.ts'

const errorCases: readonly StageErrorCase[] = [
  'invalid-input',
  'unavailable',
  'internal',
  'deadline-exceeded',
  'fatal',
]
/** Bytes of an output element. */
const elementBytes = 32
const payloadOffset = 24
const contentTypeOffset = 16
/** Of messages that stages give with errors; more is cut (spec flows 9.4). */
const maxMessageChars = 512
/** A router names no more ports than an element can be sent to, and no longer ones. */
const maxPorts = 1_024
const maxPortBytes = 256

const refusedHandles = {
  dead: 'returned a handle that it dropped or had already handed over',
  'other-kind': 'returned a handle of another kind where a buffer is due',
  'only-lent': 'returned a lent buffer',
  'lent-out': 'returned a buffer that is in use',
} as const

export type ResultReader = (memory: GuestMemory, pointer: number) => CallOutcome

/** What the last call of a stage came to. The readers below fill it. */
export class CallResults {
  output: StageOutput | null = null
  readonly outputs: StageOutput[] = []
  readonly ports: string[] = []
  error: StageFault | null = null
  private readonly resources: StageResources
  private readonly contentTypes = new IncomingText(2)
  private readonly portNames = new IncomingText(16)

  constructor(resources: StageResources) {
    this.resources = resources
  }

  /** Forgets the results of the call before; its error stays. */
  clear(): void {
    this.output = null
    if (this.outputs.length > 0) this.outputs.length = 0
    if (this.ports.length > 0) this.ports.length = 0
  }

  /** Releases what the driver never got to see: nobody else holds it. */
  letGo(): void {
    this.output?.buffer.release()
    for (const { buffer } of this.outputs) buffer.release()
    this.clear()
  }

  /** Of the function through which elements pass, by role. */
  readerOf(role: StageRole): ResultReader {
    switch (role) {
      case 'processor':
        return this.processed
      case 'filter':
        return this.verdict
      case 'router':
        return this.routed
      case 'sink':
        return this.signal
      case 'source':
      case 'aggregator':
        return this.optional
    }
  }

  readonly unit: ResultReader = (memory, pointer) =>
    isOk(memory, pointer, 16, 4) ? 'ready' : this.refused(memory, pointer + 4)

  readonly optional: ResultReader = (memory, pointer) => {
    if (!isOk(memory, pointer, 48, 8)) return this.refused(memory, pointer + 8)
    if (choice(memory, pointer + 8, 2, 'option') === 0) return 'none'
    this.output = this.element(memory, pointer + 16)
    return 'emit'
  }

  readonly flushed: ResultReader = (memory, pointer) => {
    if (!isOk(memory, pointer, 16, 4)) return this.refused(memory, pointer + 4)
    const [start, count] = list(memory, pointer + 4, elementBytes, 8)
    // One by one, so that those taken are known should a later one trap.
    for (let index = 0; index < count; index += 1) {
      this.outputs.push(this.element(memory, start + index * elementBytes))
    }
    return 'flushed'
  }

  private readonly processed: ResultReader = (memory, pointer) => {
    if (!isOk(memory, pointer, 48, 8)) return this.refused(memory, pointer + 8)
    if (choice(memory, pointer + 8, 2, 'process-result') === 1) return 'none'
    this.output = this.element(memory, pointer + 16)
    return 'emit'
  }

  private readonly verdict: ResultReader = (memory, pointer) => {
    if (!isOk(memory, pointer, 16, 4)) return this.refused(memory, pointer + 4)
    return memory.view.getUint8(pointer + 4) === 0 ? 'reject' : 'pass'
  }

  private readonly signal: ResultReader = (memory, pointer) => {
    if (!isOk(memory, pointer, 16, 4)) return this.refused(memory, pointer + 4)
    return choice(memory, pointer + 4, 2, 'backpressure-signal') === 1 ? 'pause' : 'ready'
  }

  private readonly routed: ResultReader = (memory, pointer) => {
    if (!isOk(memory, pointer, 16, 4)) return this.refused(memory, pointer + 4)
    const [start, count] = list(memory, pointer + 4, 8, 4)
    if (count > maxPorts) trap(`named more than ${maxPorts} ports`)
    for (let index = 0; index < count; index += 1) {
      const text = memory.view.getUint32(start + index * 8, true)
      const length = memory.view.getUint32(start + index * 8 + 4, true)
      if (length > maxPortBytes) trap(`named a port of more than ${maxPortBytes} bytes`)
      this.ports.push(this.portNames.lift(memory, text, length, maxPortBytes))
    }
    return 'routed'
  }

  /** The element at `pointer`, whose buffer is the driver's from here on. Traps for a handle that is not the stage's own. */
  private element(memory: GuestMemory, pointer: number): StageOutput {
    const { view, guest } = memory
    const text = view.getUint32(pointer + contentTypeOffset, true)
    const length = view.getUint32(pointer + contentTypeOffset + 4, true)
    const handle = view.getUint32(pointer + payloadOffset, true)
    const contentType = this.contentTypes.lift(memory, text, length, maxContentTypeBytes)
    const kind = this.resources.bufferKind as object as ResourceKind
    const fault = guest.handles.faultOf(kind, handle)
    if (fault !== null) trap(refusedHandles[fault])
    const buffer = guest.handles.take(kind, handle) as HostBuffer
    buffer.toDriver()
    return { contentType: contentType === '' ? buffer.contentTypeHint : contentType, buffer }
  }

  /** Keeps the `process-error` at `pointer`. */
  private refused(memory: GuestMemory, pointer: number): 'error' {
    this.error = fault(memory, pointer)
    return 'error'
  }
}

/** Checks the area of a result and answers whether it is its `ok` side. */
function isOk(memory: GuestMemory, pointer: number, size: number, alignment: number): boolean {
  memory.check(pointer, size, alignment)
  return choice(memory, pointer, 2, 'result') === 0
}

function fault(memory: GuestMemory, pointer: number): StageFault {
  const which = errorCases[choice(memory, pointer, errorCases.length, 'process-error')] ?? 'internal'
  if (which === 'deadline-exceeded') return { case: which, message: '', trap: null }
  const { view } = memory
  const text = view.getUint32(pointer + 4, true)
  const length = view.getUint32(pointer + 8, true)
  return { case: which, message: plain(liftText(memory, text, length, maxMessageChars * 4)), trap: null }
}

function list(memory: GuestMemory, pointer: number, size: number, alignment: number): [number, number] {
  const start = memory.view.getUint32(pointer, true)
  const count = memory.view.getUint32(pointer + 4, true)
  if (count > 0) memory.check(start, count * size, alignment)
  return [start, count]
}

/** The discriminant at `pointer`; traps unless below `cases`. */
function choice(memory: GuestMemory, pointer: number, cases: number, what: string): number {
  const which = memory.view.getUint8(pointer)
  if (which >= cases) trap(`returned case ${which} of ${what}, which has ${cases}`)
  return which
}

/** Without control characters, cut at 512 characters. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, maxMessageChars)
}
