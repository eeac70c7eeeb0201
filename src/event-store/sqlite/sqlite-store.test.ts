import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventStoreSuite } from '../../../test/contract/event-store/suite.ts'
import { SqliteEventStore } from './sqlite-store.ts'

eventStoreSuite('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-events-'))
  const opened: SqliteEventStore[] = []
  return {
    open: async (module = 'demo') => {
      const store = new SqliteEventStore({ path: join(folder, `${module}.events`), module, quotaBytes: null })
      opened.push(store)
      return store
    },
    close: async () => {
      for (const store of opened) store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
})
