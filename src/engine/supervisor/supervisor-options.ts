/** What a module's supervisor is given, and what it runs. */
import type { GuestLogRecord } from '../../shared/domain/log.ts'
import type { ErrorReport } from '../../shared/errors.ts'
import type { HostCall, HostOutcome, LoadSpec } from '../../shared/sandbox/protocol.ts'
import type { HostCallBounds } from '../sandboxes/sandbox.ts'
import type { Clock } from '../clock.ts'
import type { ContractSession } from '../contracts/session.ts'
import type { Gate } from '../sandboxes/gates/gate.ts'
import type { SandboxLauncher } from '../sandboxes/launcher.ts'
import type { Remembered } from './failure-history.ts'
import type { LifecyclePolicy } from './lifecycle.ts'

/** What a module is made of once its bundle has been read and judged. */
export interface Blueprint {
  /** The session runs processes of its own; none is launched for the module. */
  readonly bringsProcesses: boolean
  /** Compiles or finds the artifact, which may have been evicted since; answers its directory. Throws `compiler.*`, `component.*`. */
  compile(signal: AbortSignal): Promise<string>
  /** The load message for a run on that artifact. */
  loadSpec(run: number, artifactDirectory: string): LoadSpec
  createSession(hooks: SessionHooks, predecessor: ContractSession | undefined): ContractSession
}

export interface SessionHooks {
  onFailed(error: ErrorReport): void
  onHealthy(): void
  /** Calls wait for a budget, for who knows how long: whoever waits for the module to run need not. */
  onWaiting(): void
}

export interface SupervisorOptions {
  readonly name: string
  readonly launcher: SandboxLauncher
  readonly sandboxEntry: string
  /** Launching and instantiating take a permit of it (spec tools 9). */
  readonly preparing: Gate
  readonly clock: Clock
  readonly random: () => number
  readonly policy: () => LifecyclePolicy
  readonly nextGeneration: () => number
  /** Reads and judges the bundle. Throws typed errors: the module is then dead. */
  readonly resolve: () => Promise<Blueprint>
  readonly onHostCall: (call: HostCall, run: number, bounds: HostCallBounds) => Promise<HostOutcome>
  readonly onLogs: (records: readonly GuestLogRecord[], dropped: number, run: number) => void
  readonly onProcess: (report: { residentBytes: number; cpuUs: number; wallUs: number }) => void
  readonly onLoaded: (memoryBytes: number, storeBytes: number) => void
  /** Supervisor events for log and console (spec nexum-host 12.6). */
  readonly onEvent: (
    level: GuestLogRecord['level'],
    event: string,
    message: string,
    error?: ErrorReport,
  ) => void
  readonly onChange: () => void
  /** What an engine before this one remembered of it. */
  readonly remembered?: Remembered | undefined
  /** Called whenever that changed. */
  readonly remember?: (record: Remembered) => void
}
