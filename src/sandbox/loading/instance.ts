/** Brings a module to life on the guest thread: artifact, store, host functions, instance. */
import { randomFillSync } from 'node:crypto'
import type { LoadSpec } from '../../shared/sandbox/protocol.ts'
import type { PaddockError } from '../../shared/errors.ts'
import { bindComponent } from '../binding/bind-component.ts'
import { FuelTank } from '../binding/fuel-tank.ts'
import { CallCounts } from '../contracts/call-counts.ts'
import type { GuestOperations, GuestServices, TransactionalContract } from '../contracts/contract.ts'
import type { ProgramContext } from '../programs/guest-program.ts'
import { ModuleStore } from '../store/module-store.ts'
import { fetchBridged } from '../wasi/http/bridge.ts'
import { createVirtualWasi } from '../wasi/virtual-wasi.ts'
import { loadArtifact } from './artifact.ts'

export interface Instance {
  readonly operations: GuestOperations
  readonly tank: FuelTank
  readonly store: ModuleStore | null
  readonly counts: CallCounts
  /** What the operator should know. */
  readonly warnings: readonly PaddockError[]
  /** Sum of the linear memories, in bytes. */
  memoryBytes(): number
}

/** To sleep on: the thread runs no timers. */
const neverSignalled = new Int32Array(new SharedArrayBuffer(4))

/** Loads and instantiates. Throws `sandbox.*` and `store.*`; a store that was opened is closed again. */
export async function createInstance(
  contract: TransactionalContract,
  context: ProgramContext,
): Promise<Instance> {
  const { spec, log } = context
  const artifact = await loadArtifact(spec.artifactDirectory)
  const store = contract.usesStore ? openStore(spec) : null
  try {
    const tank = new FuelTank()
    tank.fill(BigInt(spec.limits.fuelPerCall))
    const services = createServices(context, store)
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
        http: {
          isProvided: () => services.linkage('http') === 'provided',
          fetch: (request) => fetchBridged(services, request),
        },
      }),
      hosts: contract.hosts(services),
      exports: contract.exports,
      tank,
    })
    const memories = new Set<WebAssembly.Memory>()
    for (const { exports } of component.coreInstances) {
      for (const exported of Object.values(exports)) {
        if (exported instanceof WebAssembly.Memory) memories.add(exported)
      }
    }
    return {
      operations: contract.operations(component),
      tank,
      store,
      counts: services.counts,
      warnings: store?.warning === undefined ? [] : [store.warning],
      memoryBytes() {
        let bytes = 0
        for (const memory of memories) bytes += memory.buffer.byteLength
        return bytes
      },
    }
  } catch (error) {
    store?.close()
    throw error
  }
}

function openStore(spec: LoadSpec): ModuleStore | null {
  if (spec.storePath === null) return null
  return new ModuleStore({
    path: spec.storePath,
    module: spec.module,
    quotaBytes: spec.limits.storeBytes,
    durability: spec.durability,
  })
}

function createServices(
  { log, callHost, linkage }: ProgramContext,
  store: ModuleStore | null,
): GuestServices {
  const began = process.hrtime.bigint()
  return {
    store,
    counts: new CallCounts(),
    linkage,
    log: (level, message) => log.add(level, 'host_interface', message),
    callHost,
    nowMs: () => Date.now(),
    monotonicNs: () => process.hrtime.bigint() - began,
    randomBytes: (length) => randomFillSync(new Uint8Array(length)),
  }
}
