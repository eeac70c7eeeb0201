/** The guest side of `near:agent/sandboxed-tool` (spec tools). */
import { toolContractId } from '../../../shared/contracts/tool.ts'
import type { GuestContract } from '../contract.ts'
import { createToolProgram } from './program.ts'

export const toolContract: GuestContract = {
  id: toolContractId,
  createProgram: (context) => createToolProgram(context),
}
