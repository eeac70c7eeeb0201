/**
 * What contracts offer beside running their modules, one of each per engine: sessions register what they serve, the
 * engine's API calls it. A contract adds one line here and its factory to `createContractServices`.
 */
import type { PaddockError } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import type { Gate } from '../sandboxes/gates/gate.ts'
import type { ProcessMeans } from '../sandboxes/launch-process.ts'
import type { EngineLog } from '../telemetry/engine-log.ts'
import { ActorService } from './actor/service.ts'
import { DeciderService } from './decider/decider-service.ts'
import { QueryService } from './query-module/query-service.ts'
import { ToolService, type ToolServiceOptions } from './tool/service.ts'

export interface ContractServices {
  /** Queries for query modules (spec nexum-host 9). */
  readonly queries: QueryService
  /** Commands for deciders, routed by their type (spec decider 3, 4). */
  readonly deciders: DeciderService
  /** Actors of every module (spec actors-sql 1). */
  readonly actors: ActorService
  /** Tools of every module, and their calls (spec tools 8 to 10). */
  readonly tools: ToolService
}

export interface ContractServicesOptions extends Pick<
  ToolServiceOptions,
  'governor' | 'broker' | 'keepGrants' | 'isInstalled'
> {
  /** Starts sandbox processes for what contracts do without a module. */
  readonly processes: ProcessMeans
  readonly preparing: Gate
  /** Tells the operator of an actor whose file is damaged, or, with null, that it is sound again. */
  readonly onNotice: (module: string, actorId: string, error: PaddockError | null) => void
  readonly clock: Clock
  readonly log: EngineLog
  /** Where the engine keeps its state. */
  readonly stateDir: string
  /** Where the modules' stores are. */
  readonly storesDirectory: string
}

export function createContractServices(options: ContractServicesOptions): ContractServices {
  return {
    queries: new QueryService(),
    deciders: new DeciderService(options),
    actors: new ActorService(options),
    tools: new ToolService(options),
  }
}
