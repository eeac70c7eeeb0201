/** Times the running guest call from the sandbox's main thread, which never runs guest code. */
import type { GuestCall } from '../../shared/sandbox/protocol.ts'
import { monotonicMs, type ControlBlock } from './control.ts'

/** A call that waits for its commit past its deadline gets this long before the thread is ended anyway. */
const settleGraceMs = 2_000
/** How soon a cancelled call is looked after that may begin at any moment. */
const cancelCheckMs = 10
/** How often SQL is looked after while calls are under way: it may begin at any moment. */
const statementCheckMs = 50
/** The same of steps, which bear no time of their own: what is seen twice is at most so much older than it was seen. */
const stepCheckMs = 25
/** A pause that nobody ends counts no longer than this. */
const maxPauseMs = 600_000
/** Node's timers take no longer delay. */
const maxDelayMs = 0x7fff_ffff

export interface WatchedCall {
  readonly ordinal: number
  readonly call: GuestCall
  cancelled: boolean
  /** How long the deadline's clock stood still, and since when it does. */
  pausedMs?: number
  pausedSinceMs?: number | undefined
}

export type EndReason = 'deadline' | 'cancelled' | 'statement' | 'step'

export interface WatchdogOptions {
  readonly control: ControlBlock
  /** Calls sent to the guest thread and not answered, in order. */
  readonly outstanding: () => Iterable<WatchedCall>
  /** Called once when the guest thread must be terminated. `settled` tells that the call was settling already. */
  readonly onOverdue: (call: WatchedCall, reason: EndReason, settled: boolean) => void
  /** Whether the thread runs SQL with budgets of its own (spec actors-sql 10). */
  readonly watchesStatements: () => boolean
  /** Whether the running call marks steps with budgets of their own. */
  readonly watchesSteps: () => boolean
}

/** One timer for all calls: set to the earliest moment at which one could be overdue, then looked at anew. */
export class Watchdog {
  private readonly options: WatchdogOptions
  private timer: NodeJS.Timeout | undefined
  private dueMs = Number.POSITIVE_INFINITY
  /** The step that was seen last, and when first. */
  private seenStep = 0
  private seenSinceMs = 0

  constructor(options: WatchdogOptions) {
    this.options = options
  }

  /** A call was sent; it cannot be overdue before `deadlineMs` from now. */
  watch(deadlineMs: number): void {
    this.arm(monotonicMs() + Math.min(deadlineMs, this.lookAgainMs()))
  }

  /** A call was cancelled: ends it if it runs, else sees to it that it does not begin unseen. */
  checkCancelled(): void {
    this.check()
  }

  /** The clock of the call's deadline stands still, or goes on. */
  pause(watched: WatchedCall, paused: boolean): void {
    const nowMs = monotonicMs()
    if (paused) {
      watched.pausedSinceMs ??= nowMs
      return
    }
    watched.pausedMs = pausedFor(watched, nowMs)
    watched.pausedSinceMs = undefined
    this.check()
  }

  close(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.dueMs = Number.POSITIVE_INFINITY
  }

  private arm(dueMs: number): void {
    if (dueMs >= this.dueMs) return
    clearTimeout(this.timer)
    this.dueMs = dueMs
    const delayMs = Math.min(maxDelayMs, Math.max(0, Math.ceil(dueMs - monotonicMs())))
    this.timer = setTimeout(() => this.check(), delayMs)
  }

  private check(): void {
    this.close()
    const { control, outstanding, onOverdue } = this.options
    const nowMs = monotonicMs()
    const running = control.runningCall()
    const statement = this.options.watchesStatements() ? control.runningStatement() : undefined
    let nextMs = Number.POSITIVE_INFINITY
    for (const watched of outstanding()) {
      const { call } = watched
      const isRunning = running?.ordinal === watched.ordinal
      if (isRunning && statement !== undefined && statement.ranMs >= statement.budgetMs) {
        onOverdue(watched, 'statement', !control.stop(watched.ordinal))
        return
      }
      if (isRunning && this.isStepOverdue(nowMs)) {
        onOverdue(watched, 'step', !control.stop(watched.ordinal))
        return
      }
      const allowedMs = call.deadlineMs + pausedFor(watched, nowMs)
      const dueMs = isRunning ? running.startedMs + allowedMs : nowMs + call.deadlineMs
      if (isRunning && (watched.cancelled || dueMs <= nowMs)) {
        const reason = watched.cancelled ? 'cancelled' : 'deadline'
        const stopped = control.stop(watched.ordinal)
        if (stopped || (!watched.cancelled && dueMs + settleGraceMs <= nowMs)) {
          onOverdue(watched, reason, !stopped)
          return
        }
        nextMs = Math.min(nextMs, watched.cancelled ? nowMs + cancelCheckMs : dueMs + settleGraceMs)
        continue
      }
      const { pausedSinceMs } = watched
      const pauseEndsMs = pausedSinceMs === undefined ? 0 : pausedSinceMs + maxPauseMs
      nextMs = Math.min(nextMs, watched.cancelled ? nowMs + cancelCheckMs : Math.max(dueMs, pauseEndsMs))
    }
    if (nextMs === Number.POSITIVE_INFINITY) return
    this.arm(Math.min(nextMs, nowMs + this.lookAgainMs()))
  }

  /** How soon to look after what may begin at any moment. */
  private lookAgainMs(): number {
    if (this.options.watchesSteps()) return stepCheckMs
    return this.options.watchesStatements() ? statementCheckMs : Number.POSITIVE_INFINITY
  }

  private isStepOverdue(nowMs: number): boolean {
    if (!this.options.watchesSteps()) return false
    const step = this.options.control.runningStep()
    if (step === undefined) return false
    if (step.count === this.seenStep) return nowMs - this.seenSinceMs >= step.budgetMs
    this.seenStep = step.count
    this.seenSinceMs = nowMs
    return false
  }
}

function pausedFor({ pausedMs = 0, pausedSinceMs }: WatchedCall, nowMs: number): number {
  return pausedSinceMs === undefined ? pausedMs : pausedMs + Math.min(maxPauseMs, nowMs - pausedSinceMs)
}
