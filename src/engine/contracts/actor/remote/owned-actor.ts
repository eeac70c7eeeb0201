/** One actor whose database this engine owns for another: its current generation, its queue, its open file. */
import { ownerOperation } from '../../../../shared/contracts/actor-owner.ts'
import { defaultLimits } from '../../../../shared/domain/limits.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { LoadSpec, StatementMark } from '../../../../shared/sandbox/protocol.ts'
import type { SandboxThread } from '../../../sandboxes/sandbox-thread.ts'
import { Counter } from '../control/counter.ts'
import type { ActorHost } from '../hosts/actor-host.ts'
import type { ActorHosts } from '../hosts/actor-hosts.ts'
import {
  faultAnswer,
  sqlAnswerSchema,
  type RemoteFacts,
  type RemoteMethod,
  type SqlAnswer,
} from './messages.ts'

export interface Work {
  readonly method: RemoteMethod
  readonly args: readonly unknown[]
  readonly generation: number
  /** The connection it came on. */
  readonly source: object
  /** It ends what its connection has begun, and nothing of another's. */
  readonly isAbandonment: boolean
  readonly resolve: (answer: SqlAnswer) => void
  release: () => void
}

/** Added to the budget of a call: opening, checkpoints, the way there. Milliseconds. */
const slackMs = 10_000

interface Executor {
  readonly thread: SandboxThread
  readonly host: ActorHost
  overdue: StatementMark | null | undefined
  inTransaction: boolean
}

export class OwnedActor {
  facts: RemoteFacts
  gateOpen = true
  readonly queue: Work[] = []
  running: Work | undefined
  inFlight = new Counter()
  private readonly hosts: ActorHosts
  private readonly databasePath: string
  private executor: Executor | undefined
  private opening: Promise<Executor> | undefined
  /** The connection that began the open transaction. */
  private transactionSource: object | undefined
  /** A transaction went with the thread that held it; until the invocation ends nothing may pass for it. */
  private transactionLost = false

  constructor(facts: RemoteFacts, hosts: ActorHosts, databasePath: string) {
    this.facts = facts
    this.hosts = hosts
    this.databasePath = databasePath
  }

  /** Open files of this actor: 0 or 1. */
  get executors(): number {
    return this.executor === undefined ? 0 : 1
  }

  get inTransaction(): boolean {
    return this.executor?.inTransaction ?? false
  }

  /** Whether this connection has a transaction open. */
  holdsTransaction(source: object): boolean {
    return this.inTransaction && this.transactionSource === source
  }

  /** Runs one call; the first opens the file, and those at the same time share that. Never rejects. */
  async run(work: Pick<Work, 'method' | 'args'> & Partial<Work>): Promise<SqlAnswer> {
    const { method, args, source } = work
    // Another connection has taken over meanwhile (spec actors-sql 9.8).
    if (work.isAbandonment === true && (source === undefined || !this.holdsTransaction(source)))
      return faultAnswer('closed')
    if (this.transactionLost) {
      if (method !== 'endInvocation') return faultAnswer('transaction', 'lost')
      this.transactionLost = false
    }
    let executor: Executor
    try {
      executor = await this.opened()
    } catch (error) {
      return error instanceof PaddockError
        ? { outcome: { kind: 'report', error: error.toReport() }, inTransaction: false, closed: false }
        : faultAnswer('not-reached', 'the owner could not open the database')
    }
    try {
      const { outcome } = await executor.thread.call({
        id: executor.thread.allocateCallId(),
        sequence: 0,
        operation: ownerOperation,
        payload: { method, args },
        cursor: null,
        fuel: 1,
        deadlineMs: this.facts.budgets.migrationMs + slackMs,
        context: {},
      })
      if (outcome.status === 'ok') {
        const answer = sqlAnswerSchema.parse(outcome.value)
        if (answer.inTransaction && !executor.inTransaction) this.transactionSource = source
        executor.inTransaction = answer.inTransaction
        return answer
      }
      return this.lostAnswer(executor, method)
    } catch {
      return this.lostAnswer(executor, method)
    }
  }

  /** Closes the file; settles when its thread is gone. */
  async shut(): Promise<void> {
    const executor = this.executor ?? (await this.opening?.catch(() => undefined))
    if (executor === undefined) return
    if (!executor.thread.ended) await this.run({ method: 'close', args: [] })
    this.end(executor)
  }

  private opened(): Promise<Executor> {
    if (this.executor !== undefined && !this.executor.thread.ended) return Promise.resolve(this.executor)
    // A failed opening is not kept: the next request tries again.
    this.opening ??= this.open().finally(() => {
      this.opening = undefined
    })
    return this.opening
  }

  private async open(): Promise<Executor> {
    const host = await this.hosts.acquire()
    const thread = host.openThread({
      onHostCall: () => Promise.reject(new PaddockError('internal.bug', 'An owner calls nobody.')),
      onLogs: () => undefined,
      onOverdue: (_call, statement) => {
        executor.overdue = statement
        const reason = new PaddockError(
          'sandbox.stopped',
          'A statement ran longer than its budget and did not end.',
        )
        host.killUnlessEnded(thread, reason)
      },
      onEnded: () => {
        this.hosts.release(host)
        if (executor.inTransaction) this.transactionLost = true
        if (this.executor === executor) this.executor = undefined
      },
    })
    const executor: Executor = { thread, host, overdue: undefined, inTransaction: false }
    const spec: LoadSpec = {
      module: this.facts.namespace,
      run: 0,
      contract: 'actor-owner',
      artifactDirectory: '',
      storePath: null,
      durability: 'call',
      limits: defaultLimits,
      capabilities: {},
      logLevel: 'warn',
      watchStatements: true,
      contractData: { ...this.facts, databasePath: this.databasePath, placement: 'inline' },
    }
    const loaded = await thread.load(spec)
    if (!loaded.ok) {
      this.end(executor)
      throw PaddockError.fromReport(loaded.error)
    }
    this.executor = executor
    return executor
  }

  private end(executor: Executor): void {
    executor.thread.stop(0)
    executor.host.killUnlessEnded(
      executor.thread,
      new PaddockError('sandbox.stopped', 'A statement held up the end of its actor.'),
    )
  }

  /** The thread ended under the call: whether anything may have been applied decides. */
  private lostAnswer(executor: Executor, method: RemoteMethod): SqlAnswer {
    const { overdue } = executor
    this.end(executor)
    if (overdue?.revertible === true) return faultAnswer('timed-out', overdue.budgetMs)
    return faultAnswer('indeterminate', operationOf(method))
  }
}

/** The operation as guests name it. */
export function operationOf(method: RemoteMethod): string {
  switch (method) {
    case 'exec':
    case 'execute':
    case 'batch':
    case 'begin':
    case 'commit':
    case 'rollback':
    case 'info':
      return method
    case 'migrate':
      return 'exec'
    case 'keyGet':
    case 'keySet':
    case 'keyDelete':
    case 'keyList':
      return 'key-value'
    case 'inTransaction':
    case 'endInvocation':
    case 'stats':
    case 'close':
    case 'inspect':
    case 'tables':
    case 'rows':
      return 'execute'
  }
}
