/** The guest thread at work: one call after the other. */
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { CallOutcome, CallUsage, GuestCall } from '../../shared/sandbox/protocol.ts'
import type { BatchServing, BatchTurn, GuestProgram } from '../programs/guest-program.ts'
import type { ControlBlock } from './control.ts'
import type { GuestLink } from './guest-link.ts'
import type { LogBuffer } from './log-buffer.ts'
import type { QueuedCall } from './messages.ts'
import { trapReport } from './trap-report.ts'

/** Calls, or batches of them, between two turns of the event loop. */
const callsPerTurn = 64

export interface LoopParts {
  readonly control: ControlBlock
  readonly link: GuestLink
  readonly log: LogBuffer
  readonly program: GuestProgram
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
    let served = 0
    for (let next = link.nextCall(); next !== undefined; next = link.nextCall()) {
      const { call } = next
      const dropped = link.takeDropped(call.id)
      const { program } = this.parts
      if (dropped || this.dead || link.stopping) this.reply(call, { status: 'not-started' }, this.idleUsage())
      else if (program.batches?.operation === call.operation) this.serveBatch(next, program.batches)
      else this.serve(next)
      if (!this.dead) program.afterReply?.(() => link.isIdle)
      // Generated glue and the engine leave clean-up to microtasks.
      await Promise.resolve()
      // Add-ons free what was collected in a turn of the event loop, which this thread otherwise never takes.
      served += 1
      if (served % callsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  private serve({ ordinal, call }: QueuedCall): void {
    const { control, link, log, program } = this.parts
    this.running = call.id
    log.context = call.context
    control.begin(ordinal)
    const began = performance.now()
    const outcome = program.run(call, () => this.claim(ordinal))
    if (outcome.status === 'failed') {
      this.dead = true
      log.addOwn('error', 'panic', outcome.error.message)
    }
    const { hostWaitMs, hostCalls } = link.takeUsage()
    const ended = performance.now()
    const capabilityCalls = program.counts.report(ended)
    const usage: CallUsage = {
      durationUs: (ended - began) * 1_000,
      hostWaitUs: hostWaitMs * 1_000,
      fuel: program.usedFuel,
      hostCalls,
      writes: program.writes,
      memoryBytes: program.memoryBytes,
      storeBytes: program.storeBytes,
      ...(capabilityCalls === undefined ? {} : { capabilityCalls }),
    }
    this.reply(call, outcome, usage)
    control.end()
    log.context = {}
    this.running = 0
  }

  /** Serves the call with those behind it that are of the same operation. */
  private serveBatch(first: QueuedCall, batches: BatchServing): void {
    const { control, link, log } = this.parts
    const taken = [first, ...link.takeWaiting(batches.operation, batches.maxCalls - 1)]
    const queued = taken.filter(({ call }) => {
      if (!link.takeDropped(call.id)) return true
      this.reply(call, { status: 'not-started' }, this.idleUsage())
      return false
    })
    const answered = new Set<number>()
    let running = 0
    const at = (index: number): QueuedCall => {
      const found = queued[index]
      if (found === undefined) throw new PaddockError('internal.bug', 'The batch has no such call.')
      return found
    }
    const turn: BatchTurn = {
      begin: (index, creditMs) => {
        const { ordinal, call } = at(index)
        running = ordinal
        this.running = call.id
        log.context = call.context
        control.begin(ordinal, creditMs)
      },
      claim: (index) => {
        // Calls that were dropped in between have their answers.
        this.claim(running, at(index).ordinal)
      },
      reply: (index, outcome, usage) => {
        const { call } = at(index)
        if (answered.has(index)) throw new PaddockError('internal.bug', 'A call was answered twice.')
        answered.add(index)
        if (outcome.status === 'failed') {
          this.dead = true
          log.addOwn('error', 'panic', outcome.error.message)
        }
        this.reply(call, outcome, { ...this.idleUsage(), ...usage })
      },
    }
    batches.serve(
      queued.map(({ call }) => call),
      turn,
    )
    for (const [index, { call }] of queued.entries()) {
      if (!answered.has(index)) this.reply(call, { status: 'not-started' }, this.idleUsage())
    }
    control.end()
    link.takeUsage()
    log.context = {}
    this.running = 0
  }

  /** From here on the watchdog can no longer stop the call; when it was faster the thread waits for its end. */
  private claim(ordinal: number, first = ordinal): void {
    const { control } = this.parts
    if (!control.settle(ordinal, first)) control.park()
  }

  private idleUsage(): CallUsage {
    const { program } = this.parts
    return {
      durationUs: 0,
      hostWaitUs: 0,
      fuel: null,
      hostCalls: 0,
      writes: 0,
      memoryBytes: program.memoryBytes,
      storeBytes: program.storeBytes,
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
