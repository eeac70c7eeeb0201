/** Ends of a flow in the engine, seen by the driver as stages: elements come and go by letters. */
import type { HostElement } from '../../../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../../../shared/errors.ts'
import type { FlowBuffers } from '../../buffers/flow-buffers.ts'
import type {
  CallOutcome,
  CopyRecord,
  Element,
  Stage,
  StageCounters,
  StageFault,
  StageOutput,
} from '../../stages/stage.ts'
import type { NodeContext } from '../node-context.ts'

/** Sent together; fewer when the flow rests. */
const batchSize = 64
const batchBytes = 1_048_576

const noCounters: StageCounters = { copies: 0, copyBytes: 0, fuelUsed: 0, memoryBytes: 0, ownedBytes: 0 }

/** What both ends have in common: nothing to initialise, nothing of a guest. */
abstract class HostEnd implements Stage {
  abstract readonly role: 'source' | 'sink'
  readonly hasLifecycle = false
  readonly isDead = false
  readonly counters = noCounters
  readonly context: NodeContext
  output: StageOutput | null = null
  readonly outputs: readonly StageOutput[] = []
  readonly ports: readonly string[] = []
  readonly error: StageFault | null = null
  recordsCopies = false
  readonly copyRecords: readonly CopyRecord[] = []

  constructor(context: NodeContext) {
    this.context = context
  }

  init(): CallOutcome {
    return 'ready'
  }

  teardown(): CallOutcome {
    return 'ready'
  }

  notifyBackpressure(): CallOutcome {
    return 'ready'
  }

  flush(): CallOutcome {
    return 'flushed'
  }

  abstract pull(): CallOutcome
  abstract accept(input: Element): CallOutcome
  abstract complete(): CallOutcome
  abstract reclaim(): number
}

/** Gives what the engine sent. */
export class HostSource extends HostEnd {
  readonly role = 'source'
  isClosed = false
  private readonly buffers: FlowBuffers
  private readonly window: number
  private readonly want: (elements: number) => void
  private inbox: HostElement[] = []
  private next = 0
  private given = 0

  constructor(
    context: NodeContext,
    options: { buffers: FlowBuffers; window: number; want: (elements: number) => void },
  ) {
    super(context)
    this.buffers = options.buffers
    this.window = options.window
    this.want = options.want
  }

  /** Asks for the first elements. */
  override init(): CallOutcome {
    this.want(this.window)
    return 'ready'
  }

  /** Elements that wait, and one more for the end: how often it is worth pulling. */
  get waiting(): number {
    return this.inbox.length - this.next + (this.isClosed ? 1 : 0)
  }

  take(elements: readonly HostElement[], closed: boolean): void {
    if (this.next > 0) {
      this.inbox = this.inbox.slice(this.next)
      this.next = 0
    }
    for (const element of elements) this.inbox.push(element)
    if (closed) this.isClosed = true
  }

  accept(): CallOutcome {
    throw new PaddockError('internal.bug', 'A source takes no element.')
  }

  complete(): CallOutcome {
    return 'ready'
  }

  pull(): CallOutcome {
    const element = this.inbox[this.next]
    if (element === undefined) return 'none'
    this.next += 1
    const buffer = this.buffers.fromBytes(element.bytes, element.contentType)
    this.output = { contentType: element.contentType, buffer }
    this.given += 1
    if (this.given * 2 >= this.window && !this.isClosed) {
      this.want(this.given)
      this.given = 0
    }
    return 'emit'
  }

  reclaim(): number {
    this.inbox = []
    this.next = 0
    return 0
  }
}

/** Sends elements to the engine, as many as it has credit for. */
export class HostSink extends HostEnd {
  readonly role = 'sink'
  credit: number
  private readonly buffers: FlowBuffers
  private readonly give: (elements: HostElement[]) => void
  private batch: HostElement[] = []
  private bytes = 0

  constructor(
    context: NodeContext,
    options: { buffers: FlowBuffers; credit: number; give: (elements: HostElement[]) => void },
  ) {
    super(context)
    this.buffers = options.buffers
    this.credit = options.credit
    this.give = options.give
  }

  pull(): CallOutcome {
    throw new PaddockError('internal.bug', 'A sink gives no element.')
  }

  accept(input: Element): CallOutcome {
    this.credit -= 1
    const bytes = this.buffers.copyOut(input.buffer)
    this.batch.push({ bytes, contentType: input.contentType })
    this.bytes += bytes.length
    if (this.batch.length >= batchSize || this.bytes >= batchBytes || this.credit === 0) this.send()
    return 'ready'
  }

  complete(): CallOutcome {
    this.send()
    return 'ready'
  }

  /** What was gathered goes out. */
  send(): void {
    if (this.batch.length === 0) return
    this.give(this.batch)
    this.batch = []
    this.bytes = 0
  }

  reclaim(): number {
    this.send()
    return 0
  }
}
