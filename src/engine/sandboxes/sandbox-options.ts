/** What a sandbox process is started with, what it tells, and how long it may take. */
import type { ErrorReport } from '../../shared/errors.ts'
import type { GuestLogRecord } from '../../shared/domain/log.ts'
import type { EndClass } from '../../shared/domain/module.ts'
import type { HostCall, HostOutcome } from '../../shared/sandbox/protocol.ts'
import type { Clock } from '../clock.ts'
import type { ProcessExit, SandboxLauncher } from './launcher.ts'

/** Start values with their reasons: style 4; the 3 s are issue 3's bound for a silent sandbox. */
export const sandboxTimes = {
  readyMs: 20_000,
  /** Instantiating the largest components (12 MB StarlingMonkey) takes seconds on a slow machine. */
  loadMs: 60_000,
  pingEveryMs: 1_000,
  checkEveryMs: 250,
  /** With the check's own period a silent sandbox is found within 3 s. */
  unresponsiveMs: 2_750,
  /** Added to a stop's grace before the process is killed. */
  stopSlackMs: 2_000,
  /** Added to a call's deadline before the engine stops waiting for the sandbox's own watchdog. */
  deadlineSlackMs: 3_000,
} as const

/** How long a host call may take. */
export interface HostCallBounds {
  /** Stops the clock of the guest call; what it answers lets it go on. */
  readonly pauseDeadline: () => () => void
  /** Aborted when the guest call ends, however it ends, or its process. */
  readonly signal: AbortSignal
}

export interface SandboxHandlers {
  onHostCall(call: HostCall, bounds: HostCallBounds): Promise<HostOutcome>
  onLogs(records: readonly GuestLogRecord[], dropped: number): void
  /** What a program says while its one long call runs; checked by its contract's schema. */
  onMail?(letters: readonly unknown[]): void
  onProcess(report: { residentBytes: number; cpuUs: number; wallUs: number }): void
  /** A line the process itself printed; diagnostics only. */
  onOutput(line: string): void
}

/** The one report of a sandbox's end: `error` is null after an orderly stop. */
export interface SandboxEnd {
  readonly class: EndClass
  readonly exit: ProcessExit
  /** Why we killed it, when we did. */
  readonly killReason: ErrorReport | null
  readonly error: ErrorReport | null
}

export interface SandboxOptions {
  readonly launcher: SandboxLauncher
  readonly entry: string
  readonly serviceName: string
  readonly generation: number
  readonly clock: Clock
  readonly execArgv?: readonly string[]
  /** Resident bytes from which the process is killed with `sandbox.out_of_memory`. */
  readonly residentLimitBytes: number
  /** Threads are begun by `openThread`; there is none from the start. */
  readonly shared?: boolean
  readonly handlers: SandboxHandlers
}
