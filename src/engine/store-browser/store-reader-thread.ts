/** Worker thread that reads stores, so that a slow disk or a large store never holds up the engine. */
import { parentPort } from 'node:worker_threads'
import { toErrorReport } from '../../shared/errors.ts'
import type { StoreReply, StoreRequest } from './protocol.ts'
import { backupStore, compactStore, exportStore, importStore } from './store-carriage.ts'
import { StoreReader } from './store-reader.ts'

/** Stores kept open at once; the one used longest ago is closed first. */
const maxOpenStores = 8

const readers = new Map<string, StoreReader>()

function readerOf(path: string): StoreReader {
  const known = readers.get(path)
  readers.delete(path)
  const reader = known === undefined || known.mustReopen ? reopen(path, known) : known
  // Maps keep insertion order, so the first is the one used longest ago.
  readers.set(path, reader)
  for (const [oldest, stale] of readers) {
    if (readers.size <= maxOpenStores) break
    readers.delete(oldest)
    stale.close()
  }
  return reader
}

function reopen(path: string, known: StoreReader | undefined): StoreReader {
  known?.close()
  return new StoreReader(path)
}

type Answer = Extract<StoreReply, { ok: true }>['answer']

function serve(request: StoreRequest): Answer | Promise<Answer> {
  switch (request.operation) {
    case 'keys':
      return readerOf(request.query.path).keys(request.query)
    case 'value':
      return readerOf(request.query.path).value(request.query.key)
    case 'whole':
      return readerOf(request.query.path).whole(request.query.key)
    case 'usage':
      return readerOf(request.query.path).usage()
    case 'close':
      letGo(request.query.path)
      return null
    case 'export':
      return exportStore(request.query.path, request.query.module, request.query.file)
    case 'backup':
      return backupStore(request.query.path, request.query.file)
    case 'import':
      letGo(request.query.path)
      return importStore(request.query)
    case 'compact':
      letGo(request.query.path)
      return compactStore(request.query.path, request.query.module)
  }
}

function letGo(path: string): void {
  readers.get(path)?.close()
  readers.delete(path)
}

async function replyTo(request: StoreRequest): Promise<StoreReply> {
  try {
    return { id: request.id, ok: true, answer: await serve(request) }
  } catch (error) {
    return { id: request.id, ok: false, error: toErrorReport(error, 'store.io') }
  }
}

function run(): void {
  const port = parentPort
  if (port === null) throw new Error('store-reader-thread must run as a worker')
  port.on('message', (request: StoreRequest) => {
    void replyTo(request).then((reply) => port.postMessage(reply))
  })
}

run()
