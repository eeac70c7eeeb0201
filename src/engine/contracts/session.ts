/**
 * What a contract does with a loaded module while it lives. One session per loaded module, across
 * its runs; the supervisor drives it and knows nothing of the contract.
 */
import type { GuestLogRecord, LogContext } from '../../shared/domain/log.ts'
import type { ModuleLimits } from '../../shared/domain/limits.ts'
import type { Dispatch } from '../../shared/domain/module.ts'
import type { ErrorReport } from '../../shared/errors.ts'
import type { CallReply, LoadResult } from '../../shared/sandbox/protocol.ts'
import type { Clock } from '../clock.ts'
import type { Admission } from '../events/admission.ts'
import type { EventSources } from '../events/sources.ts'
import type { ModuleManifest } from '../modules/manifest/model.ts'
import type { Sandbox } from '../sandboxes/sandbox.ts'

export type LoadedStore = Extract<LoadResult, { ok: true }>

/** What the engine lends to a session. */
export interface SessionContext {
  readonly name: string
  readonly manifest: ModuleManifest
  /** As they are now; the operator may change them while the module runs. */
  readonly limits: ModuleLimits
  readonly clock: Clock
  readonly sources: EventSources
  /** Permits and budgets for guest calls. */
  readonly admission: Admission
  recordDispatch(dispatch: Dispatch, reply: CallReply | null): void
  recordDropped(count: number): void
  /** A line of the engine about this module; `event` is its stable name (spec nexum-host 12.6). */
  log(
    level: GuestLogRecord['level'],
    event: string,
    message: string,
    code?: string,
    context?: LogContext,
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

export interface ContractSession {
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
