/** Worker thread that keeps elements of flows. */
import { workerData } from 'node:worker_threads'
import { serveThread } from '../../../capabilities/threads/serve-thread.ts'
import { FlowDatabase } from './flow-database.ts'
import type { FlowStoreOperations, FlowStoreThreadData } from './protocol.ts'

const bounds = workerData as FlowStoreThreadData
const open = new Map<string, FlowDatabase>()

function databaseOf(file: string): FlowDatabase {
  const known = open.get(file)
  if (known !== undefined) return known
  const database = new FlowDatabase(file, bounds)
  open.set(file, database)
  return database
}

serveThread<FlowStoreOperations>(
  {
    append: ({ file, elements, nowMs }) => {
      databaseOf(file).append(elements, nowMs)
      return null
    },
    close: ({ file }) => {
      open.get(file)?.close()
      open.delete(file)
      return null
    },
  },
  () => {
    for (const database of open.values()) database.close()
  },
)
