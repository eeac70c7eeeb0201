/** The event-module contract: which components are of it and what they may import (spec nexum-host 1, 6.1). */
import type { ExternShape, WorldShape } from '../../../shared/component/world.ts'
import { eventModuleContractId } from '../../../shared/contracts/event-module.ts'
import { parseInterfaceName } from '../../../shared/component/names.ts'
import type { CapabilityKind, Contract, ContractMatch } from '../contract.ts'
import { contractWorld } from '../shapes.ts'
import { describeEventModuleAsk } from './asks.ts'
import { EventModuleSession } from './session.ts'

const eventModuleWorld = 'nexum:host/event-module@0.2.0'
const shepherdWorld = 'shepherd:cow/shepherd@0.2.0'

const capabilities: readonly CapabilityKind[] = [
  kind('chain'),
  kind('identity'),
  kind('local-store', { withoutManifest: true }),
  kind('remote-store'),
  kind('messaging'),
  kind('logging', { harmless: true, withoutManifest: true }),
  kind('clock', { harmless: true, withoutManifest: true }),
  kind('random', { harmless: true, withoutManifest: true }),
  kind('http'),
  kind('cow-api'),
]

function kind(name: string, traits: Partial<CapabilityKind> = {}): CapabilityKind {
  return { name, harmless: false, withoutManifest: false, ...traits }
}

export const eventModuleContract: Contract = {
  id: eventModuleContractId,
  title: 'Event module',
  capabilities,
  match,
  capabilityOf,
  describeAsk: describeEventModuleAsk,
  createSession: (context, predecessor) => new EventModuleSession(context, predecessor),
}

/** Exports `init` and `on-event`, whatever it imports: builds drop unused imports (1.1). */
function match(world: WorldShape): ContractMatch | null {
  const exported = new Set(
    world.exports.filter((extern) => extern.kind === 'function').map((extern) => extern.name),
  )
  if (!exported.has('init') || !exported.has('on-event')) return null
  const shepherd = world.imports.some((extern) => extern.name.startsWith('shepherd:cow/'))
  const name = shepherd ? shepherdWorld : eventModuleWorld
  const shape = contractWorld(name)
  return shape === undefined ? null : { world: name, shape }
}

function capabilityOf(extern: ExternShape): string | null | undefined {
  if (extern.kind === 'type') return null
  const name = parseInterfaceName(extern.name)
  if (extern.kind !== 'interface' || name === undefined) return undefined
  const owner = `${name.namespace}:${name.package}`
  if (owner === 'wasi:http') return 'http'
  if (owner === 'nexum:host' && name.interface === 'types') return null
  if (owner === 'shepherd:cow') return name.interface === 'cow-api' ? 'cow-api' : undefined
  if (owner !== 'nexum:host' || name.interface === 'cow-api') return undefined
  return capabilities.some((capability) => capability.name === name.interface) ? name.interface : undefined
}
