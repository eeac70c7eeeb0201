/** What the entries of all flows share. */
import type { FlowEnd } from '../../../shared/contracts/flow.ts'
import type { LogLevel } from '../../../shared/domain/primitives.ts'
import type { ErrorReport } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { StateHub } from '../../state-hub.ts'
import type { EngineLog } from '../../telemetry/engine-log.ts'
import type { LogHub } from '../../telemetry/log-hub.ts'
import type { CheckFileOptions } from '../file/model.ts'
import { emptyFigures } from '../figures/empty-figures.ts'
import type { RunMeans } from '../runs/flow-run.ts'
import { startFailure } from '../runs/run-end.ts'
import type { StageComponents } from './stage-components.ts'

export type OutsideSettings = Pick<CheckFileOptions, 'environment' | 'userFile'>

export interface FlowServices {
  readonly clock: Clock
  readonly logs: LogHub
  /** Lines of the engine itself. */
  readonly log: EngineLog
  readonly state: StateHub
  readonly components: StageComponents
  readonly runs: RunMeans
  /** Where flows keep what is theirs, a folder each. */
  readonly directory: string
  /** The environment and the settings of the user, which lie under those of a flow file. */
  readonly outside: OutsideSettings
  readonly logLevel: (flow: string) => LogLevel
  readonly isKept: (flow: string, level: LogLevel) => boolean
}

/** The end of a flow that never ran. */
export function endWithoutRun(state: 'cancelled' | 'failed', error: ErrorReport): FlowEnd {
  return {
    state,
    failure: state === 'failed' ? startFailure(error) : null,
    figures: emptyFigures({ nodes: [], edges: [] }, state),
    leaked: 0,
  }
}
