/** What one stage holds of the host: its buffers, the context of its flow, and what was copied on its behalf. */
import { maxCopyRecords } from '../../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import { ResourceKind } from '../../../binding/types.ts'
import type { FlowBuffers } from '../buffers/flow-buffers.ts'
import type { BufferAccount } from '../buffers/host-buffer.ts'
import { type HostBuffer } from '../buffers/host-buffer.ts'
import { capacityFor, maxBufferBytes } from '../buffers/tiers.ts'
import type { CallContext, CopyRecord } from './stage.ts'

/** What a guest fills before it freezes it. */
export class MutableBuffer {
  /** Null once it is frozen: the bytes belong to another handle then. */
  buffer: HostBuffer | null
  readonly capacity: number
  /** As it was when it was frozen. */
  lastSize = 0

  constructor(buffer: HostBuffer) {
    this.buffer = buffer
    this.capacity = buffer.capacity
  }

  get size(): number {
    return this.buffer?.size ?? this.lastSize
  }
}

/** What guests see of their flow; one object for all calls of a stage, lent for each. */
export class FlowContext {
  readonly flowId: string
  readonly call: CallContext

  constructor(flowId: string, call: CallContext) {
    this.flowId = flowId
    this.call = call
  }
}

export class StageResources {
  readonly bufferKind = new ResourceKind<HostBuffer>('buffer', (buffer) => buffer.release())
  readonly mutableKind = new ResourceKind<MutableBuffer>('mutable-buffer', ({ buffer }) => buffer?.release())
  readonly contextKind = new ResourceKind<FlowContext>('flow-context')
  readonly context: FlowContext
  readonly account: BufferAccount
  copies = 0
  copyBytes = 0
  recordsCopies = false
  readonly copyRecords: CopyRecord[] = []
  private readonly buffers: FlowBuffers

  constructor(buffers: FlowBuffers, account: BufferAccount, context: FlowContext) {
    this.buffers = buffers
    this.account = account
    this.context = context
  }

  /** A buffer of the stage's own, or why there is none (spec flows 8.2). */
  allocate(bytes: number): HostBuffer | 'over 16 MiB' | 'budget' {
    if (bytes > maxBufferBytes) return 'over 16 MiB'
    const { account } = this
    if (account.ownedBytes + capacityFor(bytes) > account.budgetBytes) return 'budget'
    try {
      return this.buffers.allocate(bytes, account)
    } catch (error) {
      if (error instanceof PaddockError) throw error
      // The process has no such amount in one piece.
      return 'budget'
    }
  }

  /** Counts one transfer, of 0 bytes too (spec flows 8.4). */
  copied(kind: CopyRecord['kind'], bytes: number): void {
    this.copies += 1
    this.copyBytes += bytes
    if (this.recordsCopies && this.copyRecords.length < maxCopyRecords) this.copyRecords.push({ kind, bytes })
  }
}
