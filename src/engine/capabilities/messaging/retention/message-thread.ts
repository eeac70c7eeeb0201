/** Worker thread that keeps messages. */
import { workerData } from 'node:worker_threads'
import { serveThread } from '../../threads/serve-thread.ts'
import { MessageDatabase } from './message-database.ts'
import type { MessageOperations, MessageThreadData } from './protocol.ts'

const database = new MessageDatabase(workerData as MessageThreadData)

serveThread<MessageOperations>(
  {
    append: ({ message, nowMs }) => {
      database.append(message, nowMs)
      return null
    },
    query: ({ nowMs, ...query }) => database.query(query, nowMs),
  },
  () => database.close(),
)
