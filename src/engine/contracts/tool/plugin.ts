/** The tool contract as the engine runs it. */
import type { Contract } from '../contract.ts'
import { toolTraits } from './contract.ts'
import { ToolSession } from './session.ts'

export const toolContract: Contract = {
  ...toolTraits,
  createSession: (context, predecessor) => new ToolSession(context, predecessor),
}
