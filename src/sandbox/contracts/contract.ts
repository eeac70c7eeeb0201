/**
 * The guest side of a contract: what a component of its world imports, and how its exports are called.
 * A contract is a plug-in: one folder here, one in the engine, registered in `registry.ts` on each side.
 */
import type { HostError } from '../../shared/sandbox/host-error.ts'
import type { Linkage } from '../../shared/sandbox/protocol.ts'
import type { LogLevel } from '../../shared/domain/primitives.ts'
import type { ExportTypes } from '../binding/bind-component.ts'
import type { BoundComponent } from '../binding/bind-component.ts'
import type { HostInterface } from '../binding/types.ts'
import type { CallCounts } from './call-counts.ts'
import type { CallHost, GuestProgram, ProgramContext } from '../programs/guest-program.ts'
import type { ModuleStore } from '../store/module-store.ts'

/** What the sandbox lends to the host functions of a contract. */
export interface GuestServices {
  /** Null for contracts without a store. */
  readonly store: ModuleStore | null
  /** Counts what the guest calls. */
  readonly counts: CallCounts
  /** How the capability is linked; `denied` when nothing was said about it. */
  linkage(capability: string): Linkage
  log(level: LogLevel, message: string): void
  readonly callHost: CallHost
  /** Unix time in milliseconds. */
  nowMs(): number
  /** Nanoseconds since instantiation, never decreasing. */
  monotonicNs(): bigint
  /** Bytes of the platform's CSPRNG. Throws where it fails. */
  randomBytes(length: number): Uint8Array
}

/** What a guest export answered: its value, or its contract's own error. */
export type GuestAnswer =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: HostError }

/** One guest export call, its payload checked. Throws what the binder throws. */
export type PreparedCall = () => GuestAnswer

export interface GuestContract {
  /** The same id as on the engine's side. */
  readonly id: string
  /** Brings a component to life on the guest thread. Throws `sandbox.*` and `store.*`. */
  createProgram(context: ProgramContext): Promise<GuestProgram>
}

/** A contract whose guests live long and whose calls are transactions on the module's store. */
export interface TransactionalContract {
  readonly id: string
  readonly usesStore: boolean
  readonly exports: ExportTypes
  /** Every interface of the contract's world, each real or a stub by its linkage. */
  hosts(services: GuestServices): HostInterface[]
  /** How the exports of `component`, bound by `exports`, are called by operation. */
  operations(component: BoundComponent<ExportTypes>): GuestOperations
}

export interface GuestOperations {
  /** Whether the operation writes nothing: its writes to the store are refused and nothing of it is committed. */
  isPure?(operation: string): boolean
  /** Checks the payload. Throws `internal.bug` for one that the engine must not send. */
  prepare(operation: string, payload: unknown): PreparedCall
}
