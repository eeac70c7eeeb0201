/** What the console's double of deciders is made of. */
import type {
  CommandSpec,
  DeciderFailure,
  ExecutionOutcome,
  ExecutionStats,
} from '../../shared/contracts/decider.ts'
import type { DeciderView, OutcomeRecord } from '../../shared/contracts/decider-views.ts'
import { PaddockError, type ErrorCode } from '../../shared/errors.ts'
import type { PaddockHandlers } from '../../shared/ipc/schema.ts'

export const name = 'shop.orders'
export const snapshotEvery = 10
const commands: readonly CommandSpec[] = [
  { type: 'shop.orders.ExecutePart', precondition: 'stream-unchanged', snapshotEvery },
  { type: 'shop.orders.PlaceOrder', precondition: 'no-stream', snapshotEvery: null },
  { type: 'shop.orders.SetPriceFloor', precondition: 'stream-unchanged', snapshotEvery: null },
  { type: 'shop.orders.Cancel', precondition: 'stream-exists', snapshotEvery: null },
]

/** A copy of this realm: jsdom's arrays are not those of Node's encoder. */
export function utf8(text: string): Uint8Array {
  return Uint8Array.from(new TextEncoder().encode(text))
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** A decision over a stream of `head` events. */
export function sampleStats(head: number): ExecutionStats {
  return {
    attempts: 1,
    conflicts: 0,
    replayedEvents: head % snapshotEvery,
    replayMs: 0.1 + head * 0.02,
    appendMs: 0,
    totalMs: 0.3,
    snapshotRead: head >= snapshotEvery ? 'hit' : 'miss',
    snapshotWrite: 'none',
    guard: null,
    fuel: { replay: 1_400_000, decide: 1_000_000 },
    guestMs: {},
    traps: [],
    sessionsCreated: 1,
    sessionsDropped: 1,
  }
}

/** What the engine remembers of a command that ended. */
export function recordOf(
  id: number,
  time: number,
  command: Parameters<PaddockHandlers['deciders']['execute']>[0],
  outcome: ExecutionOutcome,
): OutcomeRecord {
  const decided = outcome.outcome === 'decided' ? outcome : null
  const failure = outcome.outcome === 'decided' ? null : outcome.failure
  const { stats } = outcome
  return {
    id,
    time,
    name,
    version: '1.4.0',
    commandType: command.type,
    streamId: decided?.streamId ?? failure?.streamId ?? null,
    commandId: command.commandId,
    outcome: outcome.outcome,
    code: failure?.error.code ?? null,
    reason: failure?.reason?.code ?? null,
    message: failure?.error.message ?? null,
    events: decided?.events.length ?? 0,
    lastRevision: decided?.lastRevision ?? null,
    duplicate: decided?.duplicate ?? false,
    attempts: stats?.attempts ?? 0,
    replayedEvents: stats?.replayedEvents ?? 0,
    replayMs: stats?.replayMs ?? 0,
    totalMs: stats?.totalMs ?? 0,
    fuel: 2_400_000,
  }
}

/** A version of the decider, for rollouts. */
export function orderDecider(module: string, version: string, active: boolean, decider = name): DeciderView {
  return {
    module,
    name: decider,
    version,
    artifact: version.padEnd(64, 'a9').replaceAll('.', '0'),
    descriptor: { name: decider, version, commands: [...commands] },
    effectiveSnapshots: Object.fromEntries(commands.map(({ type, snapshotEvery: every }) => [type, every])),
    active,
    inFlight: 0,
    degraded: false,
  }
}

/** A fault of the guest, as the engine reports it. */
export function sampleFault(code: ErrorCode, message: string): DeciderFailure {
  return {
    error: new PaddockError(code, message).toReport(),
    domain: 'paddock.decider',
    retry: 'no',
    phase: 'decide',
  }
}
