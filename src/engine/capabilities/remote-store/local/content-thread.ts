/** Worker thread that hashes content and keeps it on disk. */
import { workerData } from 'node:worker_threads'
import { serveThread } from '../../threads/serve-thread.ts'
import { sameBytes } from '../swarm/chunk.ts'
import { swarmAddressInTurns } from '../swarm/tree.ts'
import { ContentDatabase } from './content-database.ts'
import type { ContentOperations, ContentThreadData } from './protocol.ts'

const { file, maxBytes } = workerData as ContentThreadData
const database = new ContentDatabase(file, maxBytes)

serveThread<ContentOperations>(
  {
    put: async ({ data, pinned }) => {
      const reference = await swarmAddressInTurns(data)
      database.put(reference, data, pinned)
      return reference
    },
    putVerified: async ({ reference, data }) => {
      if (!sameBytes(await swarmAddressInTurns(data), reference)) return false
      database.put(reference, data, false)
      return true
    },
    get: async ({ reference }) => {
      const data = database.get(reference)
      if (data === null || sameBytes(await swarmAddressInTurns(data), reference)) return data
      database.remove(reference)
      return null
    },
    pin: ({ reference, pinned }) => database.pin(reference, pinned),
    feed: ({ owner, topic }) => database.feed(owner, topic),
    putFeed: ({ owner, topic, update, own }) => {
      database.putFeed(owner, topic, update, own)
      return null
    },
    ownKey: () => database.ownKey(),
    usage: () => database.usedBytes,
  },
  () => database.close(),
)
