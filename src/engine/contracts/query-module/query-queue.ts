/** Queries of one module: one after the other, within the module's limits (spec nexum-host 9). */
import { queryAnswerSchema, type QueryAnswer } from '../../../shared/contracts/query-module.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { Dispatch } from '../../../shared/domain/module.ts'
import type { CallReply } from '../../../shared/sandbox/protocol.ts'
import type { Admission, CallEnd } from '../../events/admission.ts'
import { hostErrorReport } from '../../sandboxes/guest-errors.ts'
import type { Sandbox } from '../../sandboxes/sandbox.ts'
import type { SessionContext } from '../session.ts'
import type { QueryHost } from './query-host.ts'

/** Milliseconds that a query waits for a module that is being restarted. */
const patienceMs = 30_000

interface Waiting {
  readonly input: Uint8Array
  readonly since: number
  readonly resolve: (answer: QueryAnswer) => void
  readonly reject: (error: PaddockError) => void
  stopTimer: () => void
}

export class QueryQueue implements QueryHost {
  private readonly context: SessionContext
  private readonly admission: Admission
  private waiting: Waiting[] = []
  private sandbox: Sandbox | undefined
  private run = 0
  private running = false
  private number: number

  /** Queries are numbered from `firstNumber` in the list of dispatches. */
  constructor(context: SessionContext, admission: Admission, firstNumber = 0) {
    this.context = context
    this.number = firstNumber
    this.admission = admission
  }

  get name(): string {
    return this.context.name
  }

  get queued(): number {
    return this.waiting.length
  }

  ask(input: Uint8Array): Promise<QueryAnswer> {
    return new Promise((resolve, reject) => {
      const { limits, clock, name } = this.context
      if (this.waiting.length >= limits.queueEvents) {
        throw new PaddockError('module.busy', `${limits.queueEvents} queries wait for ${name} already.`)
      }
      const entry: Waiting = {
        input,
        since: clock.now(),
        resolve,
        reject,
        stopTimer: clock.after(patienceMs, () => this.giveUp(entry)),
      }
      this.waiting.push(entry)
      void this.serve()
    })
  }

  attach(sandbox: Sandbox, run: number): void {
    this.sandbox = sandbox
    this.run = run
    void this.serve()
  }

  detach(): void {
    this.sandbox = undefined
    this.admission.withdraw()
  }

  /** Ends what waits: the module is stopped or dead. */
  close(): void {
    this.detach()
    const waiting = this.waiting
    this.waiting = []
    for (const { reject, stopTimer } of waiting) {
      stopTimer()
      reject(notRunning(this.name))
    }
  }

  private async serve(): Promise<void> {
    if (this.running) return
    this.running = true
    try {
      while (this.sandbox !== undefined && this.waiting.length > 0) {
        const [next] = this.waiting.splice(0, 1)
        if (next === undefined) break
        next.stopTimer()
        await this.evaluate(this.sandbox, next)
      }
    } finally {
      this.running = false
    }
  }

  private async evaluate(sandbox: Sandbox, query: Waiting): Promise<void> {
    const ended = new AbortController()
    const stopListening = sandbox.onEnd(() => ended.abort())
    let reply: CallReply | null = null
    try {
      const ticket = await this.admission.admitWhenFree(ended.signal)
      let end: CallEnd = 'lost'
      try {
        reply = await sandbox.call({
          id: sandbox.allocateCallId(),
          // Nothing is committed, so that no number is needed to find out what was.
          sequence: 0,
          operation: 'evaluate',
          payload: query.input,
          cursor: null,
          fuel: ticket.fuel,
          deadlineMs: ticket.deadlineMs,
          context: { eventType: 'call' },
        })
        end = reply.outcome.status === 'not-started' ? 'not-started' : reply.usage
      } finally {
        this.admission.settle(ticket, end)
      }
      this.settle(query, reply)
    } catch (cause) {
      query.reject(
        cause instanceof PaddockError
          ? cause
          : new PaddockError('sandbox.exited', 'The sandbox ended during the query.', { cause }),
      )
    } finally {
      stopListening()
    }
  }

  private settle(query: Waiting, reply: CallReply): void {
    const { outcome } = reply
    if (outcome.status !== 'not-started') this.record(query, reply)
    switch (outcome.status) {
      case 'ok': {
        const answer = queryAnswerSchema.safeParse({ ok: true, value: outcome.value })
        if (answer.success) query.resolve(answer.data)
        else query.reject(new PaddockError('sandbox.protocol', 'The sandbox answered a query without bytes.'))
        return
      }
      case 'guest-error':
        query.resolve({ ok: false, error: outcome.error })
        return
      case 'failed':
        this.sandbox = undefined
        query.reject(PaddockError.fromReport(outcome.error))
        this.context.onFailed(outcome.error)
        return
      case 'not-started':
        this.putBack(query)
        return
    }
  }

  private record(query: Waiting, reply: CallReply): void {
    const { outcome, usage } = reply
    const { clock } = this.context
    const durationMs = usage.durationUs / 1_000
    const error =
      outcome.status === 'guest-error'
        ? hostErrorReport(outcome.error)
        : outcome.status === 'failed'
          ? outcome.error
          : null
    const dispatch: Dispatch = {
      dispatch: this.number,
      run: this.run,
      startedAt: query.since,
      eventType: 'query',
      chainId: null,
      blockNumber: null,
      result: outcome.status === 'ok' ? 'committed' : outcome.status === 'failed' ? 'failed' : 'rolled-back',
      error,
      queuedMs: Math.max(0, clock.now() - query.since - durationMs),
      durationMs,
      fuel: usage.fuel,
      hostCalls: usage.hostCalls,
      writes: usage.writes,
    }
    this.number += 1
    this.context.recordDispatch(dispatch, reply)
    if (outcome.status === 'ok') this.context.onHealthy()
  }

  /** It never reached a guest: it waits for the next one. */
  private putBack(query: Waiting): void {
    this.sandbox = undefined
    query.stopTimer = this.context.clock.after(patienceMs, () => this.giveUp(query))
    this.waiting.unshift(query)
  }

  private giveUp(entry: Waiting): void {
    if (!this.waiting.includes(entry)) return
    this.waiting = this.waiting.filter((each) => each !== entry)
    entry.reject(notRunning(this.name))
  }
}

function notRunning(name: string): PaddockError {
  return new PaddockError('module.not_running', `${name} is not running.`)
}
