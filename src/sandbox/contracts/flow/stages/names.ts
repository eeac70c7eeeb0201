/** Interfaces of a stage, as far as binding goes (spec flows 1). */
import type { StageRole } from '../../../../shared/contracts/flow.ts'

export const typesName = 'torvyn:streaming/types@0.1.0'
export const allocatorName = 'torvyn:streaming/buffer-allocator@0.1.0'
export const capabilityQueryName = 'torvyn:capabilities/capability-query@0.1.0'
export const lifecycleName = 'torvyn:streaming/lifecycle@0.1.0'

/** The interface of each role, the function that elements come from or go to, and the others. */
export const roleExports: Readonly<
  Record<StageRole, { readonly interface: string; readonly main: string; readonly further: string | null }>
> = {
  source: { interface: 'torvyn:streaming/source@0.1.0', main: 'pull', further: 'notify-backpressure' },
  processor: { interface: 'torvyn:streaming/processor@0.1.0', main: 'process', further: null },
  sink: { interface: 'torvyn:streaming/sink@0.1.0', main: 'push', further: 'complete' },
  filter: { interface: 'torvyn:filtering/filter@0.1.0', main: 'evaluate', further: null },
  router: { interface: 'torvyn:filtering/router@0.1.0', main: 'route', further: null },
  aggregator: { interface: 'torvyn:aggregation/aggregator@0.1.0', main: 'ingest', further: 'flush' },
}
