/** Worker thread that reads event stores in SQLite, so that a slow disk or a long stream never holds up the engine. */
import { statSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { backupEvents, exportEvents, importEvents } from '../../event-store/sqlite/export.ts'
import { SqliteEventReader } from '../../event-store/sqlite/sqlite-reader.ts'
import { toErrorReport } from '../../shared/errors.ts'
import type { Carriage, EventReply, EventRequest } from './protocol.ts'

/** Stores kept open at once; the one used longest ago is closed first. */
const maxOpen = 16

interface Open {
  readonly reader: SqliteEventReader
  readonly inode: bigint | undefined
}

const readers = new Map<string, Open>()

function readerOf(path: string): SqliteEventReader {
  const known = readers.get(path)
  readers.delete(path)
  const open = known !== undefined && isCurrent(path, known) ? known : reopened(path, known)
  readers.set(path, open)
  for (const [oldest, stale] of readers) {
    if (readers.size <= maxOpen) break
    readers.delete(oldest)
    stale.reader.close()
  }
  return open.reader
}

/** False once another file took the place of the one that is open; a store without streams does not know its module. */
function isCurrent(path: string, { reader, inode }: Open): boolean {
  return reader.module !== '' && inodeOf(path) === inode
}

function reopened(path: string, known: Open | undefined): Open {
  known?.reader.close()
  return { inode: inodeOf(path), reader: SqliteEventReader.open(path) }
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}

async function serve(request: EventRequest): Promise<unknown> {
  const { path } = request
  switch (request.method) {
    case 'close':
      readers.get(path)?.reader.close()
      readers.delete(path)
      return null
    case 'module':
      return readerOf(path).module
    case 'changes':
      return `${inodeOf(path)}:${readerOf(path).dataVersion}`
    case 'export':
      return {
        ...exportEvents(readerOf(path), request.file),
        module: readerOf(path).module,
      } satisfies Carriage
    case 'backup':
      await backupEvents(readerOf(path), request.file)
      return null
    case 'import':
      return importEvents(request.file, path) satisfies Carriage
    default: {
      const reader = readerOf(path)
      const method = reader[request.method].bind(reader) as (...args: readonly unknown[]) => unknown
      return method(...request.args)
    }
  }
}

function run(): void {
  const port = parentPort
  if (port === null) throw new Error('event-reader-thread must run as a worker')
  port.on('message', (request: EventRequest) => {
    void serve(request).then(
      (answer) => port.postMessage({ id: request.id, ok: true, answer } satisfies EventReply),
      (error: unknown) =>
        port.postMessage({
          id: request.id,
          ok: false,
          error: toErrorReport(error, 'store.io'),
        } satisfies EventReply),
    )
  })
}

run()
