/** Where an actor's SQL runs: on the thread of its guest, or on one of its own (spec actors-sql 2). */
import type { ActorFacts } from '../../../shared/contracts/actor.ts'
import { monotonicMs } from '../../bridge/control.ts'
import type { ProgramContext } from '../../programs/guest-program.ts'
import { RemoteClient } from '../actor-owner/remote-client.ts'
import { BridgedDatabase, bridgedDatabase } from './bridged/bridged-database.ts'
import type { ActorDatabase } from './database/actor-database.ts'
import { LocalDatabase } from './database/local-database.ts'

/** The database of these facts; no file is touched. */
export function openDatabase(facts: ActorFacts, { statements, callHost }: ProgramContext): ActorDatabase {
  switch (facts.placement) {
    case 'inline':
      return new LocalDatabase({
        facts,
        marks: statements,
        nowMs: () => Date.now(),
        monotonicMs,
      })
    case 'bridged':
      return bridgedDatabase(facts, statements)
    case 'remote':
      return new BridgedDatabase(facts, statements, new RemoteClient(callHost))
  }
}
