/** Brings an actor's component to life on the guest thread. */
import { randomFillSync } from 'node:crypto'
import { bindComponent, type BoundComponent } from '../../binding/bind-component.ts'
import { FuelTank } from '../../binding/fuel-tank.ts'
import { loadArtifact } from '../../loading/artifact.ts'
import type { ProgramContext } from '../../programs/guest-program.ts'
import { createVirtualWasi } from '../../wasi/virtual-wasi.ts'
import { CallCounts } from '../call-counts.ts'
import { actorHosts, type HostContext } from './hosts.ts'
import { actorExports } from './interfaces.ts'

export interface ActorInstance {
  readonly exports: BoundComponent<typeof actorExports>['exports']
  readonly tank: FuelTank
  readonly counts: CallCounts
  /** Sum of the linear memories, in bytes. */
  memoryBytes(): number
}

/** To sleep on: the thread runs no timers. */
const neverSignalled = new Int32Array(new SharedArrayBuffer(4))

/** Loads and instantiates. Throws `sandbox.*`. */
export async function createActorInstance(
  { spec, log }: ProgramContext,
  state: Pick<HostContext, 'database' | 'checkImports'>,
): Promise<ActorInstance> {
  const artifact = await loadArtifact(spec.artifactDirectory)
  const tank = new FuelTank()
  tank.fill(BigInt(spec.limits.fuelPerCall))
  const began = process.hrtime.bigint()
  const linkages = new Map(Object.entries(spec.capabilities))
  const services: HostContext['services'] = {
    counts: new CallCounts(),
    linkage: (capability) => linkages.get(capability) ?? 'denied',
    log: (level, message) => log.add(level, 'host_interface', message),
    nowMs: () => Date.now(),
    monotonicNs: () => process.hrtime.bigint() - began,
    randomBytes: (length) => randomFillSync(new Uint8Array(length)),
  }
  const component = bindComponent({
    glue: artifact.glue,
    getCoreModule: (name) => artifact.getCoreModule(name),
    otherImports: createVirtualWasi({
      log: ({ level, source, message }) => log.add(level, source, message),
      clock: {
        nowMs: () => BigInt(Math.max(0, Math.floor(services.nowMs()))),
        monotonicNs: () => services.monotonicNs(),
        sleep: (ms) => void Atomics.wait(neverSignalled, 0, 0, ms),
      },
      random: (length) => services.randomBytes(length),
    }),
    hosts: actorHosts({ services, ...state }),
    exports: actorExports,
    tank,
  })
  const memories = new Set<WebAssembly.Memory>()
  for (const { exports } of component.coreInstances) {
    for (const exported of Object.values(exports)) {
      if (exported instanceof WebAssembly.Memory) memories.add(exported)
    }
  }
  return {
    exports: component.exports,
    tank,
    counts: services.counts,
    memoryBytes() {
      let bytes = 0
      for (const memory of memories) bytes += memory.buffer.byteLength
      return bytes
    },
  }
}
