/** Deciders for tests: components built from text, opened in this process with a store of their own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { compileComponent, inspectComponent } from '../../src/engine/compiler/compile.ts'
import { LogBuffer } from '../../src/sandbox/bridge/log-buffer.ts'
import { openDeciderStore } from '../../src/sandbox/contracts/decider/open-store.ts'
import type { EventStore } from '../../src/event-store/event-store.ts'
import { createDeciderProgram } from '../../src/sandbox/contracts/decider/program.ts'
import type { BatchTurn, GuestProgram } from '../../src/sandbox/programs/guest-program.ts'
import { deciderCompiledLimits, deciderPolicySchema } from '../../src/shared/contracts/decider-limits.ts'
import type {
  Decided,
  ExecutePayload,
  ExecutionOutcome,
  NotDecided,
  OpenedDecider,
} from '../../src/shared/contracts/decider.ts'
import { defaultLimits, type ModuleLimits } from '../../src/shared/domain/limits.ts'
import type { CallOutcome, GuestCall } from '../../src/shared/sandbox/protocol.ts'
import type { z } from 'zod'
import { readWitSource } from '../../scripts/wit-source.ts'
import { deciderWat, deeds, type Deed, type DeciderText } from './decider-wat.ts'
import { quietThread } from './quiet-thread.ts'

const wit = readWitSource(join(import.meta.dirname, '../../resources/wit/trogon-decider'))

/** The commands of the counter: one of each precondition, with a snapshot at every third event where it has a name for it. */
export const counter: DeciderText = {
  name: 'demo.counter',
  version: '0.1.0',
  commands: [
    { type: 'counter.add', precondition: 'stream-unchanged', frequency: 3n },
    { type: 'counter.create', precondition: 'no-stream', frequency: null },
    { type: 'counter.extend', precondition: 'stream-exists', frequency: 3n },
    { type: 'counter.any', precondition: 'any', frequency: 3n },
    { type: 'counter.plain', precondition: 'stream-unchanged', frequency: null },
  ],
}

/** The component of a decider. */
export async function deciderComponent(text: DeciderText = counter): Promise<Uint8Array> {
  const binary = await parse(deciderWat(text))
  return componentNew(await componentEmbed({ binary, witSource: wit.text, world: 'decider' }), [])
}

const folders: string[] = []

export async function deciderFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'paddock-decider-'))
  folders.push(folder)
  return folder
}

/** Removes what the tests made. */
export async function removeDeciderFolders(): Promise<void> {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}

/** A command's payload; see `decider-wat.ts`. */
export function order(
  streamId: string,
  amount = 1,
  options: { deed?: Deed; events?: number } = {},
): Uint8Array {
  const events = options.events ?? 1
  return Buffer.concat([
    Uint8Array.of(deeds[options.deed ?? 'count'], amount, events & 255, events >> 8),
    new TextEncoder().encode(streamId),
  ])
}

export interface OpenOptions {
  readonly folder?: string
  readonly policy?: z.input<typeof deciderPolicySchema>
  readonly limits?: Partial<ModuleLimits>
  readonly expected?: string | null
  /** Called with the name of each of the store's methods before it runs. */
  readonly onStore?: (method: string, args: readonly unknown[]) => void
}

function watched(store: EventStore, onCall: NonNullable<OpenOptions['onStore']>): EventStore {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        onCall(String(key), args)
        return Reflect.apply(value, target, args)
      }
    },
  })
}

let nextCall = 1

/** A decider's program as its guest thread runs it, called directly. */
export class OpenDecider {
  readonly program: GuestProgram
  readonly opened: OpenedDecider
  readonly folder: string
  readonly log: string[]

  constructor(program: GuestProgram, opened: OpenedDecider, folder: string, log: string[]) {
    this.program = program
    this.opened = opened
    this.folder = folder
    this.log = log
  }

  /** Carries commands out that wait at the same time. */
  batch(commands: readonly Partial<ExecutePayload>[]): ExecutionOutcome[] {
    const { batches } = this.program
    if (batches === undefined) throw new Error('no batches')
    const outcomes: ExecutionOutcome[] = []
    const turn: BatchTurn = {
      begin: () => undefined,
      claim: () => undefined,
      reply: (index, outcome) => {
        if (outcome.status !== 'ok') throw new Error(`answered ${outcome.status}`)
        outcomes[index] = outcome.value as ExecutionOutcome
      },
    }
    batches.serve(
      commands.map((command) => callOf('execute', payloadOf(command))),
      turn,
    )
    this.program.afterReply?.(() => true)
    return outcomes
  }

  execute(command: Partial<ExecutePayload>): ExecutionOutcome {
    const [outcome] = this.batch([command])
    if (outcome === undefined) throw new Error('no outcome')
    return outcome
  }

  add(
    streamId: string,
    amount = 1,
    options: Partial<ExecutePayload> & { deed?: Deed; events?: number } = {},
  ): ExecutionOutcome {
    const { deed, events, ...rest } = options
    return this.execute({
      payload: order(streamId, amount, {
        ...(deed === undefined ? {} : { deed }),
        ...(events === undefined ? {} : { events }),
      }),
      ...rest,
    })
  }

  ask(operation: string, payload: unknown): unknown {
    const outcome: CallOutcome = this.program.run(callOf(operation, payload), () => undefined)
    if (outcome.status !== 'ok') throw new Error(`answered ${outcome.status}`)
    return outcome.value
  }

  dryRun(command: Partial<ExecutePayload>, at: number | null = null): ExecutionOutcome {
    return this.ask('dry-run', { ...payloadOf(command), at }) as ExecutionOutcome
  }

  close(): void {
    this.program.close()
  }
}

function payloadOf(command: Partial<ExecutePayload>): ExecutePayload {
  return {
    type: 'counter.add',
    payload: order('s'),
    commandId: null,
    expectedRevision: null,
    headers: {},
    ...command,
  }
}

function callOf(operation: string, payload: unknown): GuestCall {
  return {
    id: nextCall++,
    sequence: 0,
    operation,
    payload,
    cursor: null,
    fuel: 1_000_000_000,
    deadlineMs: 30_000,
    context: {},
  }
}

const artifacts = new Map<Uint8Array, { readonly directory: string; readonly memoryBytes: number }>()

async function artifactOf(component: Uint8Array, memoryBytes: number): Promise<string> {
  const known = artifacts.get(component)
  if (known?.memoryBytes === memoryBytes) return known.directory
  const folder = await deciderFolder()
  const path = join(folder, 'decider.wasm')
  await writeFile(path, component)
  const { sha256 } = await inspectComponent(path)
  const { directory } = await compileComponent(
    {
      path,
      expectedSha256: sha256,
      cacheDir: join(folder, 'artifacts'),
      cacheMaxBytes: 1_000_000_000,
      limits: { memoryBytes, initialFuel: 100_000_000, ...deciderCompiledLimits },
    },
    () => undefined,
  )
  artifacts.set(component, { directory, memoryBytes })
  return directory
}

/** Loads and opens a decider. Throws what its loading fails with. */
export async function openDecider(component: Uint8Array, options: OpenOptions = {}): Promise<OpenDecider> {
  const limits = { ...defaultLimits, ...options.limits }
  const folder = options.folder ?? (await deciderFolder())
  const log: string[] = []
  const { onStore } = options
  const program = await createDeciderProgram(
    {
      spec: {
        module: 'decider',
        run: 1,
        contract: 'decider',
        artifactDirectory: await artifactOf(component, limits.memoryBytes),
        storePath: join(folder, 'module.db'),
        durability: 'event',
        limits,
        capabilities: {},
        logLevel: 'trace',
      },
      log: new LogBuffer({
        minLevel: 'trace',
        send: ({ records }) => log.push(...records.map(({ message }) => message)),
      }),
      linkage: () => 'denied',
      callHost: () => {
        throw new Error('a decider calls no host')
      },
      ...quietThread,
    },
    (context, directory, name) => {
      const store = openDeciderStore(context, directory, name)
      return onStore === undefined ? store : watched(store, onStore)
    },
  )
  const outcome = program.run(
    callOf('open', {
      policy: deciderPolicySchema.parse({ snapshotFloor: 1, ...options.policy }),
      expected: options.expected ?? null,
    }),
    () => undefined,
  )
  if (outcome.status !== 'ok') {
    program.close()
    throw Object.assign(new Error('did not open'), outcome.status === 'failed' ? outcome.error : {})
  }
  return new OpenDecider(program, outcome.value as OpenedDecider, folder, log)
}

export function decided(outcome: ExecutionOutcome): Decided {
  if (outcome.outcome !== 'decided') throw new Error(JSON.stringify(outcome.failure))
  return outcome
}

export function notDecided(outcome: ExecutionOutcome): NotDecided {
  if (outcome.outcome === 'decided') throw new Error('was decided')
  return outcome
}

/** The counter before the decision, as the event tells it. */
export function counterBefore(outcome: ExecutionOutcome): number {
  const [event] = decided(outcome).events
  if (event === undefined) throw new Error('no event')
  return Number(Buffer.from(event.payload).readBigInt64LE(1))
}
