/** The flows of an engine, put together from its parts. */
import path from 'node:path'
import type { Compiler } from '../compiler/compiler.ts'
import type { Capabilities } from '../composition/capabilities.ts'
import type { Foundation } from '../composition/foundation.ts'
import type { ContentService } from '../content/content-service.ts'
import type { EngineOptions } from '../engine-options.ts'
import type { EventSources } from '../events/sources.ts'
import type { ProcessMeans } from '../sandboxes/launch-process.ts'
import { flowVariables } from './flow-variables.ts'
import { guestLogLevel, isAtLeast } from '../telemetry/log-thresholds.ts'
import { FlowStores } from './ends/store-sink.ts'
import { FlowRecords } from './records/flow-records.ts'
import { flowLogName } from './runs/run-journal.ts'
import { FlowService } from './service/flow-service.ts'
import { StageComponents } from './service/stage-components.ts'

export interface FlowParts {
  readonly processes: ProcessMeans
  readonly compiler: Compiler
  readonly contents: ContentService
  readonly sources: EventSources
}

export function createFlows(
  options: EngineOptions,
  foundation: Foundation,
  { networks }: Capabilities,
  { processes, compiler, contents, sources }: FlowParts,
): FlowService {
  const { clock, state, logs, log, gates, chains, operator, metrics } = foundation
  const directory = path.join(options.stateDir, 'flows')
  const levelOf = (flow: string): ReturnType<typeof guestLogLevel> =>
    guestLogLevel(operator(), flowLogName(flow))
  const service = new FlowService({
    records: new FlowRecords(options.settings, state),
    services: {
      clock,
      logs,
      log,
      state,
      directory,
      components: new StageComponents({ compiler, contents }),
      outside: { environment: options.flowEnvironment ?? flowVariables(process.env) },
      logLevel: levelOf,
      isKept: (flow, level) => isAtLeast(level, levelOf(flow)),
      runs: {
        processes,
        clock,
        preparing: gates.preparing,
        ends: {
          clock,
          sources,
          publish: networks.publish,
          stores: new FlowStores({
            directory,
            entry: path.join(path.dirname(options.entries.sandbox), 'flow-store.cjs'),
            clock,
          }),
          isChainConfigured: (chainId) => chains.configs().some((chain) => chain.chainId === chainId),
        },
      },
    },
  })
  metrics.observeFlows(() =>
    service
      .all()
      .map(({ id, figures, runner }) => ({ flow: id, figures, state: runner.state, rate: runner.rate })),
  )
  return service
}
