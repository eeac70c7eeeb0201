/** What one decider's commands share on its guest thread. */
import type { EventStore } from '../../../../event-store/event-store.ts'
import type { CommandSpec, DeciderDescriptor } from '../../../../shared/contracts/decider.ts'
import type { DeciderPolicy } from '../../../../shared/contracts/decider-limits.ts'
import type { LogLevel } from '../../../../shared/domain/primitives.ts'
import type { InstancePool } from '../guest/instance-pool.ts'

export interface DeciderEnvironment {
  readonly descriptor: DeciderDescriptor
  /** SHA-256 of the component. */
  readonly artifact: string
  readonly commands: ReadonlyMap<string, CommandSpec>
  readonly policy: DeciderPolicy
  readonly store: EventStore
  readonly pool: InstancePool
  log(level: LogLevel, message: string): void
}

/** Events after which a snapshot of this command's stream is due, null for never (spec decider 6, "Cadence"). */
export function effectiveCadence(spec: CommandSpec, policy: DeciderPolicy): number | null {
  if (!policy.snapshots || spec.snapshotEvery === null) return null
  // What the operator sets for one command type is meant as it is.
  return policy.snapshotEvery[spec.type] ?? Math.max(spec.snapshotEvery, policy.snapshotFloor)
}
