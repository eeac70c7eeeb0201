import { actorContract } from './actor/contract.ts'
import type { Contract } from './contract.ts'
import { deciderContract } from './decider/contract.ts'
import { eventModuleContract } from './event-module/contract.ts'
import { queriedEventModuleContract, queryModuleContract } from './query-module/contract.ts'
import { stageContract } from './stage/contract.ts'
import { toolContract } from './tool/plugin.ts'

/** Every guest contract of this engine; the first that matches a component is its contract. */
export const contracts: readonly Contract[] = [
  queriedEventModuleContract,
  eventModuleContract,
  queryModuleContract,
  deciderContract,
  actorContract,
  toolContract,
  stageContract,
]

/** Names of all capabilities that manifests may name, in the order contracts list them. */
export function knownCapabilities(among: readonly Contract[] = contracts): string[] {
  return [...new Set(among.flatMap((contract) => contract.capabilities.map((capability) => capability.name)))]
}
