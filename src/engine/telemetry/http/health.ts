/** Whether the engine does its work, as `/health` and `/ready` tell it (spec nexum-host 14.3). Pure. */
import type { ChainView } from '../../../shared/domain/chain.ts'
import type { ModuleView } from '../../../shared/domain/module.ts'

/** The part of a module that its health is judged by. */
export interface ModuleHealth {
  readonly view: Pick<ModuleView, 'name' | 'status' | 'subscriptions'>
  /** Wall clock of the last event it was given, in milliseconds; null when there was none. */
  readonly lastEventAt: number | null
  /** Chains its manifest cannot do without. */
  readonly requiredChains: readonly string[]
}

export interface HealthInput {
  /** Wall clock, milliseconds. */
  readonly now: number
  readonly uptimeSeconds: number
  readonly staleAfterMs: number
  readonly modules: readonly ModuleHealth[]
  readonly chains: readonly Pick<ChainView, 'config' | 'status' | 'head' | 'endpoints'>[]
  blocksBehind(chainId: string): number
}

export interface HealthReport {
  readonly status: 'healthy' | 'unhealthy'
  readonly uptime_seconds: number
  readonly modules: Readonly<Record<string, { state: string; last_event_age_seconds: number | null }>>
  readonly chains: Readonly<
    Record<string, { connected: boolean; head_block: number | null; blocks_behind: number }>
  >
}

/** Unhealthy: a required chain without connection, a dead module, or one that waits for blocks in vain. */
export function healthReport(input: HealthInput): HealthReport {
  const { now, modules, chains } = input
  const isUnhealthy =
    modules.some(({ view }) => view.status.state === 'dead') ||
    !areRequiredChainsConnected(input) ||
    modules.some((module) => isStale(module, now, input.staleAfterMs))
  return {
    status: isUnhealthy ? 'unhealthy' : 'healthy',
    uptime_seconds: Math.floor(input.uptimeSeconds),
    modules: Object.fromEntries(
      modules.map(({ view, lastEventAt }) => [
        view.name,
        {
          state: stateOf(view),
          last_event_age_seconds:
            lastEventAt === null ? null : Math.max(0, Math.floor((now - lastEventAt) / 1_000)),
        },
      ]),
    ),
    chains: Object.fromEntries(
      chains.map((chain) => [
        chain.config.chainId,
        {
          connected: isConnected(chain),
          head_block: chain.head?.number ?? null,
          blocks_behind: input.blocksBehind(chain.config.chainId),
        },
      ]),
    ),
  }
}

/** At least one module runs, and every required chain is connected. */
export function isReady(input: HealthInput): boolean {
  return (
    input.modules.some(({ view }) => view.status.state === 'running') && areRequiredChainsConnected(input)
  )
}

function areRequiredChainsConnected({ modules, chains }: HealthInput): boolean {
  const connected = new Set(chains.filter(isConnected).map(({ config }) => config.chainId))
  return modules
    .filter(({ view }) => stateOf(view) !== 'stopped')
    .every(({ requiredChains }) => requiredChains.every((chainId) => connected.has(chainId)))
}

/** A chain that nobody listens to is not watched; it counts as connected until an endpoint failed. */
function isConnected({ status, endpoints }: HealthInput['chains'][number]): boolean {
  if (status === 'live') return true
  return status === 'idle' && endpoints.some(({ health }) => health !== 'failing')
}

function isStale({ view, lastEventAt }: ModuleHealth, now: number, staleAfterMs: number): boolean {
  if (view.status.state !== 'running') return false
  if (!view.subscriptions.some(({ kind }) => kind === 'block')) return false
  return now - Math.max(lastEventAt ?? 0, view.status.since) > staleAfterMs
}

function stateOf({ status }: ModuleHealth['view']): string {
  return status.state === 'needs-consent' || status.state === 'stopping' ? 'stopped' : status.state
}
