/** Worker thread that owns logs.db, so that the main process never waits for a disk. */
import { renameSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { PaddockError, toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import { LogDatabase } from './log-database.ts'
import type { TelemetryReply, TelemetryRequest } from './log-protocol.ts'

interface ThreadData {
  readonly path: string
  readonly startedAt: number
}

function openOrReplace(data: ThreadData): { database: LogDatabase; warning: ErrorReport | null } {
  try {
    return { database: new LogDatabase(data.path), warning: null }
  } catch (cause) {
    const aside = `${data.path}.corrupt-${data.startedAt}`
    for (const suffix of ['', '-wal', '-shm']) {
      try {
        renameSync(data.path + suffix, aside + suffix)
      } catch {
        // The side files need not exist.
      }
    }
    const warning = new PaddockError(
      'store.corrupt',
      'The kept log could not be opened; a new one was begun.',
      {
        cause,
      },
    ).toReport()
    return { database: new LogDatabase(data.path), warning }
  }
}

function serve(database: LogDatabase, request: TelemetryRequest): TelemetryReply {
  switch (request.type) {
    case 'append':
      database.append(request.records)
      return { type: 'appended', count: request.records.length }
    case 'query':
      return {
        type: 'page',
        id: request.id,
        page: database.query(request.filter, request.before, request.limit),
      }
    case 'close':
      database.close()
      return { type: 'closed', id: request.id }
  }
}

function run(): void {
  const port = parentPort
  if (port === null) throw new Error('telemetry-thread must run as a worker')
  const post = (reply: TelemetryReply): void => port.postMessage(reply)
  const { database, warning } = openOrReplace(workerData as ThreadData)
  port.on('message', (request: TelemetryRequest) => {
    try {
      post(serve(database, request))
    } catch (error) {
      post({
        type: 'failed',
        id: request.type === 'append' ? null : request.id,
        error: toErrorReport(error, 'store.io'),
      })
      if (request.type === 'append') post({ type: 'appended', count: request.records.length })
    }
    if (request.type === 'close') port.close()
  })
  post({ type: 'open', lastId: database.lastId(), warning })
}

run()
