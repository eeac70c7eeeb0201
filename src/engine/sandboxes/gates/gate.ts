/**
 * A bounded number of permits for one kind of work (spec tools 9). Those who wait are served first come, first served
 * within a module and in turn between modules, so that a module that asks often delays another by one turn at most.
 *
 * A permit belongs to the work, not to who asked for it: it comes back when the work has really ended.
 */
import { PaddockError } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'

export interface GateOptions {
  /** What it admits to, for messages: `prepare` or `execute`. */
  readonly name: string
  /** Permits that may be out at once; at least 1. */
  readonly permits: number
  /** More may not wait (spec tools 9). Default 256. */
  readonly maxWaiting?: number
  /** Longer nobody waits, in milliseconds (spec tools 9). Default 30,000. */
  readonly maxWaitMs?: number
  readonly clock: Clock
}

interface Waiter {
  readonly owner: string
  readonly admit: () => void
  readonly refuse: (error: PaddockError) => void
}

export class Gate {
  readonly name: string
  readonly permits: number
  private readonly maxWaiting: number
  private readonly maxWaitMs: number
  private readonly clock: Clock
  /** By module, in the order of their turns. */
  private readonly queues = new Map<string, Waiter[]>()
  private out = 0
  private waiters = 0

  constructor(options: GateOptions) {
    this.name = options.name
    this.permits = options.permits
    this.maxWaiting = options.maxWaiting ?? 256
    this.maxWaitMs = options.maxWaitMs ?? 30_000
    this.clock = options.clock
  }

  /** Permits that are out. */
  get inUse(): number {
    return this.out
  }

  get waiting(): number {
    return this.waiters
  }

  /** Takes a permit if one is free and nobody waits for it; the taker calls `giveBack` once. Costs no promise. */
  tryTake(): boolean {
    if (this.out >= this.permits || this.waiters > 0) return false
    this.out += 1
    return true
  }

  /** Returns a permit that `tryTake` or `take` gave. Throws `internal.bug` when none is out. */
  giveBack(): void {
    if (this.out === 0) throw new PaddockError('internal.bug', `A permit to ${this.name} came back twice.`)
    this.out -= 1
    this.admitNext()
  }

  /**
   * Waits for a permit; the taker calls `giveBack` once. Throws `gate.busy` when too many wait already or none came in
   * time, and `sandbox.cancelled` once `signal` is aborted.
   */
  take(owner: string, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(cancelled())
    if (this.tryTake()) return Promise.resolve()
    if (this.waiters >= this.maxWaiting) {
      return Promise.reject(this.busy(`${this.waiters} wait already`))
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stopTimer()
        signal?.removeEventListener('abort', abort)
      }
      const waiter: Waiter = {
        owner,
        admit: () => {
          settle()
          resolve()
        },
        refuse: (error) => {
          settle()
          reject(error)
        },
      }
      const abort = (): void => this.leave(waiter, cancelled())
      const stopTimer = this.clock.after(this.maxWaitMs, () =>
        this.leave(waiter, this.busy(`no permit came free within ${this.maxWaitMs / 1_000} s`)),
      )
      signal?.addEventListener('abort', abort, { once: true })
      this.enqueue(waiter)
    })
  }

  /**
   * Does the work with a permit. Once `signal` is aborted the caller is told `sandbox.cancelled` at once; the work gets
   * the signal too and keeps its permit until it has really ended. Throws what the work throws, and `gate.busy`.
   */
  async run<T>(
    owner: string,
    work: (signal: AbortSignal | undefined) => Promise<T>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    const { signal } = options
    await this.take(owner, signal)
    if (signal?.aborted === true) {
      this.giveBack()
      throw cancelled()
    }
    return untilAborted(this.hold(work, signal), signal)
  }

  private async hold<T>(
    work: (signal: AbortSignal | undefined) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    try {
      return await work(signal)
    } finally {
      this.giveBack()
    }
  }

  private enqueue(waiter: Waiter): void {
    this.waiters += 1
    const queue = this.queues.get(waiter.owner)
    if (queue === undefined) this.queues.set(waiter.owner, [waiter])
    else queue.push(waiter)
  }

  private leave(waiter: Waiter, error: PaddockError): void {
    const queue = this.queues.get(waiter.owner)
    const index = queue?.indexOf(waiter) ?? -1
    if (queue === undefined || index < 0) return
    queue.splice(index, 1)
    if (queue.length === 0) this.queues.delete(waiter.owner)
    this.waiters -= 1
    waiter.refuse(error)
  }

  private admitNext(): void {
    if (this.out >= this.permits) return
    for (const [owner, queue] of this.queues) {
      const waiter = queue.shift()
      // Behind all others: its next one waits a whole round.
      this.queues.delete(owner)
      if (queue.length > 0) this.queues.set(owner, queue)
      if (waiter === undefined) continue
      this.waiters -= 1
      this.out += 1
      waiter.admit()
      return
    }
  }

  private busy(why: string): PaddockError {
    return new PaddockError('gate.busy', `Too much is under way to ${this.name} more: ${why}.`, {
      details: { gate: this.name, permits: this.permits, waiting: this.waiters },
    })
  }
}

/** The result of the work, or `sandbox.cancelled` as soon as the signal is aborted. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(cancelled())
    signal.addEventListener('abort', abort, { once: true })
    const settled = (): void => signal.removeEventListener('abort', abort)
    work.then(
      (value) => {
        settled()
        resolve(value)
      },
      (error: unknown) => {
        settled()
        reject(error instanceof Error ? error : new PaddockError('internal.bug', String(error)))
      },
    )
    if (signal.aborted) abort()
  })
}

function cancelled(): PaddockError {
  return new PaddockError('sandbox.cancelled', 'The work was called off before it began or ended.')
}
