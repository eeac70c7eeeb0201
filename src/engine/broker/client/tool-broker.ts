/** The engine's side of the tool broker: a process that is there when something is asked of it, and again when it was lost. */
import type { SentPolicy } from '../../../shared/tool-broker/protocol.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { SecretView } from '../../../shared/domain/tool.ts'
import type { Clock } from '../../clock.ts'
import type { BrokeredCall, CallPolicy, SecretStore, ToolBroker } from '../../contracts/tool/broker.ts'
import type { ProcessExit, SandboxLauncher } from '../../sandboxes/launcher.ts'
import { backoffDelayMs, type BackoffPolicy } from '../../supervisor/backoff.ts'
import { BrokerConnection } from './broker-connection.ts'
import { OpenCall } from './brokered-call.ts'

const backoff: BackoffPolicy = { baseMs: 250, maxMs: 30_000 }
/** A process that lived that long is no repeated failure. */
const soundMs = 60_000
/** What is under way when it ends has that long. */
const endMs = 5_000
const heapLimitMb = 512

export interface ToolBrokerOptions {
  readonly launcher: SandboxLauncher
  /** Absolute path of the built `tool-broker.cjs`. */
  readonly entry: string
  /** Absolute path of the built `leak-scan.cjs`. */
  readonly scanEntry: string
  /** Absolute; made when the first secret is set. */
  readonly secretsFile: string
  /** Asked for at each start of the process; 32 bytes that are overwritten once they are sent, or none. */
  readonly dataKey: () => Promise<Uint8Array>
  /** Absolute folder of all that tools may ever read. */
  readonly workspaceRoot: string
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  /** What is wrong with the store of secrets, told with each start; null when nothing is. */
  readonly onStanding?: (fault: PaddockError | null) => void
  /** It ended without being asked to. */
  readonly onLost?: (exit: ProcessExit) => void
  /** Name servers instead of the machine's. */
  readonly nameServers?: readonly string[]
  /** Certificates in PEM instead of the machine's. */
  readonly trustedCertificates?: string
}

export function createToolBroker(options: ToolBrokerOptions): ToolBroker {
  return new BrokerClient(options)
}

class BrokerClient implements ToolBroker {
  private readonly options: ToolBrokerOptions
  private current: Promise<BrokerConnection> | undefined
  private live: BrokerConnection | undefined
  /** Asked to end. */
  private readonly ending = new WeakSet<BrokerConnection>()
  private starts = 0
  private calls = 0
  /** In a row. */
  private failures = 0
  readonly secrets: SecretStore

  constructor(options: ToolBrokerOptions) {
    this.options = options
    this.secrets = {
      list: async (): Promise<SecretView[]> => await (await this.connection()).ask('list-secrets', {}),
      set: (name, value) => this.setSecret(name, value),
      remove: async (name): Promise<void> => {
        await (await this.connection()).ask('remove-secret', { name })
      },
    }
  }

  async open(policy: CallPolicy): Promise<BrokeredCall> {
    const { clock } = this.options
    const askedMs = clock.monotonicMs()
    const connection = await this.connection()
    const call = ++this.calls
    const deadlineMs = Math.max(0, policy.deadlineMs - (clock.monotonicMs() - askedMs))
    // What is sent is copied, so that nobody can change the lists of the policy.
    await connection.ask('open', { call, policy: { ...policy, deadlineMs } as SentPolicy })
    return new OpenCall(connection, call)
  }

  async close(): Promise<void> {
    const { current } = this
    if (current === undefined) return
    this.current = undefined
    const connection = await current.catch(() => undefined)
    if (connection === undefined || connection.ended) return
    this.ending.add(connection)
    const ended = new Promise<void>((resolve) => connection.onExit(() => resolve()))
    const stopTimer = this.options.clock.after(endMs, () => connection.kill())
    // It may be gone before its answer is read.
    connection.ask('end', {}).catch(() => undefined)
    await ended
    stopTimer()
  }

  private async setSecret(name: string, value: Uint8Array): Promise<void> {
    try {
      const connection = await this.connection()
      // A copy of exactly these bytes: what lies around them in their buffer does not go along.
      const copy = Uint8Array.from(value)
      try {
        await connection.ask('set-secret', { name, value: copy })
      } finally {
        copy.fill(0)
      }
    } finally {
      value.fill(0)
    }
  }

  /** The process that runs, or one that is started now, later after each failure in a row. */
  private connection(): Promise<BrokerConnection> {
    if (this.current !== undefined) return this.current
    const starting = this.start()
    this.current = starting
    starting.catch(() => {
      if (this.current === starting) this.current = undefined
    })
    return starting
  }

  private async start(): Promise<BrokerConnection> {
    const { onStanding } = this.options
    try {
      const { connection, notice } = await this.begin()
      onStanding?.(notice)
      return connection
    } catch (error) {
      // That it was lost says nothing of the store.
      if (error instanceof PaddockError && error.code.startsWith('secret.')) onStanding?.(error)
      throw error
    }
  }

  private async begin(): Promise<{
    readonly connection: BrokerConnection
    readonly notice: PaddockError | null
  }> {
    const { clock, random } = this.options
    if (this.failures > 0) await waited(clock, backoffDelayMs(this.failures, random, backoff))
    const connection = await this.launch()
    this.live = connection
    const startedMs = clock.monotonicMs()
    connection.onExit((exit) => {
      if (this.live === connection) {
        this.live = undefined
        this.current = undefined
      }
      if (this.ending.has(connection)) return
      this.failures = clock.monotonicMs() - startedMs >= soundMs ? 1 : this.failures + 1
      this.options.onLost?.(exit)
    })
    return { connection, notice: await connection.ready }
  }

  private async launch(): Promise<BrokerConnection> {
    const { launcher, entry, secretsFile, workspaceRoot, scanEntry, nameServers, trustedCertificates } =
      this.options
    const dataKey = await this.options.dataKey()
    try {
      // Without a key secrets are listed, and none can be set or used.
      if (dataKey.length !== 32 && dataKey.length !== 0)
        throw new PaddockError('internal.bug', 'The data key has not 32 bytes.')
      const serviceName = `paddock-tool-broker-${++this.starts}`
      return new BrokerConnection(launcher.launch({ entry, serviceName, heapLimitMb }), {
        kind: 'set-up',
        secretsFile,
        dataKey,
        workspaceRoot,
        scanEntry,
        ...(nameServers === undefined ? {} : { nameServers: [...nameServers] }),
        ...(trustedCertificates === undefined ? {} : { trustedCertificates }),
      })
    } finally {
      dataKey.fill(0)
    }
  }
}

function waited(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}
