/** A decider under test on its guest thread: runs scripts of guest calls, each on a fresh instance (spec decider 13). */
import {
  checkScriptSchema,
  deciderCheckContractId,
  type CheckAnswer,
  type CheckScript,
  type CheckStep,
  type Observation,
} from '../../../../shared/contracts/decider-check.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { CallOutcome, GuestCall } from '../../../../shared/sandbox/protocol.ts'
import type { GuestObject } from '../../../binding/guest-resources.ts'
import { loadArtifact, type LoadedArtifact } from '../../../loading/artifact.ts'
import type { GuestProgram, ProgramContext } from '../../../programs/guest-program.ts'
import { CallCounts } from '../../call-counts.ts'
import type { GuestContract } from '../../contract.ts'
import { DeciderInstance } from '../guest/decider-instance.ts'
import { validateDescriptor } from '../guest/descriptor.ts'
import { GuestTrap } from '../guest/trap.ts'

export const deciderCheckContract: GuestContract = {
  id: deciderCheckContractId,
  async createProgram(context) {
    return new CheckProgram(context, await loadArtifact(context.spec.artifactDirectory))
  },
}

class CheckProgram implements GuestProgram {
  readonly progress = { lastSequence: -1, cursors: {} }
  readonly counts = new CallCounts()
  readonly warnings: readonly PaddockError[] = []
  readonly usedFuel = null
  readonly storeBytes = 0
  readonly writes = 0
  memoryBytes = 0
  private readonly context: ProgramContext
  private readonly artifact: LoadedArtifact

  constructor(context: ProgramContext, artifact: LoadedArtifact) {
    this.context = context
    this.artifact = artifact
  }

  run(call: GuestCall, claim: () => void): CallOutcome {
    const parsed = checkScriptSchema.safeParse(call.payload)
    if (!parsed.success) throw new PaddockError('internal.bug', 'A check script has not its shape.')
    const value = this.perform(parsed.data)
    claim()
    return { status: 'ok', value }
  }

  close(): void {
    // Nothing outlives a script.
  }

  private perform(script: CheckScript): Observation[] {
    let actor: ScriptActor
    try {
      const instance = new DeciderInstance({
        artifact: this.artifact,
        memoryLimitBytes: this.context.spec.limits.memoryBytes,
        fuel: script.fuelPerCall,
      })
      instance.checkParts()
      actor = new ScriptActor(instance, script)
    } catch (error) {
      return script.steps.map((_, index) => unused(index === 0 ? trapAnswer(error) : { is: 'skipped' }))
    }
    const observations = script.steps.map((step) => actor.observe(step))
    this.memoryBytes = actor.memoryBytes
    return observations
  }
}

/** Plays the steps of one script. */
class ScriptActor {
  private readonly instance: DeciderInstance
  private readonly script: CheckScript
  private session: GuestObject | undefined
  private spentFuel = 0
  private spentMs = 0

  constructor(instance: DeciderInstance, script: CheckScript) {
    this.instance = instance
    this.script = script
    instance.meter = {
      began: () => undefined,
      ended: (_, ms, fuel) => {
        this.spentFuel += fuel
        this.spentMs += ms
      },
    }
  }

  get memoryBytes(): number {
    return this.instance.memoryBytes
  }

  observe(step: CheckStep): Observation {
    this.spentFuel = 0
    this.spentMs = 0
    let answer: CheckAnswer
    try {
      answer = this.instance.isPoisoned ? { is: 'skipped' } : this.act(step)
    } catch (error) {
      answer = trapAnswer(error)
    }
    return { answer, fuel: this.spentFuel, ms: this.spentMs, memoryBytes: this.memoryBytes }
  }

  private act(step: CheckStep): CheckAnswer {
    const { instance, script } = this
    const fuel = script.fuelPerCall
    switch (step.do) {
      case 'descriptor':
        return { is: 'descriptor', descriptor: validateDescriptor(instance.descriptor(fuel)) }
      case 'stream-id': {
        const answer = instance.streamId(step.command, fuel)
        return answer.ok
          ? { is: 'stream-id', streamId: answer.streamId }
          : { is: 'error', error: answer.error }
      }
      case 'open':
        this.drop()
        this.session = instance.openSession(step.snapshot ?? undefined, fuel)
        return { is: 'done' }
      case 'drop':
        this.drop()
        return { is: 'done' }
      case 'sessions':
        return this.manySessions(step)
      default:
        return this.session === undefined ? { is: 'skipped' } : this.actOn(this.session, step)
    }
  }

  private actOn(
    session: GuestObject,
    step: Extract<CheckStep, { do: 'evolve' | 'decide' | 'snapshot' }>,
  ): CheckAnswer {
    const { instance, script } = this
    switch (step.do) {
      case 'evolve': {
        const answer = instance.evolve(session, step.events, this.evolveFuel(step.events.length))
        return answer.ok ? { is: 'done' } : { is: 'error', error: answer.error }
      }
      case 'decide': {
        const answer = instance.decide(session, step.command, script.fuelPerCall)
        return answer.kind === 'decided'
          ? { is: 'decided', events: [...answer.events] }
          : { is: answer.kind, error: answer.error }
      }
      case 'snapshot':
        return { is: 'snapshot', snapshot: instance.snapshot(session, script.fuelPerCall) ?? null }
    }
  }

  private manySessions({ count, events, command }: Extract<CheckStep, { do: 'sessions' }>): CheckAnswer {
    const { instance, script } = this
    for (let index = 0; index < count; index += 1) {
      this.drop()
      const session = instance.openSession(undefined, script.fuelPerCall)
      this.session = session
      if (events.length > 0) instance.evolve(session, events, this.evolveFuel(events.length))
      if (command !== null) instance.decide(session, command, script.fuelPerCall)
    }
    this.drop()
    return { is: 'done' }
  }

  private evolveFuel(events: number): number {
    return Math.max(this.script.fuelPerCall, this.script.fuelPerEvent * events)
  }

  private drop(): void {
    const { session } = this
    this.session = undefined
    if (session !== undefined) this.instance.dropSession(session, this.script.fuelPerCall)
  }
}

function trapAnswer(error: unknown): CheckAnswer {
  if (error instanceof GuestTrap) {
    return { is: 'trap', phase: error.phase, code: error.report.code, message: error.report.message }
  }
  if (error instanceof PaddockError) {
    return { is: 'trap', phase: 'descriptor', code: error.code, message: error.message }
  }
  throw error
}

function unused(answer: CheckAnswer): Observation {
  return { answer, fuel: 0, ms: 0, memoryBytes: 0 }
}
