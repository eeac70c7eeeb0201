/** The actor contract: which components are of it and what they may import (spec actors-sql 17). */
import type { ExternShape, WorldShape } from '../../../shared/component/world.ts'
import { parseInterfaceName } from '../../../shared/component/names.ts'
import { actorContractId } from '../../../shared/contracts/actor.ts'
import type { AskContext, AskWords, CapabilityKind, Contract, ContractMatch } from '../contract.ts'
import { contractWorld } from '../shapes.ts'
import { readActorConfig } from './config.ts'
import { ActorSession } from './session.ts'

const actorWorld = 'paddock:sql/actor@0.1.0'

const capabilities: readonly CapabilityKind[] = [
  { name: 'database', harmless: false, withoutManifest: true },
  { name: 'key-value', harmless: false, withoutManifest: true },
  { name: 'logging', harmless: true, withoutManifest: true },
  { name: 'clock', harmless: true, withoutManifest: true },
  { name: 'entropy', harmless: true, withoutManifest: true },
]

export const actorContract: Contract = {
  id: actorContractId,
  title: 'Actor',
  capabilities,
  processes: 'own',
  match,
  capabilityOf,
  describeAsk,
  createSession: (context, predecessor) => new ActorSession(context, predecessor),
}

function match(world: WorldShape): ContractMatch | null {
  const isActor = world.exports.some(({ name }) => /^paddock:sql\/lifecycle@0\.1\.\d+$/.test(name))
  const shape = contractWorld(actorWorld)
  return isActor && shape !== undefined ? { world: actorWorld, shape } : null
}

function capabilityOf(extern: ExternShape): string | null | undefined {
  if (extern.kind === 'type') return null
  const name = parseInterfaceName(extern.name)
  if (extern.kind !== 'interface' || name?.namespace !== 'paddock' || name.package !== 'sql') return undefined
  if (name.interface === 'types') return null
  return capabilities.some((capability) => capability.name === name.interface) ? name.interface : undefined
}

function describeAsk(capability: string, context: AskContext): AskWords {
  switch (capability) {
    case 'database':
      return {
        title: `Keep a database of up to ${mebibytes(context)} for each of its actors`,
        detail: 'In files of its own on this machine. Other modules cannot read them.',
        risky: false,
      }
    case 'logging':
      return { title: 'Write log lines', detail: 'Shown in the log of the module.', risky: false }
    case 'clock':
      return { title: 'Read the time', detail: 'The time of day and time elapsed.', risky: false }
    case 'key-value':
      return { title: 'Keep small values', detail: 'In the same files as its databases.', risky: false }
    case 'entropy':
      return { title: 'Draw random bytes', detail: 'From the random source of this machine.', risky: false }
    default:
      return { title: `Use ${capability}`, detail: 'A capability of its contract.', risky: false }
  }
}

/** Throws `wasm.invalid_config` for a table that would be refused when the module starts: the operator sees it first. */
function mebibytes({ manifest }: AskContext): string {
  return `${Number((readActorConfig(manifest.contractTable).databaseBytes / 1_048_576).toFixed(1))} MiB`
}
