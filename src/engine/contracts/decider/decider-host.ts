/** A version of a decider that is loaded, as the service sees it: a module's session. */
import type {
  DeciderDescriptor,
  DryRunPayload,
  ExecutePayload,
  ExecutionOutcome,
  OpenedDecider,
  StateView,
} from '../../../shared/contracts/decider.ts'
import type { StoreAnswer, StoreQuery } from '../../../shared/contracts/decider-views.ts'
import type { RoutedVersion } from './routing/routing-table.ts'

export interface DeciderHost extends RoutedVersion {
  /** Name under which the module is installed. */
  readonly module: string
  readonly artifact: string
  readonly descriptor: DeciderDescriptor
  readonly effectiveSnapshots: OpenedDecider['effectiveSnapshots']
  /** Commands that wait or run. */
  readonly inFlight: number
  /** Many of its last commands trapped. */
  readonly degraded: boolean
  /** Rejects only for what no guest answered. */
  execute(payload: ExecutePayload): Promise<ExecutionOutcome>
  dryRun(payload: DryRunPayload): Promise<ExecutionOutcome>
  stateAt(streamId: string, at: number | null): Promise<StateView>
  read(query: StoreQuery): Promise<StoreAnswer>
}

/** What a session says to the service. */
export interface DeciderRegistrar {
  /**
   * The decider of `host` is open. With `predecessor`, the version that was in its place and gives way. Throws
   * `decider.duplicate_route`.
   */
  register(host: DeciderHost, predecessor: DeciderHost | null): void
  /** It is stopped or dead: its types are no longer routed. */
  unregister(host: DeciderHost): void
}
