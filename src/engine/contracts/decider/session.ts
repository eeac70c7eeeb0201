/** A decider while its module lives: opened once a run, then one command after the other (spec decider 2 to 8). */
import type { z } from 'zod'
import {
  executionOutcomeSchema,
  openedSchema,
  stateViewSchema,
  type DeciderDescriptor,
  type DryRunPayload,
  type ExecutePayload,
  type ExecutionOutcome,
  type OpenedDecider,
  type StateView,
} from '../../../shared/contracts/decider.ts'
import {
  storeAnswerSchema,
  type StoreAnswer,
  type StoreQuery,
} from '../../../shared/contracts/decider-views.ts'
import { errorReportSchema } from '../../../shared/domain/primitives.ts'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { CallReply } from '../../../shared/sandbox/protocol.ts'
import type { CallEnd } from '../../events/admission.ts'
import type { Sandbox } from '../../sandboxes/sandbox.ts'
import { isRejection } from '../../supervisor/rejections.ts'
import type { ContractSession, InitOutcome, LoadedStore, SessionContext } from '../session.ts'
import { CommandQueue, type QueuedCommand } from './command-queue.ts'
import { readDeciderConfig, type DeciderConfig } from './config.ts'
import type { DeciderHost } from './decider-host.ts'
import { recordCommand } from './record-command.ts'
import { TrapWatch } from './trap-watch.ts'

export class DeciderSession implements ContractSession, DeciderHost {
  private readonly context: SessionContext
  private readonly queue: CommandQueue
  private config: DeciderConfig | undefined
  private decider: OpenedDecider | undefined
  private predecessor: DeciderSession | null
  private run = 0
  private readonly traps: TrapWatch
  private executing = 0

  constructor(context: SessionContext, predecessor: ContractSession | undefined) {
    this.context = context
    this.predecessor = predecessor instanceof DeciderSession ? predecessor : null
    if (this.predecessor === null) predecessor?.close()
    this.queue = new CommandQueue({
      admission: context.admission,
      onFailed: (error) => context.onFailed(error),
    })
    this.predecessor?.queue.handOver(this.queue)
    this.traps = new TrapWatch((message) => context.log('warn', 'decider_degraded', message))
  }

  get queued(): number {
    return this.queue.queued
  }

  get module(): string {
    return this.context.name
  }

  get name(): string {
    return this.descriptor.name
  }

  get version(): string {
    return this.descriptor.version
  }

  get types(): readonly string[] {
    return this.descriptor.commands.map(({ type }) => type)
  }

  get descriptor(): DeciderDescriptor {
    return this.opened.descriptor
  }

  get artifact(): string {
    return this.opened.artifact
  }

  get effectiveSnapshots(): OpenedDecider['effectiveSnapshots'] {
    return this.opened.effectiveSnapshots
  }

  get inFlight(): number {
    return this.executing
  }

  get degraded(): boolean {
    return this.traps.isDegraded
  }

  private get opened(): OpenedDecider {
    if (this.decider === undefined) throw new PaddockError('internal.bug', 'The decider is not open.')
    return this.decider
  }

  async initialise(sandbox: Sandbox, _store: LoadedStore, run: number): Promise<InitOutcome> {
    this.run = run
    try {
      this.config = readDeciderConfig(this.context.manifest)
      this.decider = this.sameAsBefore(await this.openIn(sandbox, this.config))
      this.context.sources.deciders.bind(this.context.name, this.decider.descriptor.name)
      this.context.services.deciders.register(this, this.predecessor)
      this.predecessor = null
      return { kind: 'ok' }
    } catch (error) {
      const report = toErrorReport(error)
      const isFinal = isRejection(report.code) || report.code.startsWith('manifest.')
      return { kind: isFinal ? 'rejected' : 'failed', error: report }
    }
  }

  open(sandbox: Sandbox, run: number): void {
    this.run = run
    this.queue.attach(sandbox)
  }

  detach(): void {
    this.queue.detach()
  }

  close(): void {
    this.queue.close(new PaddockError('module.not_running', `${this.context.name} is not running.`))
    this.context.sources.deciders.bind(this.context.name, null)
    if (this.decider !== undefined) this.context.services.deciders.unregister(this)
  }

  async execute(payload: ExecutePayload): Promise<ExecutionOutcome> {
    this.executing += 1
    const enqueuedAt = this.context.clock.monotonicMs()
    try {
      const reply = await this.ask('execute', payload, {
        repeatable: payload.commandId !== null,
        deadlineMs: this.policy.callMs,
      })
      const outcome = valueOf(reply, executionOutcomeSchema)
      this.traps.note(outcome)
      recordCommand(this.context, this.run, enqueuedAt, payload, outcome, reply)
      return outcome
    } finally {
      this.executing -= 1
    }
  }

  async dryRun(payload: DryRunPayload): Promise<ExecutionOutcome> {
    return valueOf(await this.ask('dry-run', payload, this.reading), executionOutcomeSchema)
  }

  async stateAt(streamId: string, at: number | null): Promise<StateView> {
    return valueOf(await this.ask('state', { streamId, at }, this.reading), stateViewSchema)
  }

  async read(query: StoreQuery): Promise<StoreAnswer> {
    return valueOf(await this.ask('read', query, this.reading), storeAnswerSchema)
  }

  private get policy(): DeciderConfig['policy'] {
    if (this.config === undefined) throw new PaddockError('internal.bug', 'The decider is not open.')
    return this.config.policy
  }

  /** Without effects, so that it may be asked again; a whole replay has the time of a command. */
  private get reading(): Pick<QueuedCommand, 'repeatable' | 'deadlineMs'> {
    return { repeatable: true, deadlineMs: this.policy.commandMs }
  }

  private ask(
    operation: QueuedCommand['operation'],
    payload: unknown,
    options: Pick<QueuedCommand, 'repeatable' | 'deadlineMs'>,
  ): Promise<CallReply> {
    return this.queue.run({ operation, payload, ...options })
  }

  /** Every run has the same component: one that calls itself by another name is not what was opened first. */
  private sameAsBefore(opened: OpenedDecider): OpenedDecider {
    const before = this.decider?.descriptor
    const { name, version } = opened.descriptor
    if (before === undefined || (before.name === name && before.version === version)) return opened
    throw new PaddockError(
      'decider.identity_mismatch',
      `The decider says it is ${name}@${version}, but it was ${before.name}@${before.version} when it ran before.`,
      { details: { expected: `${before.name}@${before.version}`, actual: `${name}@${version}` } },
    )
  }

  private async openIn(sandbox: Sandbox, { policy, expected }: DeciderConfig): Promise<OpenedDecider> {
    const { admission } = this.context
    const ended = new AbortController()
    const stopListening = sandbox.onEnd(() => ended.abort())
    try {
      const ticket = await admission.admitWhenFree(ended.signal)
      let end: CallEnd = 'lost'
      try {
        const reply = await sandbox.call({
          id: sandbox.allocateCallId(),
          sequence: 0,
          operation: 'open',
          payload: { policy, expected },
          cursor: null,
          fuel: ticket.fuel,
          deadlineMs: ticket.deadlineMs,
          context: { eventType: 'init' },
        })
        end = reply.outcome.status === 'not-started' ? 'not-started' : reply.usage
        return valueOf(reply, openedSchema)
      } finally {
        admission.settle(ticket, end)
      }
    } finally {
      stopListening()
    }
  }
}

/** The value of a reply that went well. Throws what it failed with, `sandbox.protocol` for one of another shape. */
function valueOf<T>({ outcome }: CallReply, schema: z.ZodType<T>): T {
  if (outcome.status === 'failed') throw PaddockError.fromReport(outcome.error)
  if (outcome.status !== 'ok') {
    throw new PaddockError('sandbox.protocol', `The sandbox answered ${outcome.status}.`)
  }
  const parsed = schema.safeParse(outcome.value)
  if (parsed.success) return parsed.data
  const { value } = outcome
  const error = typeof value === 'object' && value !== null && 'error' in value ? value.error : undefined
  const report = errorReportSchema.safeParse(error)
  throw report.success
    ? PaddockError.fromReport(report.data)
    : new PaddockError('sandbox.protocol', 'The sandbox gave an answer of another shape.')
}
