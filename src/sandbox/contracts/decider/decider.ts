/** The guest side of `trogon:decider/decider` (spec decider). */
import { deciderContractId } from '../../../shared/contracts/decider.ts'
import type { GuestContract } from '../contract.ts'
import { createDeciderProgram } from './program.ts'

export const deciderContract: GuestContract = {
  id: deciderContractId,
  createProgram: (context) => createDeciderProgram(context),
}
