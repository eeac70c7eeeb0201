/** A run's log on the guest thread: limited in rate and size, gathered into batches (spec nexum-host 8.2). */
import { maxLogRecordBytes } from '../../shared/domain/limits.ts'
import type { GuestLogRecord, LogContext } from '../../shared/domain/log.ts'
import { logLevels, type LogLevel } from '../../shared/domain/primitives.ts'

/** Records a run may log at once, and how many per second are granted anew (spec nexum-host 8.2). */
export const logBurst = 256
export const logsPerSecond = 128

const maxBatch = 128
/** A record waits no longer than this for company. */
const maxWaitMs = 50
const cutMark = ' … [cut]'

export interface LogBatch {
  readonly records: readonly GuestLogRecord[]
  readonly dropped: number
}

export interface LogBufferOptions {
  readonly minLevel: LogLevel
  /** Longer lines are cut. */
  readonly maxRecordBytes?: number | undefined
  /** Sends a batch that should not wait for the end of the call. */
  readonly send: (batch: LogBatch) => void
  readonly now?: () => number
  readonly monotonicMs?: () => number
}

export class LogBuffer {
  /** What the module handles right now. */
  context: LogContext = {}
  private readonly minimum: number
  private readonly maxBytes: number
  private readonly send: (batch: LogBatch) => void
  private readonly now: () => number
  private readonly monotonicMs: () => number
  private records: GuestLogRecord[] = []
  private dropped = 0
  private tokens = logBurst
  private refilledMs: number
  private sentMs: number

  constructor(options: LogBufferOptions) {
    this.minimum = logLevels.indexOf(options.minLevel)
    this.maxBytes = options.maxRecordBytes ?? maxLogRecordBytes
    this.send = options.send
    this.now = options.now ?? Date.now
    this.monotonicMs = options.monotonicMs ?? ((): number => performance.now())
    this.refilledMs = this.monotonicMs()
    this.sentMs = Number.NEGATIVE_INFINITY
  }

  /** Takes one line of the guest, or counts it as dropped. Never throws. */
  add(level: LogLevel, source: GuestLogRecord['source'], message: string): void {
    if (logLevels.indexOf(level) < this.minimum) return
    const nowMs = this.monotonicMs()
    if (!this.takeToken(nowMs)) {
      this.dropped += 1
      return
    }
    this.push(level, source, message)
    // The first line after a pause goes out at once: should the guest hang next, it is what explains why.
    if (this.records.length >= maxBatch || nowMs - this.sentMs >= maxWaitMs) this.flush()
  }

  /** Takes a line of the host about the guest, past the rate limit. */
  addOwn(level: LogLevel, source: GuestLogRecord['source'], message: string): void {
    this.push(level, source, message)
  }

  /** Counts a line that its contract does not take; the count is sent now and then, and with the end of the call. */
  drop(): void {
    this.dropped += 1
    if (this.monotonicMs() - this.sentMs >= maxWaitMs) this.flush()
  }

  /** What waits, taken out. */
  take(): LogBatch {
    const batch = { records: this.records, dropped: this.dropped }
    if (this.records.length > 0) this.records = []
    this.dropped = 0
    this.sentMs = this.monotonicMs()
    return batch
  }

  /** Sends what waits, if anything does. */
  flush(): void {
    if (this.records.length > 0 || this.dropped > 0) this.send(this.take())
  }

  private push(level: LogLevel, source: GuestLogRecord['source'], message: string): void {
    this.records.push({
      ...this.context,
      time: Math.max(0, this.now()),
      level,
      source,
      message: cut(message, this.maxBytes),
    })
  }

  private takeToken(nowMs: number): boolean {
    this.tokens = Math.min(logBurst, this.tokens + ((nowMs - this.refilledMs) * logsPerSecond) / 1_000)
    this.refilledMs = nowMs
    if (this.tokens < 1) return false
    this.tokens -= 1
    return true
  }
}

/** The text, cut at a character so that with its mark it takes at most the bytes of one record. */
function cut(message: string, maxBytes: number): string {
  // A UTF-16 unit takes at most three bytes in UTF-8.
  if (message.length * 3 <= maxBytes) return message
  if (Buffer.byteLength(message, 'utf8') <= maxBytes) return message
  const room = Math.max(0, maxBytes - Buffer.byteLength(cutMark, 'utf8'))
  const bytes = new Uint8Array(room)
  const { read } = new TextEncoder().encodeInto(message, bytes)
  return message.slice(0, read) + cutMark
}
