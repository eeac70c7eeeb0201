/** One running instance of a component at a node of a flow (spec flows 5.3, 8, 14). */
import { PaddockError } from '../../../../shared/errors.ts'
import type { StageRole } from '../../../../shared/contracts/flow.ts'
import type { CoreExport } from '../../../binding/direct.ts'
import type { Guest } from '../../../binding/guest.ts'
import { trap } from '../../../binding/trap.ts'
import type { ResourceKind } from '../../../binding/types.ts'
import { HostBuffer } from '../buffers/host-buffer.ts'
import type { CallFuel } from './call-fuel.ts'
import type { CallResults, ResultReader } from './call-results.ts'
import type {
  CallContext,
  CallOutcome,
  CopyRecord,
  Element,
  Stage,
  StageCounters,
  StageFault,
  StageOutput,
} from './stage.ts'
import type { StageResources } from './stage-resources.ts'
import { OutgoingText } from './texts.ts'

export interface StageParts {
  readonly role: StageRole
  readonly main: CoreExport
  /** `notify-backpressure`, `complete` or `flush`, by the role. */
  readonly further: CoreExport | null
  readonly init: CoreExport | null
  readonly teardown: CoreExport | null
  readonly guest: Guest
  readonly fuel: CallFuel
  readonly resources: StageResources
  readonly results: CallResults
  readonly counters: StageCounters
}

export class ComponentStage implements Stage {
  readonly role: StageRole
  readonly hasLifecycle: boolean
  readonly counters: StageCounters
  readonly context: CallContext
  private readonly results: CallResults
  private readonly parts: StageParts
  private readonly guest: Guest
  private readonly bufferKind: ResourceKind
  private readonly contextKind: ResourceKind
  private readonly readInput: ResultReader
  private readonly contentType = new OutgoingText()
  private readonly config = new OutgoingText()

  constructor(parts: StageParts) {
    this.parts = parts
    this.role = parts.role
    this.hasLifecycle = parts.init !== null
    this.counters = parts.counters
    this.context = parts.resources.context.call
    this.guest = parts.guest
    this.bufferKind = parts.resources.bufferKind as object as ResourceKind
    this.contextKind = parts.resources.contextKind as object as ResourceKind
    this.results = parts.results
    this.readInput = parts.results.readerOf(parts.role)
  }

  get output(): StageOutput | null {
    return this.results.output
  }

  get outputs(): readonly StageOutput[] {
    return this.results.outputs
  }

  get ports(): readonly string[] {
    return this.results.ports
  }

  get error(): StageFault | null {
    return this.results.error
  }

  get isDead(): boolean {
    return this.guest.failure !== undefined
  }

  /** Handles that the guest has, and had at most. */
  get handles(): { readonly size: number; readonly peak: number } {
    return this.guest.handles
  }

  get recordsCopies(): boolean {
    return this.parts.resources.recordsCopies
  }

  set recordsCopies(records: boolean) {
    this.parts.resources.recordsCopies = records
  }

  get copyRecords(): readonly CopyRecord[] {
    return this.parts.resources.copyRecords
  }

  init(config: string): CallOutcome {
    const { init } = this.parts
    if (init === null) return this.isDead ? 'trap' : 'ready'
    if (!this.begin()) return 'trap'
    try {
      const { memory } = init
      memory.refresh()
      const text = this.config.lower(memory, config)
      return this.finish(init, u32(init.call(text, this.config.length)), this.results.unit)
    } catch (error) {
      return this.died(error)
    }
  }

  teardown(): CallOutcome {
    const { teardown } = this.parts
    if (teardown === null) return this.isDead ? 'trap' : 'ready'
    if (!this.begin()) return 'trap'
    try {
      teardown.call()
      return this.finishSilent(teardown)
    } catch (error) {
      return this.died(error)
    }
  }

  pull(): CallOutcome {
    const { main } = this.parts
    this.expectRole('source')
    if (!this.begin()) return 'trap'
    try {
      return this.finish(main, u32(main.call()), this.results.optional)
    } catch (error) {
      return this.died(error)
    }
  }

  notifyBackpressure(signal: 'pause' | 'ready'): CallOutcome {
    this.expectRole('source')
    const notify = this.further()
    if (!this.begin()) return 'trap'
    try {
      notify.call(signal === 'pause' ? 1 : 0)
      return this.finishSilent(notify)
    } catch (error) {
      return this.died(error)
    }
  }

  accept(input: Element): CallOutcome {
    const { main, resources } = this.parts
    const { buffer } = input
    if (!(buffer instanceof HostBuffer) || this.role === 'source') return notOurs()
    if (!this.begin()) return 'trap'
    try {
      const { memory } = main
      const { handles } = this.guest
      memory.refresh()
      const text = this.contentType.lower(memory, input.contentType)
      const payload = handles.add(this.bufferKind, buffer, false)
      const context = handles.add(this.contextKind, resources.context, false)
      const pointer = main.call(
        BigInt(input.sequence),
        input.timestampNs,
        text,
        this.contentType.length,
        payload,
        context,
      )
      return this.finish(main, u32(pointer), this.readInput)
    } catch (error) {
      return this.died(error)
    }
  }

  flush(): CallOutcome {
    this.expectRole('aggregator')
    const flush = this.further()
    if (!this.begin()) return 'trap'
    try {
      return this.finish(flush, u32(flush.call()), this.results.flushed)
    } catch (error) {
      return this.died(error)
    }
  }

  complete(): CallOutcome {
    this.expectRole('sink')
    const complete = this.further()
    if (!this.begin()) return 'trap'
    try {
      return this.finish(complete, u32(complete.call()), this.results.unit)
    } catch (error) {
      return this.died(error)
    }
  }

  reclaim(): number {
    return this.guest.handles.releaseAll()
  }

  /** False where the instance is dead; the error then stays as it was. */
  private begin(): boolean {
    const { guest, parts, results } = this
    results.clear()
    if (guest.failure !== undefined) return false
    results.error = null
    if (parts.resources.recordsCopies) parts.resources.copyRecords.length = 0
    parts.fuel.begin(this.context.fuel)
    guest.begin()
    return true
  }

  private finish(from: CoreExport, pointer: number, read: ResultReader): CallOutcome {
    const { guest } = this
    guest.checkAlive()
    from.memory.refresh()
    const outcome = read(from.memory, pointer)
    if (from.postReturn !== undefined) {
      guest.phase = 'post-return'
      // Lent handles that are dropped here are dropped in time (spec flows 8.5).
      from.postReturn(pointer)
    }
    this.parts.fuel.end()
    guest.end()
    return outcome
  }

  private finishSilent(from: CoreExport): CallOutcome {
    const { guest } = this
    guest.checkAlive()
    if (from.postReturn !== undefined) {
      guest.phase = 'post-return'
      from.postReturn()
    }
    this.parts.fuel.end()
    guest.end()
    return 'ready'
  }

  private died(thrown: unknown): CallOutcome {
    const isSpent = this.parts.fuel.endFailed()
    const failure = this.guest.died(thrown)
    // What the driver never got to see has no other holder.
    this.results.letGo()
    this.results.error = isSpent
      ? { case: 'deadline-exceeded', message: 'out of fuel', trap: 'out of fuel' }
      : { case: 'fatal', message: failure.message, trap: failure.message }
    return 'trap'
  }

  private further(): CoreExport {
    return this.parts.further ?? notOurs()
  }

  private expectRole(role: StageRole): void {
    if (this.role !== role) notOurs()
  }
}

function u32(value: unknown): number {
  if (typeof value !== 'number') return trap('a function returned nothing where a pointer is due')
  return value >>> 0
}

function notOurs(): never {
  throw new PaddockError('internal.bug', 'A stage was called in a way that its role does not have.')
}
