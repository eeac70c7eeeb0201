/**
 * Where every log line goes: to those who follow the log live, and in batches to the telemetry
 * thread that keeps it. Bounded: when the disk cannot follow, lines are not kept, and counted.
 */
import { Worker } from 'node:worker_threads'
import type { LogFilter, LogRecord } from '../../shared/domain/log.ts'
import { logLevels } from '../../shared/domain/primitives.ts'
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import { LogRings, type RingLimits } from './log-rings.ts'
import type { LogPage, TelemetryReply, TelemetryRequest } from './log-protocol.ts'

/** Lines handed to the thread and not yet written. */
const maxUnwritten = 50_000
const flushEveryMs = 100
const flushAtRecords = 500

export type NewLogRecord = Omit<LogRecord, 'id'>

export interface LogHubOptions {
  /** Path of logs.db, or null to keep nothing (headless without a state directory). */
  readonly path: string | null
  /** Built telemetry thread. */
  readonly threadEntry: string
  readonly clock: Clock
  /** Bounds of what is kept in memory. */
  readonly ringLimits: () => RingLimits
  readonly onWarning: (error: ErrorReport) => void
}

interface PendingPage {
  readonly resolve: (page: LogPage) => void
  readonly reject: (error: PaddockError) => void
}

export class LogHub {
  /** The last runs of each module. */
  readonly rings: LogRings
  private readonly options: LogHubOptions
  private worker: Worker | undefined
  private nextId = 0
  private nextRequest = 1
  private buffer: LogRecord[] = []
  private unwritten = 0
  private notKept = 0
  private cancelFlush: (() => void) | undefined
  private readonly followers = new Set<(records: readonly LogRecord[]) => void>()
  private readonly pages = new Map<number, PendingPage>()
  private readonly closings = new Map<number, () => void>()

  constructor(options: LogHubOptions) {
    this.options = options
    this.rings = new LogRings(options.ringLimits)
  }

  /** Starts the thread and learns where the ids go on. Without a path it does nothing. */
  async open(): Promise<void> {
    const { path, threadEntry, clock } = this.options
    if (path === null) return
    const worker = new Worker(threadEntry, { workerData: { path, startedAt: clock.now() } })
    this.worker = worker
    await new Promise<void>((resolve) => {
      worker.on('message', (reply: TelemetryReply) => {
        if (reply.type === 'open') {
          this.nextId = Math.max(this.nextId, reply.lastId + 1)
          if (reply.warning !== null) this.options.onWarning(reply.warning)
          resolve()
        } else {
          this.onReply(reply)
        }
      })
      worker.on('error', (error) => {
        this.onThreadGone(error)
        resolve()
      })
      worker.on('exit', () => {
        this.onThreadGone(undefined)
        resolve()
      })
    })
  }

  /** Lines that were shown but could not be kept. */
  get linesNotKept(): number {
    return this.notKept
  }

  append(lines: readonly NewLogRecord[]): void {
    if (lines.length === 0) return
    const records = lines.map((line): LogRecord => ({ ...line, ...spanOf(line), id: this.nextId++ }))
    for (const record of records) this.rings.add(record)
    for (const follower of this.followers) follower(records)
    if (this.worker === undefined) return
    if (this.unwritten + this.buffer.length + records.length > maxUnwritten) {
      this.notKept += records.length
      return
    }
    this.buffer.push(...records)
    if (this.buffer.length >= flushAtRecords) this.flush()
    else this.cancelFlush ??= this.options.clock.after(flushEveryMs, () => this.flush())
  }

  /** Calls the listener with each batch of new lines that match. */
  follow(filter: LogFilter, listener: (records: readonly LogRecord[]) => void): () => void {
    const follower = (records: readonly LogRecord[]): void => {
      const matching = records.filter((record) => matches(filter, record))
      if (matching.length > 0) listener(matching)
    }
    this.followers.add(follower)
    return () => this.followers.delete(follower)
  }

  /** A page of kept lines, oldest first. Throws `store.io` when the log cannot be read. */
  query(filter: LogFilter, before: number | null, limit: number): Promise<LogPage> {
    this.flush()
    const id = this.nextRequest++
    return new Promise((resolve, reject) => {
      if (this.worker === undefined) {
        resolve({ records: [], more: false })
        return
      }
      this.pages.set(id, { resolve, reject })
      this.send({ type: 'query', id, filter, before, limit })
    })
  }

  /** Writes what waits and ends the thread. */
  async close(): Promise<void> {
    this.flush()
    const worker = this.worker
    if (worker === undefined) return
    const id = this.nextRequest++
    await new Promise<void>((resolve) => {
      this.closings.set(id, resolve)
      worker.once('exit', () => resolve())
      this.send({ type: 'close', id })
    })
    this.worker = undefined
    await worker.terminate()
  }

  private flush(): void {
    this.cancelFlush?.()
    this.cancelFlush = undefined
    if (this.buffer.length === 0) return
    this.unwritten += this.buffer.length
    this.send({ type: 'append', records: this.buffer })
    this.buffer = []
  }

  private send(request: TelemetryRequest): void {
    this.worker?.postMessage(request)
  }

  private onReply(reply: TelemetryReply): void {
    switch (reply.type) {
      case 'appended':
        this.unwritten -= reply.count
        return
      case 'page':
        this.pages.get(reply.id)?.resolve(reply.page)
        this.pages.delete(reply.id)
        return
      case 'failed':
        if (reply.id === null) {
          this.options.onWarning(reply.error)
        } else {
          this.pages.get(reply.id)?.reject(PaddockError.fromReport(reply.error))
          this.pages.delete(reply.id)
        }
        return
      case 'closed':
        this.closings.get(reply.id)?.()
        this.closings.delete(reply.id)
        return
      case 'open':
        return
    }
  }

  private onThreadGone(cause: unknown): void {
    if (this.worker === undefined) return
    this.worker = undefined
    const error = new PaddockError('store.io', 'The log is no longer kept: its thread ended.', { cause })
    if (cause !== undefined) this.options.onWarning(error.toReport())
    for (const page of this.pages.values()) page.reject(error)
    this.pages.clear()
    for (const done of this.closings.values()) done()
    this.closings.clear()
  }
}

/** One dispatch has one span, so that a search for it finds every line of it. */
function spanOf({ module, run, dispatch }: NewLogRecord): { span?: string } {
  return module === null || dispatch === undefined ? {} : { span: `${module}/${run}/${dispatch}` }
}

function matches(filter: LogFilter, record: LogRecord): boolean {
  if (filter.module !== undefined && record.module !== filter.module) return false
  if (filter.minLevel !== undefined && logLevels.indexOf(record.level) < logLevels.indexOf(filter.minLevel))
    return false
  const text = filter.text?.toLowerCase() ?? ''
  return text === '' || record.message.toLowerCase().includes(text) || record.span?.toLowerCase() === text
}
