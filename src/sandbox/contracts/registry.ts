import { PaddockError } from '../../shared/errors.ts'
import { actorContract } from './actor/actor.ts'
import { actorOwnerContract } from './actor-owner/actor-owner.ts'
import type { GuestContract } from './contract.ts'
import { deciderCheckContract } from './decider/check/check-program.ts'
import { deciderContract } from './decider/decider.ts'
import { eventModuleContract } from './event-module/event-module.ts'
import { flowContract } from './flow/flow.ts'
import { queriedEventModuleContract, queryModuleContract } from './query-module/query-module.ts'
import { toolContract } from './tool/tool.ts'

/** Every contract a sandbox can host. */
const guestContracts: readonly GuestContract[] = [
  actorContract,
  actorOwnerContract,
  queriedEventModuleContract,
  eventModuleContract,
  queryModuleContract,
  deciderContract,
  deciderCheckContract,
  toolContract,
  flowContract,
]

/** The contract of this id. Throws `internal.bug`: the engine names only those it shares with the sandbox. */
export function guestContract(id: string): GuestContract {
  const contract = guestContracts.find((candidate) => candidate.id === id)
  if (contract === undefined)
    throw new PaddockError('internal.bug', 'The sandbox does not know this contract.')
  return contract
}
