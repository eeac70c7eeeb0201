/** Which modules reach the event server: deciders, where the operator chose one. No manifest asks for it. */
import { eventStoreCapability } from '../../../event-store/remote.ts'
import { deciderContractId } from '../../../shared/contracts/decider.ts'
import type { EventStoreSection } from '../../../shared/domain/operator/stores.ts'
import type { Linkage } from '../../../shared/sandbox/protocol.ts'

/** `links` with the way to the event server, where a module of this contract has one. */
export function linkEventStore(
  links: Readonly<Record<string, Linkage>>,
  contract: string,
  section: EventStoreSection,
): Record<string, Linkage> {
  if (contract !== deciderContractId || section.kind !== 'nats') return { ...links }
  return { ...links, [eventStoreCapability]: 'provided' }
}
