/** Runs scripts on a decider in a sandbox process of its own; a script that kills it costs only itself. */
import { deciderCheckContractId, observationsSchema } from '../../../../shared/contracts/decider-check.ts'
import type { CheckStep, Observation } from '../../../../shared/contracts/decider-check.ts'
import { defaultDeciderPolicy } from '../../../../shared/contracts/decider-limits.ts'
import { defaultLimits } from '../../../../shared/domain/limits.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../../../shared/errors.ts'
import type { Sandbox } from '../../../sandboxes/sandbox.ts'

/** A compiled decider that is to be checked. */
export interface Candidate {
  readonly name: string
  readonly version: string
  readonly artifactDirectory: string
}

export interface ScriptOptions {
  /** Fuel of each guest call; the default of the specification otherwise. */
  readonly fuelPerCall?: number | null
  /** Milliseconds for the whole script. */
  readonly deadlineMs?: number | null
  readonly memoryBytes?: number | null
}

/** A whole script takes at most this long, in milliseconds. */
const scriptMs = 60_000
const stopGraceMs = 1_000

/** What checks need of a runner. */
export type ScriptPlayer = Pick<ScriptRunner, 'run'>

export class ScriptRunner {
  private readonly candidate: Candidate
  private readonly launch: () => Sandbox
  private sandbox: { readonly memoryBytes: number; readonly process: Sandbox } | undefined
  private nextCall = 1

  constructor(candidate: Candidate, launch: () => Sandbox) {
    this.candidate = candidate
    this.launch = launch
  }

  /**
   * Plays the steps on one fresh instance. A script that runs into its deadline, or kills its process, answers with
   * that as the trap of its first step. Throws `sandbox.*` when no sandbox can be had.
   */
  async run(steps: readonly CheckStep[], options: ScriptOptions = {}): Promise<Observation[]> {
    const sandbox = await this.loaded(options.memoryBytes ?? defaultLimits.memoryBytes)
    const id = this.nextCall++
    const { fuelPerCall, fuelPerEvent } = defaultDeciderPolicy
    try {
      const { outcome } = await sandbox.call({
        id,
        sequence: id,
        operation: 'script',
        payload: { steps, fuelPerCall: options.fuelPerCall ?? fuelPerCall, fuelPerEvent },
        cursor: null,
        fuel: fuelPerCall,
        deadlineMs: options.deadlineMs ?? scriptMs,
        context: {},
      })
      if (outcome.status === 'ok') return observationsSchema.parse(outcome.value)
      await this.close()
      return lost(steps, outcome.status === 'failed' ? outcome.error : notAnswered().toReport())
    } catch (error) {
      await this.close()
      return lost(steps, toErrorReport(error))
    }
  }

  async close(): Promise<void> {
    const { sandbox } = this
    this.sandbox = undefined
    await sandbox?.process.stop(stopGraceMs)
  }

  private async loaded(memoryBytes: number): Promise<Sandbox> {
    if (this.sandbox !== undefined && this.sandbox.memoryBytes !== memoryBytes) await this.close()
    if (this.sandbox !== undefined) return this.sandbox.process
    const process = this.launch()
    this.sandbox = { memoryBytes, process }
    await process.ready
    const { name, artifactDirectory } = this.candidate
    const result = await process.load({
      module: name,
      run: 1,
      contract: deciderCheckContractId,
      artifactDirectory,
      storePath: null,
      durability: 'event',
      limits: { ...defaultLimits, memoryBytes },
      capabilities: {},
      logLevel: 'error',
    })
    if (!result.ok) {
      await this.close()
      throw PaddockError.fromReport(result.error)
    }
    return process
  }
}

function lost(steps: readonly CheckStep[], error: ErrorReport): Observation[] {
  return steps.map((_, index) => ({
    answer:
      index === 0
        ? { is: 'trap', phase: 'decide', code: error.code, message: error.message }
        : { is: 'skipped' },
    fuel: 0,
    ms: 0,
    memoryBytes: 0,
  }))
}

function notAnswered(): PaddockError {
  return new PaddockError('sandbox.exited', 'The sandbox ended before the script was begun.')
}
