/** The guest side of `paddock:sql/actor` (spec actors-sql 17). */
import { actorContractId } from '../../../shared/contracts/actor.ts'
import type { GuestContract } from '../contract.ts'
import { createActorProgram } from './program.ts'

export const actorContract: GuestContract = {
  id: actorContractId,
  createProgram: (context) => createActorProgram(context),
}
