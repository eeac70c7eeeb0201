/**
 * One call from its reservation to its settlement. It owns what it holds: whoever asked may leave at any moment, and
 * permit and reservation come back only when nothing can act for the call any more (spec tools 9, 10).
 */
import { maxToolLogLineBytes, type InvokeAnswer } from '../../../../shared/contracts/tool-call.ts'
import type { ToolCallView, ToolOutcome, ToolUsage } from '../../../../shared/domain/tool.ts'
import { PaddockError, toErrorReport } from '../../../../shared/errors.ts'
import { cutBetweenWords, cutText } from '../../../../shared/text.ts'
import type { Clock } from '../../../clock.ts'
import type { Gate } from '../../../sandboxes/gates/gate.ts'
import type { Denial } from '../../../governor/events.ts'
import type { Governor } from '../../../governor/governor.ts'
import { denialError } from '../../../governor/denials.ts'
import type { BrokeredCall, ToolBroker } from '../broker.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { CallReservation, type Settled } from '../settlement/call-reservation.ts'
import { paramsBytes, type CallRecord } from './call-record.ts'
import { executeCall, type Ending, type Execution } from './execute.ts'
import { busyFault, faults, messageBytes, prepareFault, type Fault } from './faults.ts'
import { keptLines } from './lines.ts'
import { grantsFor, type CallGrants } from './policy.ts'
import type { PreparedTool, PreparedTools } from './prepared-tools.ts'
import type { RunningCall, StopReason } from './running-call.ts'
import { scrubbedTraces } from './withheld-trace.ts'
import type { ToolOperationRef } from './tool.ts'

export interface JobMeans {
  readonly clock: Clock
  readonly governor: Governor
  readonly prepared: PreparedTools
  readonly pool: RunnerPool
  readonly broker: ToolBroker
  /** The gate for calls of this depth; the first is the outermost. */
  readonly gates: readonly Gate[]
}

export interface JobRequest extends ToolOperationRef {
  readonly params: string
  /** 1 for a call from outside, one more for each tool between (spec tools 3). */
  readonly depth: number
  /** Why it must not run, known before anything of it did. */
  readonly refusal: Fault | undefined
  readonly timeoutMs: number
  /** A person agreed to it. */
  readonly approved: boolean
  /** What an outer layer reserved. */
  readonly reservation: string | undefined
  readonly invoke: (job: Job, alias: string, params: string) => Promise<InvokeAnswer>
}

export class Job {
  readonly request: JobRequest
  readonly record: CallRecord
  /** Names of secrets to renew, filled in where the guest says so. */
  grants: CallGrants
  /** Calls of other tools that it made. */
  invocations = 0
  private readonly means: JobMeans
  private readonly leave = new AbortController()
  private readonly children = new Set<Promise<unknown>>()
  private stopReason: StopReason | undefined
  private running: RunningCall | undefined
  private brokered: BrokeredCall | undefined
  private permit: Gate | undefined
  private endsAt: number | undefined

  constructor(means: JobMeans, request: JobRequest, record: CallRecord) {
    this.means = means
    this.request = request
    this.record = record
    this.grants = grantsFor(request.tool, request.operation, request.timeoutMs)
  }

  /** Aborted when the call is to stop. */
  get signal(): AbortSignal {
    return this.leave.signal
  }

  /** Milliseconds that are left of the call. */
  get remainingMs(): number {
    const { endsAt, means, request } = this
    return endsAt === undefined ? request.timeoutMs : endsAt - means.clock.monotonicMs()
  }

  /** The work of a nested call: this one is not settled before it has ended. */
  track(child: Promise<unknown>): void {
    this.children.add(child)
    void child.finally(() => this.children.delete(child)).catch(() => undefined)
  }

  /** Runs the call to its end. Never rejects. */
  async run(): Promise<ToolCallView> {
    const reservation = this.reserve()
    if (!(reservation instanceof CallReservation)) {
      this.record.states.to('settling')
      this.answer(outcomeOf({ fault: reservation }), false)
      return this.record.view()
    }
    const ending = await this.work().catch((thrown: unknown): Ending => {
      this.request.tool.log(
        'error',
        'tool_fault',
        `A call failed in the host: ${toErrorReport(thrown).message}`,
      )
      return { fault: faults.host }
    })
    this.record.states.to('settling')
    await this.settle(reservation, ending)
    return this.record.view()
  }

  /** Stops the call; false when it has its answer already. */
  cancel(reason: StopReason = 'cancelled'): boolean {
    const { states } = this.record
    if (states.isAnswered) return false
    if (this.stopReason !== undefined || states.state === 'settling') return true
    this.stopReason = reason
    this.leave.abort()
    if (states.state === 'running') {
      states.to('stopping')
      this.running?.stop(reason)
    }
    return true
  }

  private reserve(): CallReservation | Fault {
    const { governor, clock } = this.means
    const { tool, timeoutMs, approved, reservation } = this.request
    try {
      const taken = CallReservation.take({
        governor,
        clock,
        lane: governor.lane({ module: tool.module, contract: 'tool' }),
        declaration: tool.declaration,
        timeoutMs,
        approved,
        handedIn: reservation,
      })
      return taken instanceof CallReservation ? taken : denied(taken)
    } catch (error) {
      return { kind: 'resource', code: codeOf(error), message: 'The reservation is not for this call.' }
    }
  }

  private async work(): Promise<Ending> {
    const { states } = this.record
    states.to('queued')
    const { tool, params, refusal } = this.request
    if (refusal !== undefined) return { fault: refusal }
    // A character takes at least a byte: what is longer than that is refused without counting (spec tools 8).
    if (params.length > tool.declaration.limits.inputBytes) return { fault: faults.inputTooLarge }
    const prepared = await this.prepare()
    if ('fault' in prepared) return prepared
    prepared.pins += 1
    try {
      const gate = this.means.gates[this.request.depth - 1]
      if (gate === undefined) return { fault: busyFault('nested') }
      try {
        await gate.take(tool.module, this.signal)
      } catch (error) {
        if (this.signal.aborted) return { fault: this.stopFault() }
        return { fault: codeOf(error) === 'gate.busy' ? busyFault(this.gateName) : faults.host }
      }
      this.permit = gate
      return await this.execute(prepared)
    } finally {
      prepared.pins -= 1
    }
  }

  private get gateName(): 'execute' | 'nested' {
    return this.request.depth === 1 ? 'execute' : 'nested'
  }

  private async prepare(): Promise<PreparedTool | { readonly fault: Fault }> {
    const { prepared } = this.means
    const { states } = this.record
    const ready = prepared.get(this.request.tool.key)
    if (ready !== undefined) return ready
    states.to('preparing')
    try {
      const made = await prepared.prepare(this.request.tool, this.signal)
      states.to('queued')
      return made
    } catch (thrown) {
      if (this.signal.aborted) return { fault: this.stopFault() }
      return { fault: prepareFault(PaddockError.fromReport(toErrorReport(thrown))) }
    }
  }

  private async execute(prepared: PreparedTool): Promise<Ending> {
    const { clock, broker, pool } = this.means
    const { request, record } = this
    // What was taken back while the call waited is not given to it.
    this.grants = grantsFor(request.tool, request.operation, request.timeoutMs)
    const execution: Execution = {
      pool,
      clock,
      prepared,
      request,
      isLeaving: () => this.signal.aborted,
      open: async () => {
        const brokered = await broker.open({ ...this.grants.policy, deadlineMs: request.timeoutMs })
        this.brokered = brokered
        return brokered
      },
      grants: this.grants,
      invoke: (alias, params) => request.invoke(this, alias, params),
      onBegin: (running) => {
        this.running = running
        this.endsAt = clock.monotonicMs() + request.timeoutMs
        record.states.to('running')
        return clock.after(request.timeoutMs, () => this.cancel('deadline'))
      },
      onWallTime: (wallMs) => {
        record.usage = { ...record.usage, wallMs }
      },
      onLost: ({ message, code }) => {
        if (this.stopReason === undefined) request.tool.log('warn', 'tool_call_lost', message, code)
      },
      onOutput: (outputBytes) => {
        record.usage = { ...record.usage, outputBytes }
      },
    }
    const ending = await executeCall(execution)
    // Who left gets no answer, and what is late is no answer, however it ended meanwhile.
    return this.stopReason === undefined ? ending : { fault: this.stopFault() }
  }

  private stopFault(): Fault {
    return this.stopReason === 'deadline' ? faults.deadline : faults.cancelled
  }

  private async settle(reservation: CallReservation, ending: Ending): Promise<void> {
    const { tool } = this.request
    await Promise.allSettled(this.children)
    const failure = await this.tellAll(ending)
    const settled = await reservation.settle(this.record.usage)
    if (settled === 'deferred' || settled === 'failed') {
      tool.log('warn', 'settlement_deferred', `Reservation ${reservation.id} could not be settled.`)
    }
    this.permit?.giveBack()
    this.permit = undefined
    this.answer(afterSettlement(failure, settled), settled === 'deferred')
    if (settled === 'deferred') this.settleLater(reservation)
  }

  private answer(outcome: ToolOutcome, isDeferred: boolean): void {
    this.record.outcome = outcome
    this.record.states.to(isDeferred ? 'deferred' : 'settled')
  }

  /** The ledger writes it again by itself; the record follows. */
  private settleLater(reservation: CallReservation): void {
    const stop = this.means.governor.onRoom(() => {
      if (!this.means.governor.isWritten(reservation.id)) return
      stop()
      this.record.states.to('settled')
    })
  }

  /** Figures, trace and lines of the call, all scrubbed; the broker's share is closed. Never rejects. */
  private async tellAll(ending: Ending): Promise<ToolOutcome> {
    const { brokered, running, record, request } = this
    const outcome = outcomeOf(ending)
    if (brokered === undefined) return outcome
    const { texts, finish } = keptLines(running)
    const message = outcome.ok ? '' : outcome.failure.message
    // Cut before they are sent: of megabytes nobody looks at more.
    const kept = cutBetweenWords(request.params, paramsBytes)
    const [scrubbed, params = ''] = await Promise.all([
      brokered.scrub([message, ...texts], maxToolLogLineBytes),
      brokered.scrub([kept], paramsBytes).then(([clean]) => clean),
    ]).catch(() => [undefined])
    const withheld = await scrubbedTraces(running?.withheld ?? [], brokered)
    const figures = await brokered.close().catch(() => undefined)
    record.usage = this.usageWith(figures, record.usage)
    record.trace = [...withheld, ...(figures?.trace ?? [])].sort((a, b) => a.at - b.at)
    if (scrubbed !== undefined) {
      const [, ...lines] = scrubbed
      record.keepParams(params)
      const { records, shown, dropped } = finish(lines)
      request.tool.guestLogs(records, dropped)
      record.logs = shown
      record.logsDropped = dropped
    }
    if (outcome.ok) return outcome
    // What could not be scrubbed is not shown.
    const words = ending.fault?.isGuestText === true ? (scrubbed?.[0] ?? '') : message
    const { failure } = outcome
    return {
      ok: false,
      failure: {
        ...failure,
        message: cutText(words, messageBytes),
        secrets: failure.kind === 'auth_required' ? this.secretsToRenew(figures?.missingSecrets ?? []) : [],
        httpStatus: figures?.lastStatus ?? null,
      },
    }
  }

  /** Those that were missing or withheld; all that the operation needs where none was, for one may have run out. */
  private secretsToRenew(missing: readonly string[]): string[] {
    const { withheld, requiredSecrets } = this.grants
    const lacking = [...new Set([...missing, ...withheld.map(({ secret }) => secret)])]
    return lacking.length > 0 ? lacking : [...requiredSecrets]
  }

  private usageWith(
    figures: Awaited<ReturnType<BrokeredCall['close']>> | undefined,
    usage: ToolUsage,
  ): ToolUsage {
    const { invocations, running } = this
    if (figures !== undefined) {
      const { egressBytes, totalBytesOut, bytesIn, httpRequests } = figures
      return { ...usage, egressBytes, totalBytesOut, bytesIn, httpRequests, invocations }
    }
    const { requestBytes = 0, requests = 0 } = running ?? {}
    return {
      ...usage,
      egressBytes: requestBytes,
      totalBytesOut: requestBytes,
      httpRequests: requests,
      invocations,
    }
  }
}

function outcomeOf(ending: Ending): ToolOutcome {
  if (ending.fault === undefined) return { ok: true, output: ending.output }
  const { kind, code, message } = ending.fault
  return {
    ok: false,
    failure: { kind, code, message, secrets: [], httpStatus: null, settlementDeferred: false },
  }
}

/** A success that could not be settled is none; a failure stays what it was (spec tools 10). */
function afterSettlement(outcome: ToolOutcome, settled: Settled): ToolOutcome {
  if (settled === 'reconciled' || settled === 'released') return outcome
  if (!outcome.ok) return { ok: false, failure: { ...outcome.failure, settlementDeferred: true } }
  const failed = outcomeOf({ fault: faults.notSettled })
  return failed.ok ? failed : { ok: false, failure: { ...failed.failure, settlementDeferred: true } }
}

function denied(denial: Denial): Fault {
  const { code, message } = denialError(denial)
  return { kind: 'resource', code: code.slice('governor.'.length), message }
}

function codeOf(error: unknown): string {
  return error instanceof PaddockError ? error.code : 'internal.bug'
}
