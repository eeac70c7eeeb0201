/** One instance of an actor: a generation on a guest thread, and the calls that are made to it (spec actors-sql 1). */
import {
  actorOperations,
  type ActorAnswer,
  type ActorFacts,
  type ActorOperation,
  type ActorPayload,
} from '../../../../shared/contracts/actor.ts'
import { PaddockError, type ErrorReport } from '../../../../shared/errors.ts'
import type { GuestLogRecord } from '../../../../shared/domain/log.ts'
import type {
  CallReply,
  HostCall,
  HostOutcome,
  LoadSpec,
  StatementMark,
} from '../../../../shared/sandbox/protocol.ts'
import type { Admission, CallEnd } from '../../../events/admission.ts'
import type { SandboxThread } from '../../../sandboxes/sandbox-thread.ts'
import type { ActorHost } from '../hosts/actor-host.ts'
import { Counter } from './counter.ts'
import { callFault, overdueFault } from './faults.ts'
import type { InstanceState } from './instance-state.ts'

/** Operations in which guest code runs: they are admitted, and cost. */
const guestOperations: ReadonlySet<ActorOperation> = new Set(['migrate', 'start', 'request', 'sleep', 'stop'])

export interface InstanceOptions {
  readonly facts: ActorFacts
  readonly spec: LoadSpec
  readonly host: ActorHost
  readonly admission: Admission
  readonly onHostCall: (call: HostCall) => Promise<HostOutcome>
  readonly onLogs: (records: readonly GuestLogRecord[], dropped: number) => void
  /** The thread is gone: null after an orderly end. Called once. */
  readonly onEnded: (instance: ActorInstance, error: PaddockError | null) => void
}

/** What a call came to, and what it used when it reached the guest. */
export interface Called<O extends ActorOperation> {
  readonly answer: ActorAnswer<O>
  readonly reply: CallReply
}

export class ActorInstance {
  state: InstanceState = 'loading'
  /** Whether new work is taken; checked after counting it (spec actors-sql 11.6). */
  gateOpen = false
  /** Queued and running work of this generation. */
  readonly inFlight = new Counter()
  readonly facts: ActorFacts
  readonly host: ActorHost
  private readonly options: InstanceOptions
  private readonly thread: SandboxThread
  private readonly ended: Promise<void>
  private settleEnded: () => void = () => undefined
  private overdue: PaddockError | undefined
  private cancelKill: () => void = () => undefined
  private sequence = 0

  constructor(options: InstanceOptions) {
    this.options = options
    this.facts = options.facts
    this.host = options.host
    this.ended = new Promise((resolve) => {
      this.settleEnded = resolve
    })
    this.thread = options.host.openThread({
      onHostCall: options.onHostCall,
      onLogs: options.onLogs,
      onOverdue: (_call, statement) => this.onOverdue(statement),
      onEnded: (error) => this.onThreadEnded(error),
    })
  }

  get generation(): number {
    return this.facts.generation
  }

  get isGone(): boolean {
    return this.thread.ended
  }

  /** Loads the program and tells it who it is. No file is touched. Throws what failed. */
  async load(): Promise<void> {
    const loaded = await this.thread.load(this.options.spec).catch((error: unknown) => {
      throw callFault(error, this.overdue)
    })
    if (!loaded.ok) throw PaddockError.fromReport(loaded.error)
    const { answer } = await this.call('open', this.facts, 10_000)
    if (answer.status === 'refused') throw PaddockError.fromReport(answer.error)
  }

  /**
   * Makes one call after those before it. Throws `wasm.trap`, `sqlite.*` or `actor.host_lost` when the instance died of
   * it, and `sqlite.closed` when it never began.
   */
  async call<O extends ActorOperation>(
    operation: O,
    payload: ActorPayload<O>,
    deadlineMs: number,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Called<O>> {
    const { admission, spec } = this.options
    const ticket = guestOperations.has(operation) ? await admission.admitWhenFree(signal) : undefined
    let end: CallEnd = 'lost'
    try {
      const reply = await this.thread
        .call({
          id: this.thread.allocateCallId(),
          sequence: this.sequence++,
          operation,
          payload,
          cursor: null,
          fuel: ticket?.fuel ?? spec.limits.fuelPerCall,
          deadlineMs,
          context: { eventType: operation === 'request' ? 'call' : 'init' },
        })
        .catch((error: unknown) => {
          throw callFault(error, this.overdue)
        })
      end = reply.outcome.status === 'not-started' ? 'not-started' : reply.usage
      return { answer: answerOf(operation, reply, this.overdue), reply }
    } finally {
      if (ticket !== undefined) admission.settle(ticket, end)
    }
  }

  /** Ends the thread, at once if nothing runs in it; kills the process when a statement holds it up. Settles when it is gone. */
  async end(): Promise<void> {
    if (!this.thread.ended) {
      this.thread.stop(0)
      this.armKill(new PaddockError('sandbox.stopped', 'A statement held up the end of its actor.'))
    }
    await this.ended
  }

  private onOverdue(statement: StatementMark | null): void {
    this.gateOpen = false
    this.overdue ??= overdueFault(statement)
    this.armKill(new PaddockError('sandbox.stopped', 'An actor ran longer than its budget and did not end.'))
  }

  private armKill(reason: PaddockError): void {
    this.cancelKill()
    this.cancelKill = this.host.killUnlessEnded(this.thread, reason)
  }

  private onThreadEnded(error: ErrorReport | null): void {
    this.cancelKill()
    this.gateOpen = false
    this.options.admission.withdraw()
    this.settleEnded()
    this.options.onEnded(this, error === null ? null : (this.overdue ?? PaddockError.fromReport(error)))
  }
}

function answerOf<O extends ActorOperation>(
  operation: O,
  { outcome }: CallReply,
  overdue: PaddockError | undefined,
): ActorAnswer<O> {
  switch (outcome.status) {
    case 'ok': {
      const parsed = actorOperations[operation].answer.safeParse(outcome.value)
      if (parsed.success) return parsed.data as ActorAnswer<O>
      throw new PaddockError(
        'sandbox.protocol',
        `The answer to ${operation} has not the shape of its operation.`,
      )
    }
    case 'not-started':
      throw new PaddockError(
        'sqlite.closed',
        'The actor stopped before the call began; nothing was executed.',
      )
    case 'guest-error':
      throw new PaddockError(
        'sandbox.protocol',
        `The answer to ${operation} has not the shape of its contract.`,
      )
    case 'failed':
      throw callFault(PaddockError.fromReport(outcome.error), overdue)
  }
}
