/** The guest side of flows (spec flows): all stages of one flow on one thread. */
import { flowContractId } from '../../../shared/contracts/flow.ts'
import type { GuestContract } from '../contract.ts'
import { createFlowProgram } from './program.ts'

export const flowContract: GuestContract = {
  id: flowContractId,
  createProgram: (context) => createFlowProgram(context),
}
