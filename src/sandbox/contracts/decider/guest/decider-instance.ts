/** One fresh instance of a decider, used for one attempt at one command and then thrown away (spec decider 4, 8). */
import type { DomainError, GuestPhase } from '../../../../shared/contracts/decider.ts'
import { deciderInterface } from '../../../../shared/contracts/decider.ts'
import { deciderLimits } from '../../../../shared/contracts/decider-limits.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import { bindComponent, type BoundComponent } from '../../../binding/bind-component.ts'
import { callGuest, FuelTank } from '../../../binding/fuel-tank.ts'
import type { GuestObject } from '../../../binding/guest-resources.ts'
import type { LoadedArtifact } from '../../../loading/artifact.ts'
import { domainErrorOf } from './guest-text.ts'
import { deciderExports, sessionResource, type GuestDescriptor, type GuestEnvelope } from './interfaces.ts'
import { guestTrap } from './trap.ts'

/** Told of every guest call, for the deadline of each and the figures of all. */
export interface GuestMeter {
  began(phase: GuestPhase): void
  /** Milliseconds, and fuel units where metered. */
  ended(phase: GuestPhase, ms: number, fuel: number): void
}

export type StreamIdAnswer =
  { readonly ok: true; readonly streamId: string } | { readonly ok: false; readonly error: DomainError }
export type EvolveAnswer = { readonly ok: true } | { readonly ok: false; readonly error: DomainError }
export type DecideAnswer =
  | { readonly kind: 'decided'; readonly events: readonly GuestEnvelope[] }
  | { readonly kind: 'rejected' | 'faulted'; readonly error: DomainError }

export interface InstanceOptions {
  readonly artifact: LoadedArtifact
  readonly memoryLimitBytes: number
  /** Fuel for instantiation. */
  readonly fuel: number
}

const silent: GuestMeter = { began: () => undefined, ended: () => undefined }

export class DeciderInstance {
  /** Of instantiation, for whoever uses it. */
  readonly createdMs: number
  readonly createdFuel: number
  meter: GuestMeter = silent
  private readonly component: BoundComponent<typeof deciderExports>
  private readonly tank = new FuelTank()
  private readonly memories: readonly WebAssembly.Memory[]
  private readonly tables: number
  private readonly memoryLimitBytes: number
  private trapped = false

  /** Throws `GuestTrap`, and `sandbox.instantiate_failed` for wiring that cannot be. */
  constructor({ artifact, memoryLimitBytes, fuel }: InstanceOptions) {
    this.memoryLimitBytes = memoryLimitBytes
    this.tank.fill(BigInt(fuel))
    const began = performance.now()
    try {
      this.component = bindComponent({
        glue: artifact.glue,
        getCoreModule: (name) => artifact.getCoreModule(name),
        // An import that nobody noticed still finds nothing (spec decider 2, step 2).
        otherImports: {},
        hosts: [],
        exports: deciderExports,
        resources: [sessionResource],
        tank: this.tank,
      })
    } catch (error) {
      throw guestTrap('instantiate', error, { bytes: 0, limitBytes: memoryLimitBytes })
    }
    this.createdMs = performance.now() - began
    this.createdFuel = Number(this.tank.used() ?? 0n)
    const exported = this.component.coreInstances.flatMap(({ exports }) => Object.values(exports))
    this.memories = [...new Set(exported.filter((value) => value instanceof WebAssembly.Memory))]
    this.tables = new Set(exported.filter((value) => value instanceof WebAssembly.Table)).size
  }

  /** Entered no more once it trapped (spec decider 8): also where its own code would let us. */
  get isPoisoned(): boolean {
    return this.trapped
  }

  get memoryBytes(): number {
    return this.memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
  }

  /** Throws `decider.limit_exceeded` for more parts than are allowed, `sandbox.instantiate_failed` for generated glue. */
  checkParts(): void {
    const counts = [
      ['core instances', this.component.coreInstances.length, deciderLimits.coreInstances],
      ['tables', this.tables, deciderLimits.tables],
      ['memories', this.memories.length, deciderLimits.memories],
    ] as const
    for (const [what, actual, most] of counts) {
      if (actual <= most) continue
      throw new PaddockError(
        'decider.limit_exceeded',
        `The component has ${actual} ${what}; at most ${most} are allowed.`,
        { details: { limit: what, actual, most } },
      )
    }
    if (!this.component.direct) {
      throw new PaddockError(
        'sandbox.instantiate_failed',
        `The component is wired in a way Paddock does not know: ${this.component.indirect.join('; ')}.`,
      )
    }
  }

  descriptor(fuel: number): GuestDescriptor {
    return this.enter('descriptor', fuel, this.component.exports[`${deciderInterface}#descriptor`])
  }

  streamId(command: GuestEnvelope, fuel: number): StreamIdAnswer {
    const call = this.component.exports[`${deciderInterface}#stream-id`]
    const answer = this.enter('stream_id', fuel, () => call(command))
    return answer.tag === 'ok'
      ? { ok: true, streamId: answer.val }
      : { ok: false, error: domainErrorOf(answer.val) }
  }

  openSession(snapshot: Uint8Array | undefined, fuel: number): GuestObject {
    const call = this.component.exports[`${deciderInterface}#[constructor]session`]
    return this.enter('instantiate', fuel, () => call(snapshot))
  }

  evolve(session: GuestObject, events: readonly GuestEnvelope[], fuel: number): EvolveAnswer {
    const call = this.component.exports[`${deciderInterface}#[method]session.evolve`]
    const answer = this.enter('replay', fuel, () => call(session.rep, events))
    return answer.tag === 'ok' ? { ok: true } : { ok: false, error: domainErrorOf(answer.val) }
  }

  decide(session: GuestObject, command: GuestEnvelope, fuel: number): DecideAnswer {
    const call = this.component.exports[`${deciderInterface}#[method]session.decide`]
    const answer = this.enter('decide', fuel, () => call(session.rep, command))
    return answer.tag === 'ok'
      ? { kind: 'decided', events: answer.val }
      : { kind: answer.val.tag, error: domainErrorOf(answer.val.val) }
  }

  snapshot(session: GuestObject, fuel: number): Uint8Array | undefined {
    const call = this.component.exports[`${deciderInterface}#[method]session.snapshot`]
    return this.enter('snapshot', fuel, () => call(session.rep))
  }

  dropSession(session: GuestObject, fuel: number): void {
    this.enter('drop', fuel, () => this.component.destroy(sessionResource, session))
  }

  private enter<T>(phase: GuestPhase, fuel: number, call: () => T): T {
    if (this.trapped) throw new PaddockError('internal.bug', 'A decider that trapped was entered again.')
    this.meter.began(phase)
    const began = performance.now()
    try {
      return callGuest(this.tank, BigInt(fuel), call).value
    } catch (error) {
      this.trapped = true
      throw guestTrap(phase, error, { bytes: this.memoryBytes, limitBytes: this.memoryLimitBytes })
    } finally {
      this.meter.ended(phase, performance.now() - began, Number(this.tank.used() ?? 0n))
    }
  }
}
