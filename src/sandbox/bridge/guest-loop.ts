/** The guest thread at work: one call after the other, each in a transaction of its own. */
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { CallOutcome, CallUsage, GuestCall } from '../../shared/sandbox/protocol.ts'
import { callGuest } from '../binding/fuel-tank.ts'
import type { GuestAnswer } from '../contracts/contract.ts'
import type { Instance } from '../loading/instance.ts'
import type { ControlBlock } from './control.ts'
import type { GuestLink } from './guest-link.ts'
import type { LogBuffer } from './log-buffer.ts'
import type { QueuedCall } from './messages.ts'
import { trapReport } from './trap-report.ts'

export interface LoopParts {
  readonly control: ControlBlock
  readonly link: GuestLink
  readonly log: LogBuffer
  readonly instance: Instance
  readonly memoryLimitBytes: number
}

export class GuestLoop {
  private readonly parts: LoopParts
  /** Once a call failed nothing may enter the guest any more (spec nexum-host 2.5). */
  private dead = false
  /** The id of the running call; host calls name it. */
  private running = 0

  constructor(parts: LoopParts) {
    this.parts = parts
  }

  get runningCall(): number {
    return this.running
  }

  /** Serves calls until the sandbox stops. */
  async run(): Promise<void> {
    const { link } = this.parts
    for (let next = link.nextCall(); next !== undefined; next = link.nextCall()) {
      const { call } = next
      const dropped = link.takeDropped(call.id)
      if (dropped || this.dead || link.stopping) this.reply(call, { status: 'not-started' }, this.idleUsage())
      else this.serve(next)
      // The only yield of this thread: generated glue and the engine leave clean-up to microtasks.
      await Promise.resolve()
    }
  }

  private serve({ ordinal, call }: QueuedCall): void {
    const { control, link, log, instance } = this.parts
    this.running = call.id
    log.context = call.context
    control.begin(ordinal)
    const began = performance.now()
    const outcome = this.execute(ordinal, call)
    if (outcome.status === 'failed') {
      this.dead = true
      log.addOwn('error', 'panic', outcome.error.message)
    }
    const { hostWaitMs, hostCalls } = link.takeUsage()
    const ended = performance.now()
    const capabilityCalls = instance.counts.report(ended)
    const usage: CallUsage = {
      durationUs: (ended - began) * 1_000,
      hostWaitUs: hostWaitMs * 1_000,
      fuel: this.usedFuel(),
      hostCalls,
      writes: instance.store?.writes ?? 0,
      memoryBytes: instance.memoryBytes(),
      storeBytes: instance.store?.usedBytes ?? 0,
      ...(capabilityCalls === undefined ? {} : { capabilityCalls }),
    }
    this.reply(call, outcome, usage)
    control.end()
    log.context = {}
    this.running = 0
  }

  /** Runs the call and settles its transaction; what it answers has happened. */
  private execute(ordinal: number, call: GuestCall): CallOutcome {
    const { store } = this.parts.instance
    let answer: GuestAnswer
    try {
      store?.begin()
      answer = this.enter(call)
    } catch (error) {
      const report = this.describe(error)
      this.claim(ordinal)
      store?.rollback()
      return { status: 'failed', error: report }
    }
    this.claim(ordinal)
    try {
      if (!answer.ok) {
        // Not retried (spec nexum-host 11): its number and cursor advance all the same.
        store?.rollbackAndNote(call.sequence, call.cursor)
        return { status: 'guest-error', error: answer.error }
      }
      store?.commit(call.sequence, call.cursor)
      return { status: 'ok', value: answer.value }
    } catch (error) {
      return { status: 'failed', error: this.describe(error) }
    }
  }

  private enter(call: GuestCall): GuestAnswer {
    const { operations, tank } = this.parts.instance
    const prepared = operations.prepare(call.operation, call.payload)
    return callGuest(tank, BigInt(call.fuel), prepared).value
  }

  /** From here on the watchdog can no longer stop the call; when it was faster the thread waits for its end. */
  private claim(ordinal: number): void {
    const { control } = this.parts
    if (!control.settle(ordinal)) control.park()
  }

  private describe(error: unknown): ErrorReport {
    const { instance, memoryLimitBytes } = this.parts
    return trapReport(error, { bytes: instance.memoryBytes(), limitBytes: memoryLimitBytes })
  }

  private usedFuel(): number | null {
    const used = this.parts.instance.tank.used()
    return used === undefined ? null : Number(used)
  }

  private idleUsage(): CallUsage {
    const { instance } = this.parts
    return {
      durationUs: 0,
      hostWaitUs: 0,
      fuel: null,
      hostCalls: 0,
      writes: 0,
      memoryBytes: instance.memoryBytes(),
      storeBytes: instance.store?.usedBytes ?? 0,
    }
  }

  private reply(call: GuestCall, outcome: CallOutcome, usage: CallUsage): void {
    this.parts.link.post({ type: 'output', reply: { id: call.id, outcome, usage }, ...this.parts.log.take() })
  }
}

/** Why loading failed, typed and without paths. */
export function loadFailure(error: unknown, memoryLimitBytes: number): ErrorReport {
  if (error instanceof PaddockError && error.code !== 'sandbox.instantiate_failed') return error.toReport()
  return trapReport(error, { bytes: 0, limitBytes: memoryLimitBytes })
}
