import type { EventStore } from '../../../event-store/event-store.ts'
import { SqliteEventStore } from '../../../event-store/sqlite/sqlite-store.ts'
import { eventStoreFile } from '../../../event-store/store-file.ts'
import type { ProgramContext } from '../../programs/guest-program.ts'

/** The streams of the decider of this name, which its versions share. Throws `store.*`. */
export function openDeciderStore({ spec }: ProgramContext, directory: string, decider: string): EventStore {
  return new SqliteEventStore({
    path: eventStoreFile(directory, decider),
    module: decider,
    quotaBytes: spec.limits.storeBytes,
    durability: spec.durability === 'event' ? 'full' : 'normal',
  })
}
