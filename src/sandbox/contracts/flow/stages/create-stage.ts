/** Makes the running instance of a node (spec flows 1, 4.2). */
import { PaddockError } from '../../../../shared/errors.ts'
import type { StageRole } from '../../../../shared/contracts/flow.ts'
import { bindComponent, type BoundComponent } from '../../../binding/bind-component.ts'
import type { CoreExport } from '../../../binding/direct.ts'
import { FuelTank } from '../../../binding/fuel-tank.ts'
import { BufferAccount } from '../buffers/host-buffer.ts'
import { typesHost } from './buffer-host.ts'
import { CallFuel } from './call-fuel.ts'
import { capabilityHost } from './capability-host.ts'
import { ComponentStage } from './component-stage.ts'
import { allocatorHost } from './mutable-host.ts'
import { lifecycleName, roleExports } from './names.ts'
import type { StageOptions } from './options.ts'
import { CallResults } from './call-results.ts'
import type { StageCounters } from './stage.ts'
import { FlowContext, StageResources } from './stage-resources.ts'
import { stageWasi } from './stage-wasi.ts'

type Bound = BoundComponent<Readonly<Record<string, never>>>

/** Runtimes do work of their own when they are instantiated, which the fuel of a call is not for. */
const instantiationFuel = 2_000_000_000n

/**
 * Instantiates the component in the role of its node; nothing of it is called yet. Throws `sandbox.instantiate_failed`,
 * `sandbox.out_of_fuel`, and `stage.unsupported` where it lacks an export of the role or wants an unknown host function.
 */
export function createStage(options: StageOptions): ComponentStage {
  const account = new BufferAccount(options.node.name, options.node.bufferBytes)
  try {
    return instantiate(options, account)
  } catch (error) {
    // A start function may have allocated.
    options.buffers.releaseAllOf(account)
    throw error
  }
}

function instantiate(options: StageOptions, account: BufferAccount): ComponentStage {
  const { component, node, buffers } = options
  const resources = new StageResources(buffers, account, new FlowContext(options.flowId, options.context))
  const tank = new FuelTank()
  tank.fill(instantiationFuel)
  const fuel = new CallFuel(tank)
  const host = { resources, fuel }
  const bound = bindComponent({
    glue: component.glue,
    getCoreModule: (name) => component.getCoreModule(name),
    otherImports: stageWasi(options),
    hosts: [typesHost(host), allocatorHost(host), capabilityHost(host, options.grants)],
    exports: {},
    tank,
  })
  const [unknown] = bound.indirect
  if (unknown !== undefined) throw unsupported(node.name, unknown)
  const { main, further } = roleExports[node.role]
  return new ComponentStage({
    role: node.role,
    main: required(bound, node, main),
    further: further === null ? null : required(bound, node, further),
    init: bound.coreExport(`${lifecycleName}#init`) ?? null,
    teardown: bound.coreExport(`${lifecycleName}#teardown`) ?? null,
    guest: bound.guest,
    fuel,
    resources,
    results: new CallResults(resources),
    counters: new Counters(resources, fuel, memoriesOf(bound)),
  })
}

class Counters implements StageCounters {
  private readonly resources: StageResources
  private readonly fuel: CallFuel
  private readonly memories: ReadonlySet<WebAssembly.Memory>

  constructor(resources: StageResources, fuel: CallFuel, memories: ReadonlySet<WebAssembly.Memory>) {
    this.resources = resources
    this.fuel = fuel
    this.memories = memories
  }

  get copies(): number {
    return this.resources.copies
  }

  get copyBytes(): number {
    return this.resources.copyBytes
  }

  get fuelUsed(): number {
    return this.fuel.used
  }

  get memoryBytes(): number {
    let bytes = 0
    for (const memory of this.memories) bytes += memory.buffer.byteLength
    return bytes
  }

  get ownedBytes(): number {
    return this.resources.account.ownedBytes
  }
}

function memoriesOf(bound: Bound): Set<WebAssembly.Memory> {
  const memories = new Set<WebAssembly.Memory>()
  for (const { exports } of bound.coreInstances) {
    for (const exported of Object.values(exports)) {
      if (exported instanceof WebAssembly.Memory) memories.add(exported)
    }
  }
  return memories
}

function required(
  bound: Bound,
  node: { readonly name: string; readonly role: StageRole },
  name: string,
): CoreExport {
  const full = `${roleExports[node.role].interface}#${name}`
  const found = bound.coreExport(full)
  if (found !== undefined) return found
  throw unsupported(node.name, `it exports no ${full}`)
}

function unsupported(node: string, reason: string): PaddockError {
  return new PaddockError(
    'stage.unsupported',
    `The component of "${node}" cannot run as it is configured: ${reason}.`,
  )
}
