/** The metrics of one engine: what its modules and chains bound and what is read of them. */
import type { ChainConfig } from '../../../shared/domain/chain.ts'
import type { Clock } from '../../clock.ts'
import type { ModuleEntry } from '../../modules/module-entry.ts'
import { MetricRegistry } from './metric-registry.ts'
import type { ModuleFigure } from './observed.ts'

export interface EngineMetricsOptions {
  readonly clock: Clock
  readonly chains: () => readonly ChainConfig[]
  readonly modules: () => readonly ModuleEntry[]
}

/** Begins to count; the uptime runs from here. */
export function createEngineMetrics({ clock, chains, modules }: EngineMetricsOptions): MetricRegistry {
  const startedAt = clock.monotonicMs()
  return new MetricRegistry({
    bounds: {
      isConfigured: (chainId) => chains().some((chain) => chain.chainId === chainId),
      isExtraMethod: (method) => chains().some(({ extraMethods }) => extraMethods.includes(method)),
    },
    figures: () => ({
      uptimeSeconds: (clock.monotonicMs() - startedAt) / 1_000,
      modules: modules().map(moduleFigure),
    }),
  })
}

function moduleFigure({ name, supervisor, metrics, limits }: ModuleEntry): ModuleFigure {
  const { name: phase } = supervisor.phase
  return {
    name,
    isLoaded: phase === 'initialising' || phase === 'running' || phase === 'restarting',
    isDead: phase === 'dead',
    isPoisoned: supervisor.quarantine !== null,
    restarts: supervisor.restarts,
    consecutiveFailures: supervisor.consecutiveFailures,
    stateBytes: metrics.store,
    stateBytesLimit: limits.storeBytes,
    memoryBytes: metrics.memory,
  }
}
