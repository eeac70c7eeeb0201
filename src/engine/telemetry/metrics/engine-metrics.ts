/** The metrics and the health of one engine: what its modules and chains bound and what is read of them. */
import type { ChainConfig } from '../../../shared/domain/chain.ts'
import type { ChainService } from '../../chains/chain-service.ts'
import type { Clock } from '../../clock.ts'
import type { ModuleEntry } from '../../modules/module-entry.ts'
import type { SettingsPort } from '../../settings-port.ts'
import type { HealthInput, ModuleHealth } from '../http/health.ts'
import { Observability } from '../http/observability.ts'
import { MetricRegistry } from './metric-registry.ts'
import type { ModuleFigure } from './observed.ts'

export interface EngineMetricsOptions {
  readonly clock: Clock
  readonly settings: SettingsPort
  readonly chains: () => Pick<ChainService, 'configs' | 'views'>
  readonly modules: () => readonly ModuleEntry[]
}

export interface EngineMetrics {
  readonly metrics: MetricRegistry
  readonly observability: Observability
}

/** Begins to count; the uptime runs from here. Listeners open when they are applied. */
export function createEngineMetrics(options: EngineMetricsOptions): EngineMetrics {
  const { clock, settings, chains, modules } = options
  const startedAt = clock.monotonicMs()
  const uptimeSeconds = (): number => (clock.monotonicMs() - startedAt) / 1_000
  const configs = (): readonly ChainConfig[] => chains().configs()
  const metrics = new MetricRegistry({
    bounds: {
      isConfigured: (chainId) => configs().some((chain) => chain.chainId === chainId),
      isExtraMethod: (method) => configs().some(({ extraMethods }) => extraMethods.includes(method)),
    },
    figures: () => ({ uptimeSeconds: uptimeSeconds(), modules: modules().map(moduleFigure) }),
  })
  const health = (): HealthInput => ({
    now: clock.now(),
    uptimeSeconds: uptimeSeconds(),
    staleAfterMs: settings.get().operator.health.staleEventThresholdMs,
    chains: chains().views(),
    modules: modules().map(moduleHealth),
    blocksBehind: (chainId) => metrics.blocksBehindOf(chainId),
  })
  return { metrics, observability: new Observability({ metrics, health }) }
}

function moduleHealth(module: ModuleEntry): ModuleHealth {
  const [last] = module.dispatches(1)
  const { manifest, subscriptions } = module.assessment ?? {}
  const subscribed = (subscriptions ?? []).flatMap((each) => ('chainId' in each ? [each.chainId] : []))
  return {
    view: module.view(),
    lastEventAt: last === undefined ? null : last.startedAt + last.durationMs,
    requiredChains: [...new Set([...(manifest?.chains.required ?? []), ...subscribed])],
  }
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
