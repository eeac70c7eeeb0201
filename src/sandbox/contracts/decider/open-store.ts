import type { EventStore } from '../../../event-store/event-store.ts'
import { eventStoreCapability } from '../../../event-store/remote.ts'
import { SqliteEventStore } from '../../../event-store/sqlite/sqlite-store.ts'
import { eventStoreFile } from '../../../event-store/store-file.ts'
import { BridgedEventStore } from '../../event-store/bridged-event-store.ts'
import type { ProgramContext } from '../../programs/guest-program.ts'

/** The streams of the decider of this name, which its versions share: in a file, or on a server. Throws `store.*`. */
export function openDeciderStore(context: ProgramContext, directory: string, decider: string): EventStore {
  const { spec } = context
  if (context.linkage(eventStoreCapability) === 'provided') {
    return new BridgedEventStore(decider, context.callHost)
  }
  return new SqliteEventStore({
    path: eventStoreFile(directory, decider),
    module: decider,
    quotaBytes: spec.limits.storeBytes,
    durability: spec.durability === 'event' ? 'full' : 'normal',
  })
}
