/** A decider on its guest thread: commands in, outcomes out; a trap is an answer, and only the deadline ends it (spec decider 8). */
import { dirname } from 'node:path'
import type { z } from 'zod'
import type { EventStore } from '../../../event-store/event-store.ts'
import {
  dryRunPayloadSchema,
  executePayloadSchema,
  openPayloadSchema,
  statePayloadSchema,
  type DeciderDescriptor,
  type ExecutionOutcome,
  type OpenedDecider,
} from '../../../shared/contracts/decider.ts'
import { storeQuerySchema } from '../../../shared/contracts/decider-views.ts'
import { defaultDeciderPolicy } from '../../../shared/contracts/decider-limits.ts'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { CallOutcome, GuestCall } from '../../../shared/sandbox/protocol.ts'
import { loadArtifact } from '../../loading/artifact.ts'
import type { BatchServing, BatchTurn, GuestProgram, ProgramContext } from '../../programs/guest-program.ts'
import { CallCounts } from '../call-counts.ts'
import { dryRun } from './dry-run.ts'
import { executeBatch } from './execute-batch.ts'
import { InstancePool } from './guest/instance-pool.ts'
import { probeDescriptor } from './guest/probe.ts'
import { openDeciderStore } from './open-store.ts'
import { effectiveCadence, type DeciderEnvironment } from './pipeline/environment.ts'
import { readStore } from './read-store.ts'
import { viewState } from './state-view.ts'

/** Commands that share a commit at most. */
const maxBatch = 32

interface Parts {
  readonly context: ProgramContext
  readonly descriptor: DeciderDescriptor
  readonly artifact: string
  readonly pool: InstancePool
  readonly store: EventStore
}

/** Opens the store of the decider with this name; `directory` is where stores are kept. Throws `store.*`. */
export type OpenStore = (context: ProgramContext, directory: string, decider: string) => EventStore

/** Loads and probes the decider, and opens its store. Throws `decider.*`, `sandbox.*` and `store.*`. */
export async function createDeciderProgram(
  context: ProgramContext,
  openStore: OpenStore = openDeciderStore,
): Promise<GuestProgram> {
  const { spec } = context
  const artifact = await loadArtifact(spec.artifactDirectory)
  const fuel = Math.min(defaultDeciderPolicy.fuelPerCall, spec.limits.fuelPerCall)
  const pool = new InstancePool({ artifact, memoryLimitBytes: spec.limits.memoryBytes, fuel })
  const descriptor = probeDescriptor(() => pool.make(), fuel)
  const { storePath } = spec
  if (storePath === null)
    throw new PaddockError('internal.bug', 'A decider was loaded without a place for its store.')
  const store = openStore(context, dirname(storePath), descriptor.name)
  return new DeciderProgram({
    context,
    descriptor,
    artifact: artifact.manifest.componentSha256,
    pool,
    store,
  })
}

class DeciderProgram implements GuestProgram {
  readonly progress = { lastSequence: -1, cursors: {} }
  readonly counts = new CallCounts()
  readonly usedFuel = null
  readonly writes = 0
  readonly warnings: readonly PaddockError[]
  readonly batches: BatchServing = {
    operation: 'execute',
    maxCalls: maxBatch,
    serve: (calls, turn) => this.serve(calls, turn),
  }
  private readonly parts: Parts
  private environment: DeciderEnvironment | undefined

  constructor(parts: Parts) {
    this.parts = parts
    this.warnings = parts.store.warning === undefined ? [] : [parts.store.warning]
  }

  get memoryBytes(): number {
    return this.parts.pool.memoryBytes
  }

  get storeBytes(): number {
    return this.parts.store.usedBytes
  }

  run(call: GuestCall, claim: () => void): CallOutcome {
    try {
      const value = this.answer(call)
      claim()
      return { status: 'ok', value }
    } catch (error) {
      const report = toErrorReport(error)
      claim()
      // What is asked about a stream may fail without harm; a decider that does not open cannot go on.
      return call.operation === 'open'
        ? { status: 'failed', error: report }
        : { status: 'ok', value: { error: report } }
    }
  }

  afterReply(isIdle: () => boolean): void {
    this.parts.pool.fill(isIdle)
  }

  close(): void {
    this.parts.store.close()
  }

  private answer({ operation, payload }: GuestCall): unknown {
    switch (operation) {
      case 'open':
        return this.open(checked(openPayloadSchema, payload))
      case 'dry-run':
        return dryRun(this.opened(), checked(dryRunPayloadSchema, payload))
      case 'state': {
        const { streamId, at } = checked(statePayloadSchema, payload)
        return viewState(this.opened(), streamId, at)
      }
      case 'read':
        return readStore(this.parts.store, checked(storeQuerySchema, payload))
      default:
        throw new PaddockError('internal.bug', 'The contract has no such operation.')
    }
  }

  private open({ policy, expected }: z.infer<typeof openPayloadSchema>): OpenedDecider {
    const { descriptor, artifact, pool, store, context } = this.parts
    const reference = `${descriptor.name}@${descriptor.version}`
    if (expected !== null && expected !== reference) {
      throw new PaddockError(
        'decider.identity_mismatch',
        `The decider says it is ${reference}, but ${expected} was asked for.`,
        { details: { expected, actual: reference } },
      )
    }
    const fuelPerCall = Math.min(policy.fuelPerCall, context.spec.limits.fuelPerCall)
    const environment: DeciderEnvironment = {
      descriptor,
      artifact,
      commands: new Map(descriptor.commands.map((command) => [command.type, command])),
      policy: { ...policy, fuelPerCall },
      store,
      pool,
      log: (level, message) => context.log.addOwn(level, 'engine', message),
    }
    this.environment = environment
    return {
      descriptor,
      artifact,
      effectiveSnapshots: Object.fromEntries(
        descriptor.commands.map((command) => [command.type, effectiveCadence(command, policy)]),
      ),
    }
  }

  private opened(): DeciderEnvironment {
    if (this.environment === undefined)
      throw new PaddockError('internal.bug', 'The decider was called before it was opened.')
    return this.environment
  }

  private serve(calls: readonly GuestCall[], turn: BatchTurn): void {
    const commands = calls.map(({ payload }) => checked(executePayloadSchema, payload))
    executeBatch(this.opened(), commands, {
      turn,
      answer: (index, outcome) => turn.reply(index, { status: 'ok', value: outcome }, usageOf(outcome)),
    })
  }
}

function usageOf(outcome: ExecutionOutcome): { durationUs: number; fuel: number; writes: number } {
  const { stats } = outcome
  return {
    durationUs: (stats?.totalMs ?? 0) * 1_000,
    fuel: Object.values(stats?.fuel ?? {}).reduce((sum, units) => sum + units, 0),
    writes: outcome.outcome === 'decided' && !outcome.duplicate ? outcome.events.length : 0,
  }
}

function checked<T>(schema: z.ZodType<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload)
  if (parsed.success) return parsed.data
  throw new PaddockError('internal.bug', 'The payload of a guest call has not the shape of its operation.')
}
