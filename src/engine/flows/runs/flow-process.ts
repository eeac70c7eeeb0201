/** The sandbox process of one run: launched and loaded, one long call, letters both ways. */
import {
  flowContractId,
  fromFlowSchema,
  type FlowPlan,
  type FromFlow,
  type ToFlow,
} from '../../../shared/contracts/flow.ts'
import { defaultLimits } from '../../../shared/domain/limits.ts'
import type { LogLevel } from '../../../shared/domain/primitives.ts'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { CallReply } from '../../../shared/sandbox/protocol.ts'
import { launchProcess, type ProcessMeans } from '../../sandboxes/launch-process.ts'
import { residentLimitBytes } from '../../sandboxes/memory-limits.ts'
import type { Sandbox } from '../../sandboxes/sandbox.ts'
import type { RunJournal } from './run-journal.ts'

/** The call has no deadline of its own: its steps have theirs. */
const noDeadlineMs = Number.MAX_SAFE_INTEGER
/** Least memory that limits may name. */
const pageBytes = 65_536

export interface FlowProcessOptions {
  readonly id: string
  readonly run: number
  readonly plan: FlowPlan
  readonly processes: ProcessMeans
  readonly journal: RunJournal
  readonly logLevel: LogLevel
  /** False for one that the program may not send. */
  readonly onLetter: (letter: FromFlow) => boolean
}

export class FlowProcess {
  /** Of the process, about every 2 s. */
  residentBytes: number | null = null
  private readonly options: FlowProcessOptions
  private readonly sandbox: Sandbox
  private callId: number | null = null
  /** Written while the stages are made; read when they run. */
  private readonly early: ToFlow[] = []

  /** Starts the process; it listens once `load` goes on. */
  constructor(options: FlowProcessOptions) {
    this.options = options
    const { processes, id, plan, journal } = options
    this.sandbox = launchProcess(processes, id, {
      purpose: 'flow',
      residentLimitBytes: residentLimitBytes(linearBytes(plan) + bufferBytes(plan)),
      shared: false,
      handlers: {
        onLogs: (records, dropped) => journal.guest(records, dropped),
        onMail: (letters) => this.onMail(letters),
        onOutput: (line) => journal.event('debug', 'sandbox_output', null, line),
        onProcess: ({ residentBytes }) => {
          this.residentBytes = residentBytes
        },
      },
    })
  }

  get pid(): number | null {
    return this.sandbox.ended ? null : (this.sandbox.pid ?? null)
  }

  /** Whether the long call was sent. */
  get isRunning(): boolean {
    return this.callId !== null
  }

  /** Settles when the stages are made. Rejects with `sandbox.*`, `stage.*`, `flow.*`. */
  async load(): Promise<void> {
    const { id, run, plan, logLevel } = this.options
    await this.sandbox.ready
    const body = plan.nodes.find((node) => node.body.kind === 'component')?.body
    const loaded = await this.sandbox.load({
      module: id,
      run,
      contract: flowContractId,
      artifactDirectory: body?.kind === 'component' ? body.artifactDirectory : '',
      storePath: null,
      durability: 'call',
      limits: { ...defaultLimits, memoryBytes: Math.max(linearBytes(plan), pageBytes) },
      capabilities: {},
      logLevel,
      contractData: plan,
    })
    if (!loaded.ok) throw PaddockError.fromReport(loaded.error)
  }

  /** The long call; answers its reply, or why there is none. Never rejects. */
  async run(): Promise<CallReply | PaddockError> {
    this.callId = this.sandbox.allocateCallId()
    try {
      const reply = this.sandbox.call({
        id: this.callId,
        sequence: 0,
        operation: 'run',
        payload: null,
        cursor: null,
        fuel: defaultLimits.fuelPerCall,
        deadlineMs: noDeadlineMs,
        context: {},
      })
      this.sandbox.mail(this.early.splice(0))
      return await reply
    } catch (error) {
      return PaddockError.fromReport(toErrorReport(error, 'sandbox.exited'))
    }
  }

  mail(letter: ToFlow): void {
    if (this.callId === null) this.early.push(letter)
    else this.sandbox.mail([letter])
  }

  /** Ends the thread in which the call runs. */
  endThread(): void {
    if (this.callId === null) this.sandbox.kill(new PaddockError('flow.cancelled', 'The flow was cancelled.'))
    else this.sandbox.cancel(this.callId)
  }

  kill(reason: PaddockError): void {
    this.sandbox.kill(reason)
  }

  /** Settles when the process is gone. */
  stop(): Promise<void> {
    return this.sandbox.stop(0)
  }

  private onMail(letters: readonly unknown[]): void {
    for (const letter of letters) {
      const parsed = fromFlowSchema.safeParse(letter)
      if (!parsed.success) {
        const where = parsed.error.issues[0]?.path.join('.') ?? ''
        const message = `The program of the flow sent a letter that is none (at "${where}").`
        this.sandbox.kill(new PaddockError('sandbox.protocol', message))
        return
      }
      if (this.options.onLetter(parsed.data)) continue
      const message = 'The program of the flow sent or asked for more elements than it may.'
      this.sandbox.kill(new PaddockError('sandbox.protocol', message))
      return
    }
  }
}

/** Linear memory that all stages may have together. */
function linearBytes({ nodes }: FlowPlan): number {
  return nodes.reduce((total, node) => total + node.memoryBytes, 0)
}

/** Host bytes that all stages may own together. */
function bufferBytes({ nodes }: FlowPlan): number {
  return nodes.reduce((total, node) => total + node.bufferBytes, 0)
}
