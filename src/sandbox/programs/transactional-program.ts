/** One long-lived instance with its store; each call is a transaction of its own (DESIGN.md "Data on its way"). */
import type { ErrorReport } from '../../shared/errors.ts'
import type { CallOutcome, GuestCall } from '../../shared/sandbox/protocol.ts'
import { callGuest } from '../binding/fuel-tank.ts'
import { trapReport } from '../bridge/trap-report.ts'
import type { CallCounts } from '../contracts/call-counts.ts'
import type { GuestAnswer, GuestContract, TransactionalContract } from '../contracts/contract.ts'
import { createInstance, type Instance } from '../loading/instance.ts'
import type { GuestProgram, ProgramProgress } from './guest-program.ts'

/** A contract whose guests live long and whose calls are transactions. */
export function transactionalContract(contract: TransactionalContract): GuestContract {
  return {
    id: contract.id,
    async createProgram(context) {
      const instance = await createInstance(contract, context)
      return new TransactionalProgram(instance, context.spec.limits.memoryBytes)
    },
  }
}

class TransactionalProgram implements GuestProgram {
  readonly progress: ProgramProgress
  private readonly instance: Instance
  private readonly memoryLimitBytes: number

  constructor(instance: Instance, memoryLimitBytes: number) {
    this.instance = instance
    this.memoryLimitBytes = memoryLimitBytes
    this.progress = instance.store?.progress() ?? { lastSequence: -1, cursors: {} }
  }

  get warnings(): Instance['warnings'] {
    return this.instance.warnings
  }

  get counts(): CallCounts {
    return this.instance.counts
  }

  get usedFuel(): number | null {
    const used = this.instance.tank.used()
    return used === undefined ? null : Number(used)
  }

  get memoryBytes(): number {
    return this.instance.memoryBytes()
  }

  get storeBytes(): number {
    return this.instance.store?.usedBytes ?? 0
  }

  get writes(): number {
    return this.instance.store?.writes ?? 0
  }

  run(call: GuestCall, claim: () => void): CallOutcome {
    if (this.instance.operations.isPure?.(call.operation) === true) return this.runPure(call, claim)
    const { store } = this.instance
    let answer: GuestAnswer
    try {
      store?.begin()
      answer = this.enter(call)
    } catch (error) {
      const report = this.describe(error)
      claim()
      store?.rollback()
      return { status: 'failed', error: report }
    }
    claim()
    try {
      if (!answer.ok) {
        // Not retried (spec nexum-host 11): its number and cursor advance all the same.
        store?.rollbackAndNote(call.sequence, call.cursor?.retried === true ? null : call.cursor)
        return { status: 'guest-error', error: answer.error }
      }
      store?.commit(call.sequence, call.cursor)
      return { status: 'ok', value: answer.value }
    } catch (error) {
      return { status: 'failed', error: this.describe(error) }
    }
  }

  close(): void {
    this.instance.store?.close()
  }

  /** Sees committed data and leaves it as it is. */
  private runPure(call: GuestCall, claim: () => void): CallOutcome {
    const { store } = this.instance
    let outcome: CallOutcome
    try {
      store?.beginReading()
      const answer = this.enter(call)
      outcome = answer.ok
        ? { status: 'ok', value: answer.value }
        : { status: 'guest-error', error: answer.error }
    } catch (error) {
      outcome = { status: 'failed', error: this.describe(error) }
    }
    claim()
    store?.endReading()
    return outcome
  }

  private enter(call: GuestCall): GuestAnswer {
    const { operations, tank } = this.instance
    const prepared = operations.prepare(call.operation, call.payload)
    return callGuest(tank, BigInt(call.fuel), prepared).value
  }

  private describe(error: unknown): ErrorReport {
    return trapReport(error, { bytes: this.memoryBytes, limitBytes: this.memoryLimitBytes })
  }
}
