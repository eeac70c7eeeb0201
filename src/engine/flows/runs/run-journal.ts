/** What is said of one run: lines of its stages and its own, tagged with the flow (and the stage), bounded in rate. */
import { maxLogRecordBytes } from '../../../shared/domain/limits.ts'
import type { GuestLogRecord } from '../../../shared/domain/log.ts'
import type { LogLevel } from '../../../shared/domain/primitives.ts'
import type { ErrorCode } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { LogHub } from '../../telemetry/log-hub.ts'
import { TokenBucket } from '../../token-bucket.ts'

/** Events of a program at once, and how many a second are granted anew: pressure may come and go quickly. */
const eventBurst = 64
const eventsPerSecond = 16

export interface JournalOptions {
  readonly flow: string
  readonly run: number
  readonly logs: LogHub
  readonly clock: Clock
  /** Lines below this level are not kept. */
  readonly isKept: (level: LogLevel) => boolean
}

/** The name under which lines of a flow are found: no module has one like it. */
export function flowLogName(flow: string): string {
  return `flow/${flow}`
}

export class RunJournal {
  private readonly options: JournalOptions
  private readonly bucket: TokenBucket
  private held = 0

  constructor(options: JournalOptions) {
    this.options = options
    this.bucket = new TokenBucket(options.clock, eventBurst, eventsPerSecond)
  }

  /** Lines that stages printed. */
  guest(records: readonly GuestLogRecord[], dropped: number): void {
    const { logs, flow, run } = this.options
    logs.append(records.map((record) => ({ ...record, module: flowLogName(flow), run })))
    if (dropped > 0) this.tell('warn', 'log_dropped', `${dropped} lines of stages were over the rate`)
  }

  /** An event of the program, which may send more than anybody reads. */
  event(level: LogLevel, event: string, node: string | null, message: string): void {
    if (!this.options.isKept(level)) return
    const isGrave = level === 'error' || level === 'warn'
    if (!this.bucket.tryTake() && !isGrave) {
      this.held += 1
      return
    }
    if (this.held > 0) {
      this.write('debug', 'events_held', null, `${this.held} events were over the rate and are not shown.`)
      this.held = 0
    }
    this.write(level, event, node, message)
  }

  /** A line of the engine about the run. */
  tell(level: LogLevel, event: string, message: string, code?: ErrorCode, node: string | null = null): void {
    if (this.options.isKept(level)) this.write(level, event, node, message, code)
  }

  private write(
    level: LogLevel,
    event: string,
    node: string | null,
    message: string,
    code?: ErrorCode,
  ): void {
    const { logs, flow, run, clock } = this.options
    logs.append([
      {
        time: clock.now(),
        level,
        source: 'engine',
        message: message.slice(0, maxLogRecordBytes),
        module: flowLogName(flow),
        run,
        event,
        ...(node === null ? {} : { node }),
        ...(code === undefined ? {} : { code }),
      },
    ])
  }
}
