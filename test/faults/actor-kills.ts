/** The fault of many actors whose processes are killed under them. */
import { buildActors } from '../fixtures/actors/build-actors.mjs'
import { startActors, type TestActors } from '../support/actors.ts'
import { actorsUnderKills } from './actors.ts'
import type { Arena } from './arena.ts'
import { isLong } from './arena.ts'
import type { Fault } from './fault.ts'

let actors: TestActors

export const actorFaults: readonly Fault[] = [
  {
    name: 'actors under load, their processes killed',
    how: 'SIGKILL of random processes while 200 actors write and read',
    times: { short: 1, long: 3 },
    survives: 'every acknowledged write, once; every unknown one told; every database sound',
    prepare: async () => buildActors(),
    provoke: async (arena: Arena) => {
      actors = await startActors(arena.test, 'probe')
      const load = isLong
        ? { actors: 200, requests: 8_000, kills: 20, width: 200 }
        : { actors: 40, requests: 1_000, kills: 5, width: 40 }
      const result = await actorsUnderKills(actors, load, arena.random)
      process.stdout.write(
        `     ${load.actors} actors, ${result.kills} kills: ${result.acknowledged} writes acknowledged, ` +
          `${result.indeterminate} unknown and told so, ${result.refused} refused, ${result.applied} rows found\n`,
      )
      await arena.purge(actors.module)
    },
  },
]
