/** A thread that owns one actor's database for a guest in another engine: no component, only SQL (spec actors-sql 2, 3.1). */
import { z } from 'zod'
import { actorOwnerContractId, ownerOperation } from '../../../shared/contracts/actor-owner.ts'
import { openPayloadSchema } from '../../../shared/contracts/actor.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { CallOutcome, GuestCall } from '../../../shared/sandbox/protocol.ts'
import type { GuestProgram, ProgramContext } from '../../programs/guest-program.ts'
import type { BridgeOutcome } from '../actor/bridged/messages.ts'
import type { ActorDatabase } from '../actor/database/actor-database.ts'
import { SqlFault } from '../actor/database/faults.ts'
import { LocalDatabase } from '../actor/database/local-database.ts'
import { CallCounts } from '../call-counts.ts'
import type { GuestContract } from '../contract.ts'

const callSchema = z.strictObject({ method: z.string(), args: z.array(z.unknown()) })

/** Calls that another engine may make. */
const methods: ReadonlySet<string> = new Set<keyof ActorDatabase>([
  'exec', 'execute', 'batch', 'begin', 'commit', 'rollback', 'inTransaction', 'info', 'keyGet', 'keySet', 'keyDelete',
  'keyList', 'migrate', 'endInvocation', 'stats', 'inspect', 'tables', 'rows', 'close',
]) // prettier-ignore

export const actorOwnerContract: GuestContract = {
  id: actorOwnerContractId,
  createProgram: (context) => Promise.resolve(createOwnerProgram(context)),
}

function createOwnerProgram({ spec, statements }: ProgramContext): GuestProgram {
  const facts = openPayloadSchema.parse(spec.contractData)
  const database: ActorDatabase = new LocalDatabase({
    facts,
    marks: statements,
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
  })
  return {
    progress: { lastSequence: -1, cursors: {} },
    warnings: [],
    counts: new CallCounts(),
    usedFuel: null,
    memoryBytes: 0,
    storeBytes: 0,
    writes: 0,
    run: (call, claim) => {
      const outcome = serve(database, call)
      claim()
      return outcome
    },
    close: () => database.close(),
  }
}

function serve(database: ActorDatabase, call: GuestCall): CallOutcome {
  const parsed = callSchema.safeParse(call.payload)
  if (call.operation !== ownerOperation || !parsed.success || !methods.has(parsed.data.method)) {
    const error = new PaddockError('actor.invalid_operation', 'The database has no such call.').toReport()
    return answered({ kind: 'report', error }, database)
  }
  const { method, args } = parsed.data
  try {
    const calls = database as unknown as Record<string, (...values: readonly unknown[]) => unknown>
    return answered({ kind: 'value', value: calls[method]?.call(database, ...args) }, database)
  } catch (error) {
    if (error instanceof SqlFault) return answered({ kind: 'fault', error: error.error }, database)
    if (error instanceof PaddockError && !error.code.startsWith('internal.')) {
      return answered({ kind: 'report', error: error.toReport() }, database)
    }
    // Arguments are another engine's: what they break is answered, and counts as a fault of theirs.
    return answered(
      { kind: 'bug', message: error instanceof Error ? error.message : String(error) },
      database,
    )
  }
}

function answered(outcome: BridgeOutcome, database: ActorDatabase): CallOutcome {
  return { status: 'ok', value: { outcome, inTransaction: database.inTransaction(), closed: false } }
}
