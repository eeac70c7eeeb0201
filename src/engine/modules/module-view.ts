/** A module as the console sees it, put together from its parts. */
import { defaultLimits, type ModuleLimits } from '../../shared/domain/limits.ts'
import type { CapabilityStanding, ModuleStatus, ModuleView } from '../../shared/domain/module.ts'
import type { InstalledModule } from '../../shared/domain/settings.ts'
import type { ModuleSupervisor } from '../supervisor/module-supervisor.ts'
import type { ModuleMetrics } from '../telemetry/module-metrics.ts'
import type { Assessment } from './assess.ts'
import type { CapabilityCounts } from './capability-counts.ts'
import { capabilityStandings } from './grants.ts'

export interface ViewParts {
  readonly record: InstalledModule
  /** Null before the bundle was read. */
  readonly assessment: Assessment | null
  readonly supervisor: ModuleSupervisor
  readonly metrics: ModuleMetrics
  readonly calls: CapabilityCounts
}

export function moduleView({ record, assessment, supervisor, metrics, calls }: ViewParts): ModuleView {
  const manifest = assessment?.manifest
  const limitsSet = definedLimits(record.limits)
  return {
    name: record.name,
    version: manifest?.version ?? '',
    description: manifest?.description ?? '',
    authors: [...(manifest?.authors ?? [])],
    contract: assessment?.contract ?? null,
    bundlePath: record.bundlePath,
    componentSha256: assessment?.componentSha256 ?? record.componentSha256,
    componentBytes: assessment?.componentBytes ?? null,
    pinned: assessment?.pinned ?? false,
    status: statusOf(supervisor),
    run: supervisor.run,
    restarts: supervisor.restarts,
    pid: supervisor.pid,
    subscriptions: [...(assessment?.subscriptions ?? [])],
    capabilities: assessment === null ? [] : standings(assessment, record.granted, calls),
    config: (manifest?.config ?? []).map(([key, value]) => [key, value]),
    limits: assessment?.limitsGiven ?? { ...defaultLimits, ...limitsSet },
    limitsAsked: assessment?.limitsAsked ?? {},
    limitsSet,
    usage: metrics.usage(supervisor.queued),
    lastError: newer(supervisor.lastError, metrics.lastRollback),
    quarantine: supervisor.quarantine,
    warnings: [...(assessment?.warnings ?? [])],
  }
}

function newer(a: ModuleView['lastError'], b: ModuleView['lastError']): ModuleView['lastError'] {
  return a === null || (b !== null && b.time > a.time) ? b : a
}

/** A module that only waits for consent is not dead. */
export function statusOf({ status }: ModuleSupervisor): ModuleStatus {
  return status.state === 'dead' && status.error.code === 'module.consent_required'
    ? { state: 'needs-consent', since: status.since }
    : status
}

export function definedLimits(limits: InstalledModule['limits']): Partial<ModuleLimits> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}

function standings(
  assessment: Assessment,
  granted: readonly string[],
  calls: CapabilityCounts,
): CapabilityStanding[] {
  return capabilityStandings(assessment, granted).map((standing) => {
    const { calls: made, denied } = calls.of(standing.name)
    return { ...standing, calls: made, denied }
  })
}
