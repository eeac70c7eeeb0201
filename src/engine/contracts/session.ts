/**
 * What a contract does with a loaded module while it lives. One session per loaded module, across
 * its runs; the supervisor drives it and knows nothing of the contract.
 */
import type { GuestLogRecord, LogDetails } from '../../shared/domain/log.ts'
import type { ModuleGrants } from '../../shared/domain/operator/grants.ts'
import type { ModuleLimits } from '../../shared/domain/limits.ts'
import type { Dispatch } from '../../shared/domain/module.ts'
import type { ErrorReport } from '../../shared/errors.ts'
import type { CallReply, LoadResult, LoadSpec } from '../../shared/sandbox/protocol.ts'
import type { Clock } from '../clock.ts'
import type { Admission } from '../events/admission.ts'
import type { RateLimits } from '../events/rate-bucket.ts'
import type { EventSources } from '../events/sources.ts'
import type { DropReason } from '../telemetry/metrics/metrics-port.ts'
import type { ModuleManifest } from '../modules/manifest/model.ts'
import type { Gate } from '../sandboxes/gates/gate.ts'
import type { ProcessRequest } from '../sandboxes/launch-process.ts'
import type { Sandbox } from '../sandboxes/sandbox.ts'
import type { ContractServices } from './services.ts'

export type LoadedStore = Extract<LoadResult, { ok: true }>

/** What the engine lends to a session. */
export interface SessionContext {
  readonly name: string
  readonly manifest: ModuleManifest
  /** What the operator set for it beyond its capabilities. */
  readonly grants: ModuleGrants
  /** As they are now; the operator may change them while the module runs. */
  readonly limits: ModuleLimits
  /** How many events may enter a second (spec nexum-host 11); as it is now. */
  readonly rate: RateLimits
  readonly clock: Clock
  readonly sources: EventSources
  /** What contracts offer beside running their modules. */
  readonly services: ContractServices
  /** Permits and budgets for guest calls. */
  readonly admission: Admission
  /** Further permits and budgets of the module, for a contract whose guests run side by side: one for each guest. */
  createAdmission(): Admission
  /** Launching and instantiating take a permit of it (spec tools 9). */
  readonly preparing: Gate
  /** Verifies the artifact of this run, or makes it again; answers its directory. Throws `compiler.*`, `component.*`. */
  compile(): Promise<string>
  /** Starts a sandbox process for a contract that brings its own. Never throws: a failed launch is its end. */
  launch(request: ProcessRequest): Sandbox
  recordDispatch(dispatch: Dispatch, reply: CallReply | null): void
  /** Events that never reached the guest; `eventType` as in logs. */
  recordDropped(count: number, reason?: DropReason, eventType?: string): void
  /** Lines of guests in processes that the contract started. */
  guestLogs(records: readonly GuestLogRecord[], dropped: number): void
  /** A line of the engine about this module; `event` is its stable name (spec nexum-host 12.6). */
  log(
    level: GuestLogRecord['level'],
    event: string,
    message: string,
    code?: string,
    details?: LogDetails,
  ): void
  /** A dispatch was committed: the module works. */
  onHealthy(): void
  /** The instance is dead; the supervisor replaces it by policy. */
  onFailed(error: ErrorReport): void
}

/** How `initialise` went. `rejected` is a configuration fault that trying again cannot mend. */
export type InitOutcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'rejected'; readonly error: ErrorReport }
  | { readonly kind: 'failed'; readonly error: ErrorReport }

/**
 * How a module is run whose contract brings its own processes (`Contract.processes`), in place of one sandbox: the
 * module runs once `start` is ok, however many processes there are then. What fails for good is told by `onFailed`.
 */
export interface OwnProcesses {
  /** Process ids, for figures. */
  readonly pids: readonly number[]
  /** Gets ready to serve; `spec` is the load message of this run, to be completed by the contract. */
  start(spec: LoadSpec, run: number): Promise<InitOutcome>
  /** Ends every process, with `graceMs` for what runs; 0 means at once. Settles when all are gone; never rejects. */
  stop(graceMs: number): Promise<void>
}

export interface ContractSession {
  /** Set where the contract brings its own processes; `initialise` and `open` are then not called. */
  readonly processes?: OwnProcesses
  /** Events that wait for the guest. */
  readonly queued: number
  /** First call of a run, before anything else reaches the guest. */
  initialise(sandbox: Sandbox, store: LoadedStore, run: number): Promise<InitOutcome>
  /** The module runs: open sources that are not open yet, and send what waits. */
  open(sandbox: Sandbox, run: number): void
  /** The sandbox goes away; events keep waiting. */
  detach(): void
  /** The module is stopped or dead: close the sources and forget what waits. */
  close(): void
}
