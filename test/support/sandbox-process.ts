/** A real sandbox process, driven by its protocol as the engine would, but without the engine. */
import { fork, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compileComponent } from '../../src/engine/compiler/compile.ts'
import { defaultLimits, type ModuleLimits } from '../../src/shared/domain/limits.ts'
import type { GuestLogRecord } from '../../src/shared/domain/log.ts'
import {
  generationArgument,
  sandboxMessageSchema,
  type CallReply,
  type EngineMessage,
  type GuestCall,
  type HostCall,
  type HostOutcome,
  type LoadResult,
  type LoadSpec,
  type SandboxMessage,
} from '../../src/shared/sandbox/protocol.ts'
import { until } from './until.ts'

const entry =
  process.env['PADDOCK_SANDBOX_ENTRY'] ??
  fileURLToPath(new URL('../../out/main/sandbox.cjs', import.meta.url))
const provided = ['chain', 'local-store', 'logging', 'clock', 'random'] as const

/** The artifact of a component, compiled into `cacheDir`; answers its directory. */
export async function artifactOf(
  path: string,
  cacheDir: string,
  memoryBytes = defaultLimits.memoryBytes,
): Promise<string> {
  const artifact = await compileComponent(
    {
      path,
      expectedSha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
      cacheDir,
      cacheMaxBytes: 1024 * 1024 * 1024,
      limits: { memoryBytes, tableElements: 10_000, initialFuel: defaultLimits.fuelPerCall },
    },
    () => undefined,
  )
  return artifact.directory
}

export interface SandboxModule {
  readonly artifactDirectory: string
  readonly storePath: string
  readonly limits?: Partial<ModuleLimits>
  readonly durability?: 'event' | 'call'
  readonly capabilities?: LoadSpec['capabilities']
  /** Of another contract than event modules: replaces parts of the load message. */
  readonly spec?: Partial<LoadSpec>
}

export class SandboxProcess {
  readonly generation = 7
  readonly messages: SandboxMessage[] = []
  readonly replies: CallReply[] = []
  readonly logs: GuestLogRecord[] = []
  droppedLogs = 0
  /** Answers host calls; the default leaves them waiting. */
  onHostCall: (call: HostCall) => Promise<HostOutcome> | undefined = () => undefined
  exit: { code: number | null; signal: string | null } | undefined
  readonly child: ChildProcess
  private nextId = 1
  private nextSequence = 0

  /** `runtime` is the executable of another Node, Electron's for one, which serves as Node. */
  constructor(runtime = process.execPath) {
    this.child = fork(entry, [`${generationArgument}${this.generation}`], {
      execPath: runtime,
      execArgv: [],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.child.on('message', (raw: unknown) => this.take(sandboxMessageSchema.parse(raw)))
    this.child.on('exit', (code, signal) => {
      this.exit = { code, signal }
    })
  }

  private take(message: SandboxMessage): void {
    this.messages.push(message)
    if (message.type === 'replies') this.replies.push(...message.replies)
    if (message.type === 'logs') {
      this.logs.push(...message.records)
      this.droppedLogs += message.dropped
    }
    if (message.type !== 'host-calls') return
    for (const call of message.calls) {
      void this.onHostCall(call)?.then((outcome) =>
        this.post({ type: 'host-replies', generation: this.generation, replies: [{ id: call.id, outcome }] }),
      )
    }
  }

  post(message: EngineMessage | Record<string, unknown>): void {
    this.child.send(message, () => undefined)
  }

  /** The first message of this type. */
  message<T extends SandboxMessage['type']>(type: T): Promise<Extract<SandboxMessage, { type: T }>> {
    return until(() => {
      const found = this.messages.find((message) => message.type === type)
      if (found === undefined) throw new Error(`no message ${type}`)
      return found as Extract<SandboxMessage, { type: T }>
    })
  }

  async load(module: SandboxModule): Promise<LoadResult> {
    await this.message('ready')
    const spec: LoadSpec = {
      module: 'm',
      run: 1,
      contract: 'event-module',
      artifactDirectory: module.artifactDirectory,
      storePath: module.storePath,
      durability: module.durability ?? 'event',
      limits: { ...defaultLimits, ...module.limits },
      capabilities: module.capabilities ?? Object.fromEntries(provided.map((name) => [name, 'provided'])),
      logLevel: 'trace',
      ...module.spec,
    }
    this.post({ type: 'load', generation: this.generation, id: this.nextId++, spec })
    const { result } = await this.message('loaded')
    if (result.ok) this.nextSequence = result.lastSequence + 1
    return result
  }

  /** A call not yet sent. */
  prepare(operation: string, payload: unknown, options: Partial<GuestCall> = {}): GuestCall {
    const sequence = this.nextSequence++
    return {
      id: this.nextId++,
      sequence,
      operation,
      payload,
      cursor: { source: 'test', value: String(sequence) },
      fuel: defaultLimits.fuelPerCall,
      deadlineMs: 5_000,
      context: { dispatch: sequence, eventType: operation === 'init' ? 'init' : 'block' },
      ...options,
    }
  }

  send(...calls: GuestCall[]): void {
    this.post({ type: 'calls', generation: this.generation, calls })
  }

  reply(call: GuestCall): Promise<CallReply> {
    return until(() => {
      const found = this.replies.find(({ id }) => id === call.id)
      if (found === undefined) throw new Error(`no reply to call ${call.id}`)
      return found
    })
  }

  call(operation: string, payload: unknown, options?: Partial<GuestCall>): Promise<CallReply> {
    const call = this.prepare(operation, payload, options)
    this.send(call)
    return this.reply(call)
  }

  init(config: [string, string][] = [['name', 'm']]): Promise<CallReply> {
    return this.call('init', config)
  }

  onBlock(number: number, options?: Partial<GuestCall>): Promise<CallReply> {
    return this.call('on-event', block(number), options)
  }

  async stop(graceMs = 2_000): Promise<void> {
    this.post({ type: 'stop', generation: this.generation, id: this.nextId++, graceMs })
    await this.ended()
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended()
  }

  ended(): Promise<{ code: number | null; signal: string | null }> {
    return until(() => {
      if (this.exit === undefined) throw new Error('the sandbox still runs')
      return this.exit
    })
  }
}

export function block(number: number) {
  return {
    tag: 'block',
    val: {
      chainId: 0xffff_ffff_ffff_ffffn,
      number: BigInt(number),
      hash: new Uint8Array(32).fill(1),
      timestamp: 1_000n,
    },
  }
}
