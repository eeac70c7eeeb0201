/**
 * A call while a guest acts for it: its host calls, what it says, and how it is stopped (spec tools 10). Once it is to
 * stop, what it waits for and asks later is answered at once; 250 ms later its thread is ended.
 */
import {
  toolCapability,
  toolHostFunctions,
  type HttpFailureAnswer,
  type ToolHostFunction,
} from '../../../../shared/contracts/tool.ts'
import { toolHostArguments, type InvokeAnswer } from '../../../../shared/contracts/tool-call.ts'
import type { GuestLogRecord } from '../../../../shared/domain/log.ts'
import type { EgressTrace } from '../../../../shared/domain/tool.ts'
import type { CallReply, HostCall, HostOutcome } from '../../../../shared/sandbox/protocol.ts'
import type { Clock } from '../../../clock.ts'
import { refused } from '../../../sandboxes/sandbox-replies.ts'
import type { BrokeredCall } from '../broker.ts'
import type { RunnerThread, ThreadCall } from '../runners/runner-thread.ts'
import { needsWithheld, type CallGrants } from './policy.ts'
import { maxWithheldTraces, withheldTrace } from './withheld-trace.ts'

/** How long a guest may go on after it was told to stop, in milliseconds (spec tools 10). */
export const stopGraceMs = 250
/** The broker's own word on a request that is called off, which knows what was sent, is waited for this long. */
const cancelledRequestMs = 100
/** Lines that were sent arrive right behind the answer. */
const logsMs = 1_000

export type StopReason = 'cancelled' | 'deadline'

export interface RunningCallOptions {
  readonly clock: Clock
  readonly grants: CallGrants
  readonly brokered: BrokeredCall
  readonly invoke: (alias: string, params: string) => Promise<InvokeAnswer>
}

export class RunningCall {
  readonly records: GuestLogRecord[] = []
  dropped = 0
  /** Requests that the guest made, and bytes of their bodies: what is known should the broker be lost. */
  requests = 0
  requestBytes = 0
  /** Requests that were refused before the broker; of the guest's own words. */
  readonly withheld: EgressTrace[] = []
  private readonly options: RunningCallOptions
  /** Host calls that wait for their answers. */
  private readonly asked = new Set<(reason: StopReason) => void>()
  private reason: StopReason | undefined
  private thread: RunnerThread | undefined
  private tellLogged: () => void = () => undefined
  private stopTimer: () => void = () => undefined

  constructor(options: RunningCallOptions) {
    this.options = options
  }

  /** Rejects with why the thread or its process ended. */
  async run(thread: RunnerThread, call: ThreadCall): Promise<CallReply> {
    this.thread = thread
    try {
      // Called off while the thread was prepared: it need not begin.
      if (this.reason !== undefined) this.interruptSoon()
      return await thread.run(call, {
        onHostCall: (hostCall) => this.answer(hostCall),
        onLogs: (records, dropped) => this.take(records, dropped),
      })
    } finally {
      this.thread = undefined
      this.stopTimer()
    }
  }

  /** Stops it; a second time changes nothing. */
  stop(reason: StopReason): void {
    if (this.reason !== undefined) return
    this.reason = reason
    this.options.brokered.cancel()
    for (const tell of this.asked) tell(reason)
    this.interruptSoon()
  }

  /** Settles when as many lines have arrived as the guest sent, or the thread is gone. */
  async allLogged(thread: RunnerThread, lines: number): Promise<void> {
    if (this.lines() >= lines) return
    const logged = new Promise<void>((resolve) => {
      this.tellLogged = () => {
        if (this.lines() >= lines) resolve()
      }
    })
    let stop = (): void => undefined
    const late = new Promise<void>((resolve) => {
      stop = this.options.clock.after(logsMs, resolve)
    })
    await Promise.race([logged, thread.gone, late])
    stop()
  }

  private lines(): number {
    return this.records.filter(({ source }) => source !== 'engine' && source !== 'panic').length
  }

  private take(records: readonly GuestLogRecord[], dropped: number): void {
    this.records.push(...records)
    this.dropped += dropped
    this.tellLogged()
  }

  private interruptSoon(): void {
    this.stopTimer()
    this.stopTimer = this.options.clock.after(stopGraceMs, () => this.thread?.interrupt())
  }

  private async answer(call: HostCall): Promise<HostOutcome> {
    const name = toolHostFunctions.find((each) => each === call.function)
    if (call.capability !== toolCapability || name === undefined) return refused(call)
    const isSent = name === 'read-body'
    if (this.reason !== undefined) return { ok: true, value: stoppedAnswer(name, this.reason, isSent) }
    return { ok: true, value: await this.serve(name, call.args) }
  }

  private async serve(name: ToolHostFunction, args: readonly unknown[]): Promise<unknown> {
    const { brokered, invoke } = this.options
    switch (name) {
      case 'http-request': {
        const [request] = toolHostArguments[name].parse(args)
        if (needsWithheld(this.options.grants.withheld, request.url)) {
          const { clock, grants } = this.options
          if (this.withheld.length < maxWithheldTraces)
            this.withheld.push(withheldTrace(clock.now(), request, grants.withheld))
          return credentialUnavailable
        }
        this.requests += 1
        this.requestBytes += request.bodyBytes
        return this.untilStopped(name, brokered.http(request).catch(brokerFault), cancelledRequestMs)
      }
      case 'send-body': {
        const [part] = toolHostArguments[name].parse(args)
        return this.untilStopped(
          name,
          brokered.sendBody(part).catch(() => false),
          0,
        )
      }
      case 'read-body': {
        const [offset] = toolHostArguments[name].parse(args)
        return this.untilStopped(name, brokered.readBody(offset).catch(brokerFault), 0)
      }
      case 'workspace-read': {
        const [path] = toolHostArguments[name].parse(args)
        return this.untilStopped(
          name,
          brokered.readWorkspace(path).catch(() => null),
          0,
        )
      }
      case 'secret-exists': {
        const [secret] = toolHostArguments[name].parse(args)
        return this.untilStopped(
          name,
          brokered.secretExists(secret).catch(() => false),
          0,
        )
      }
      case 'tool-invoke': {
        const [alias, params] = toolHostArguments[name].parse(args)
        return this.untilStopped(name, invoke(alias, params), 0)
      }
    }
  }

  /** The answer, or once the call is to stop and `graceMs` later still has none, that it is stopped. */
  private untilStopped(name: ToolHostFunction, work: Promise<unknown>, graceMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onStop = (reason: StopReason): void => {
        const tell = (): void => resolve(stoppedAnswer(name, reason, true))
        if (graceMs > 0) this.options.clock.after(graceMs, tell)
        else tell()
      }
      // Gone with the answer: a guest may ask as often as it likes.
      this.asked.add(onStop)
      work.then(resolve, reject).finally(() => this.asked.delete(onStop))
    })
  }
}

const credentialUnavailable: HttpFailureAnswer = {
  ok: false,
  kind: 'auth-required',
  code: 'credential_unavailable',
  message: 'credential_unavailable',
  requestSent: false,
}

/** The broker was lost under the request: what may have been sent counts as sent. */
function brokerFault(): HttpFailureAnswer {
  return {
    ok: false,
    kind: 'operation-failed',
    code: 'egress_failed',
    message: 'egress_failed',
    requestSent: true,
  }
}

function stoppedAnswer(name: ToolHostFunction, reason: StopReason, requestSent: boolean): unknown {
  switch (name) {
    case 'http-request':
    case 'read-body': {
      const answer: HttpFailureAnswer =
        reason === 'cancelled'
          ? { ok: false, kind: 'executor', code: 'cancelled', message: 'cancelled', requestSent }
          : {
              ok: false,
              kind: 'client',
              code: 'deadline_exceeded',
              message: 'deadline_exceeded',
              requestSent,
            }
      return answer
    }
    case 'workspace-read':
      return null
    case 'send-body':
    case 'secret-exists':
      return false
    case 'tool-invoke': {
      const answer: InvokeAnswer = {
        ok: false,
        error: reason === 'cancelled' ? 'cancelled' : 'deadline_exceeded',
      }
      return answer
    }
  }
}
