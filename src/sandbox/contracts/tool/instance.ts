/** One fresh instance of a tool, for one call and then thrown away (spec tools 8). */
import { randomFillSync } from 'node:crypto'
import type { ToolMetadata } from '../../../shared/contracts/tool.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { bindComponent, type BoundComponent } from '../../binding/bind-component.ts'
import { callGuest, FuelTank } from '../../binding/fuel-tank.ts'
import type { LoadedArtifact } from '../../loading/artifact.ts'
import type { CallHost } from '../../programs/guest-program.ts'
import { createClosedWasi } from '../../wasi/closed-wasi.ts'
import type { ActiveCall } from './active-call.ts'
import { Diagnostics } from './diagnostics.ts'
import type { InstanceState } from './faults.ts'
import { toolHost } from './hosts.ts'
import { toolExports, type GuestResponse } from './interfaces.ts'

/**
 * Fuel of a call: the most a tank holds. At a unit a nanosecond it would last for decades, so that the deadline alone
 * bounds a call (spec tools 8).
 */
const endlessFuel = 1n << 60n

/** To sleep on: the thread runs no timers. */
const neverSignalled = new Int32Array(new SharedArrayBuffer(4))

export interface InstanceOptions {
  readonly artifact: LoadedArtifact
  readonly memoryLimitBytes: number
  readonly callHost: CallHost
}

export class ToolInstance implements InstanceState {
  readonly limitBytes: number
  readonly diagnostics = new Diagnostics()
  ended: PaddockError | undefined
  private readonly tank = new FuelTank()
  private readonly component: BoundComponent<typeof toolExports>
  private memories: readonly WebAssembly.Memory[] = []
  private call: ActiveCall | undefined

  /** Throws an `InstantiationFault`. */
  constructor({ artifact, memoryLimitBytes, callHost }: InstanceOptions) {
    this.limitBytes = memoryLimitBytes
    this.tank.fill(endlessFuel)
    const began = process.hrtime.bigint()
    try {
      this.component = bindComponent({
        glue: artifact.glue,
        getCoreModule: (name) => artifact.getCoreModule(name),
        otherImports: createClosedWasi({
          log: () => undefined,
          print: (source, bytes) => this.diagnostics.write(source, bytes),
          exit: () => this.end(new PaddockError('tool.exit', 'The guest called exit.')),
          clock: {
            nowMs: () => BigInt(Math.max(0, Date.now())),
            monotonicNs: () => process.hrtime.bigint() - began,
            sleep: (ms) => this.sleep(ms),
          },
          random: (length) => randomFillSync(new Uint8Array(length)),
        }),
        hosts: [
          toolHost({
            callHost,
            nowMs: () => Date.now(),
            diagnostics: this.diagnostics,
            call: () => this.call,
          }),
        ],
        exports: toolExports,
        tank: this.tank,
      })
    } catch (error) {
      throw new InstantiationFault(error, this.ended, memoryLimitBytes)
    }
    const exported = this.component.coreInstances.flatMap(({ exports }) => Object.values(exports))
    this.memories = [...new Set(exported.filter((value) => value instanceof WebAssembly.Memory))]
  }

  get bytes(): number {
    return this.memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
  }

  get wasRefusedMemory(): boolean {
    return this.tank.wasRefusedMemory
  }

  get usedFuel(): number | null {
    const used = this.tank.used()
    return used === undefined ? null : Number(used)
  }

  /** Throws what the binder throws; `faultReport` tells what it was. */
  execute(call: ActiveCall, params: string, context: string): GuestResponse {
    this.call = call
    try {
      const run = this.component.exports['near:agent/tool@0.4.1#execute']
      return this.enter(() => run({ params, context }))
    } finally {
      this.call = undefined
      call.tellPrinted(this.diagnostics, 'end')
    }
  }

  /** What the tool says of itself, with every capability denied. Throws as `execute` does. */
  describe(): ToolMetadata {
    const { exports } = this.component
    const schema = this.enter(exports['near:agent/tool@0.4.1#schema'])
    return { schema, description: this.enter(exports['near:agent/tool@0.4.1#description']) }
  }

  private enter<T>(call: () => T): T {
    const { value } = callGuest(this.tank, endlessFuel, call)
    // A guest with exception handling can catch what ended it.
    if (this.ended !== undefined) throw this.ended
    return value
  }

  private end(error: PaddockError): never {
    this.ended ??= error
    throw this.ended
  }

  /** Sleeping ends at the call's deadline, as the thread would by then (spec tools 1). */
  private sleep(ms: number): void {
    const { call } = this
    const rest = call === undefined ? ms : call.endsAt - performance.now()
    if (rest <= 0) this.end(new PaddockError('sandbox.deadline', 'The guest slept past its deadline.'))
    Atomics.wait(neverSignalled, 0, 0, Math.min(ms, rest))
  }
}

/** Making an instance failed; what with, for `instantiationReport`. */
export class InstantiationFault extends Error {
  readonly thrown: unknown
  readonly state: InstanceState

  constructor(thrown: unknown, ended: PaddockError | undefined, limitBytes: number) {
    super('the instance cannot be made')
    this.thrown = thrown
    this.state = { ended, limitBytes, bytes: 0, wasRefusedMemory: false }
  }
}
