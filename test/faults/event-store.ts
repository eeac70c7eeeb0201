/** Processes that write into an event store, killed at random moments (spec decider 16, crash). */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { crashMemory, killWriters, mustHoldInvariants, type CrashMemory } from '../support/event-crash.ts'
import { mustHold, type Fault } from './fault.ts'

const writers = 2

let folder: string | undefined
let memory: CrashMemory = crashMemory()

export const eventStoreFaults: readonly Fault[] = [
  {
    name: 'writers of an event store killed',
    how: `SIGKILL to each of ${writers} processes that append to the same streams, at a random moment of their work`,
    times: { short: 3, long: 110 },
    survives:
      'I1 to I8: every acknowledged decision whole, once and unchanged; revisions and positions without gaps',
    prepare: async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'paddock-event-faults-'))
      memory = crashMemory()
    },
    provoke: async ({ random }) => {
      const file = path.join(folder ?? '', 'demo.db')
      const before = memory.acknowledged.length
      await killWriters({ random: () => random.next(), file, writers, streams: 4 }, memory)
      mustHoldInvariants(file, memory)
      mustHold(memory.acknowledged.length > before, 'the writers acknowledged nothing')
    },
    tidy: async () => {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
      folder = undefined
    },
  },
]
