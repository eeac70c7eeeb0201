/**
 * What the engine offers to guests through the bridge. A capability is a plug-in: one folder,
 * registered in `capabilities/registry.ts`. What a sandbox answers itself (local-store, logging,
 * clock, random) has no code here.
 */
import type { InstalledModule } from '../../shared/domain/settings.ts'
import type { HostError, HostErrorKind } from '../../shared/sandbox/host-error.ts'
import type { ModuleManifest } from '../modules/manifest/model.ts'

/** Who calls, and until when the answer is of use. */
export interface HostCallContext {
  readonly module: string
  readonly run: number
  /** What the module asked for; a request, not a grant. */
  readonly manifest: ModuleManifest
  /** What the operator granted, as it is at this call. */
  readonly record: InstalledModule
  /** Aborted when the guest call ends, is cancelled, or its deadline passes. */
  readonly signal: AbortSignal
  /**
   * Stops the clock of the guest call's deadline, for a wait on a person (spec nexum-host 8.11). What it answers lets
   * the clock go on and must be called once, within minutes.
   */
  pauseDeadline(): () => void
}

/**
 * One function of a capability. `args` come from a sandbox and are hostile until checked.
 * Answers a structured-cloneable value of the WIT result's ok type; fails with `HostFailure`.
 */
export type CapabilityFunction = (args: readonly unknown[], context: HostCallContext) => Promise<unknown>

export interface Capability {
  /** Name as in manifests (spec nexum-host 6.1). */
  readonly name: string
  /** Keyed by the WIT function name (`request-batch`). */
  readonly functions: Readonly<Record<string, CapabilityFunction>>
}

/** A typed failure that the guest sees as its contract's own error. */
export class HostFailure extends Error {
  readonly hostError: HostError

  constructor(
    domain: string,
    kind: HostErrorKind,
    message: string,
    options: { code?: number; data?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'HostFailure'
    this.hostError = {
      domain,
      kind,
      code: options.code ?? 0,
      message,
      ...(options.data === undefined ? {} : { data: options.data }),
    }
  }
}
