import { actorContractId } from '../../shared/contracts/actor.ts'
import { actorOwnerContractId } from '../../shared/contracts/actor-owner.ts'
import { deciderContractId } from '../../shared/contracts/decider.ts'
import { deciderCheckContractId } from '../../shared/contracts/decider-check.ts'
import { eventModuleContractId } from '../../shared/contracts/event-module.ts'
import { flowContractId } from '../../shared/contracts/flow.ts'
import { queriedEventModuleContractId, queryModuleContractId } from '../../shared/contracts/query-module.ts'
import { toolContractId } from '../../shared/contracts/tool.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { GuestContract } from './contract.ts'

/** Every contract a sandbox can host. A thread loads the code of its own alone: a process may have dozens of threads. */
const guestContracts: ReadonlyMap<string, () => Promise<GuestContract>> = new Map([
  [actorContractId, async () => (await import('./actor/actor.ts')).actorContract],
  [actorOwnerContractId, async () => (await import('./actor-owner/actor-owner.ts')).actorOwnerContract],
  [
    queriedEventModuleContractId,
    async () => (await import('./query-module/query-module.ts')).queriedEventModuleContract,
  ],
  [eventModuleContractId, async () => (await import('./event-module/event-module.ts')).eventModuleContract],
  [queryModuleContractId, async () => (await import('./query-module/query-module.ts')).queryModuleContract],
  [deciderContractId, async () => (await import('./decider/decider.ts')).deciderContract],
  [
    deciderCheckContractId,
    async () => (await import('./decider/check/check-program.ts')).deciderCheckContract,
  ],
  [toolContractId, async () => (await import('./tool/tool.ts')).toolContract],
  [flowContractId, async () => (await import('./flow/flow.ts')).flowContract],
])

/** The contract of this id. Throws `internal.bug`: the engine names only those it shares with the sandbox. */
export async function guestContract(id: string): Promise<GuestContract> {
  const load = guestContracts.get(id)
  if (load === undefined) throw new PaddockError('internal.bug', 'The sandbox does not know this contract.')
  return load()
}
