import { deciderFaults } from './decider-callers.ts'
import { actorFaults } from './actor-kills.ts'
import { engineFaults } from './engine-killed.ts'
import { eventStoreFaults } from './event-store.ts'
import type { Fault } from './fault.ts'
import { fileFaults } from './files.ts'
import { flowFaults } from './flow-sinks.ts'
import { guestFaults } from './guests.ts'
import { killFaults } from './kills.ts'
import { networkFaults } from './network.ts'
import { toolFaults } from './tool-callers.ts'

/** In the order in which they are tried. */
export const faults: readonly Fault[] = [
  ...guestFaults,
  ...killFaults,
  ...fileFaults,
  ...networkFaults,
  ...engineFaults,
  ...actorFaults,
  ...eventStoreFaults,
  ...deciderFaults,
  ...toolFaults,
  ...flowFaults,
]
