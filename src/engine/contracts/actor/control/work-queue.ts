/** What waits for one actor: in order, bounded, each with a clock of its own (spec actors-sql 11). */
import { PaddockError } from '../../../../shared/errors.ts'
import type { Clock } from '../../../clock.ts'
import type { Counter } from './counter.ts'
import { closedFault, type WorkItem } from './work.ts'

export interface WorkQueueOptions {
  readonly clock: Clock
  readonly capacity: number
  readonly waitMs: number
  /** A guard was used twice: a fault of ours. */
  readonly onTwice: () => void
}

export class WorkQueue {
  private readonly options: WorkQueueOptions
  /** Admitted to the generation that serves. */
  private admitted: WorkItem[] = []
  /** Waits for the next generation. */
  private held: WorkItem[] = []

  constructor(options: WorkQueueOptions) {
    this.options = options
  }

  get size(): number {
    return this.admitted.length + this.held.length
  }

  get holds(): boolean {
    return this.held.length > 0
  }

  /** Throws `actor.overloaded` when no more may wait: nobody ever waits for room. */
  refuseWhenFull(): void {
    const { capacity } = this.options
    if (this.size < capacity) return
    throw new PaddockError('actor.overloaded', `${this.size} requests wait for this actor already.`, {
      details: { capacity, waiting: this.size },
    })
  }

  /** Takes an item in: counted, then the gate is looked at, so that a stop sees it or it sees the stop. */
  add(
    item: WorkItem,
    generation: { readonly inFlight: Counter; readonly gateOpen: boolean } | undefined,
  ): void {
    item.cancelTimer = this.options.clock.after(this.options.waitMs, () => this.expire(item))
    if (generation !== undefined) {
      const release = generation.inFlight.guard(this.options.onTwice)
      if (generation.gateOpen) {
        item.release = release
        this.admitted.push(item)
        return
      }
      release()
    }
    this.held.push(item)
  }

  /** The generation serves: what was held is its work now. */
  admitHeld(inFlight: Counter): void {
    for (const item of this.held) {
      item.release = inFlight.guard(this.options.onTwice)
      this.admitted.push(item)
    }
    this.held = []
  }

  take(): WorkItem | undefined {
    const item = this.admitted.shift()
    item?.cancelTimer()
    return item
  }

  /** Fails what the stopping generation would have served; it was certainly not executed. */
  closeAdmitted(error: PaddockError = closedFault()): void {
    const items = this.admitted
    this.admitted = []
    for (const item of items) finish(item, error)
  }

  /** The generation was lost: what it had not begun waits for the next. */
  holdAdmitted(): void {
    for (const item of this.admitted) {
      item.release()
      item.release = () => undefined
    }
    this.held = [...this.admitted, ...this.held]
    this.admitted = []
  }

  /** Fails everything that waits. */
  failAll(error: PaddockError): void {
    this.closeAdmitted(error)
    const items = this.held
    this.held = []
    for (const item of items) finish(item, error)
  }

  private expire(item: WorkItem): void {
    const waits = this.admitted.includes(item) || this.held.includes(item)
    if (!waits) return
    this.admitted = this.admitted.filter((each) => each !== item)
    this.held = this.held.filter((each) => each !== item)
    finish(
      item,
      new PaddockError(
        'actor.not_ready',
        `The request waited ${this.options.waitMs / 1_000} s and was not begun.`,
      ),
    )
  }
}

function finish(item: WorkItem, error: PaddockError): void {
  item.cancelTimer()
  item.release()
  item.fail(error)
}
