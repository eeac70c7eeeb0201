/** The call that an instance serves: how long it may take, and what it says (spec tools 3). */
import { maxToolLogLineBytes, maxToolLogLines } from '../../../shared/contracts/tool-call.ts'
import type { LogLevel } from '../../../shared/domain/primitives.ts'
import { cutBetweenWords } from '../../../shared/text.ts'
import type { LogBuffer } from '../../bridge/log-buffer.ts'
import type { Diagnostics } from './diagnostics.ts'

type CallLog = Pick<LogBuffer, 'addOwn' | 'drop' | 'flush'>

export class ActiveCall {
  /** In milliseconds of `performance.now`. */
  readonly endsAt: number
  /** Records sent so far. */
  logged = 0
  private readonly sink: CallLog
  private lines = 0

  constructor(log: CallLog, deadlineMs: number) {
    this.sink = log
    this.endsAt = performance.now() + deadlineMs
  }

  get isOverdue(): boolean {
    return performance.now() >= this.endsAt
  }

  /** Sends a line of the guest at once: a thread that is ended takes with it what it has not sent. */
  log(level: LogLevel, message: string): void {
    if (this.lines >= maxToolLogLines) {
      this.sink.drop()
      return
    }
    this.lines += 1
    this.logged += 1
    this.sink.addOwn(level, 'host_interface', cutBetweenWords(message, maxToolLogLineBytes))
    this.sink.flush()
  }

  /** Sends what was printed: before the guest waits some of it, at the end all. */
  tellPrinted(diagnostics: Diagnostics, when: 'early' | 'end'): void {
    for (const { source, message } of when === 'end' ? diagnostics.take() : diagnostics.takeEarly()) {
      this.logged += 1
      this.sink.addOwn(source === 'stderr' ? 'warn' : 'info', source, message)
    }
  }
}
