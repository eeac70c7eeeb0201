/** What a module may use: the engine's limits, narrowed by its manifest, set by the operator. */
import type { ModuleLimits } from '../../shared/domain/limits.ts'
import type { Operator } from '../../shared/domain/operator/operator.ts'

const words: Readonly<Record<keyof ModuleLimits, string>> = {
  fuelPerCall: 'fuel per event',
  memoryBytes: 'bytes of memory',
  deadlineMs: 'milliseconds per event',
  storeBytes: 'bytes of store',
  queueEvents: 'waiting events',
}

/** What every module may use at most; one that was discovered gets less where the operator says so (spec nexum-host 5.3, 15.4). */
export function engineLimits({ limits, discovery }: Operator, isDiscovered: boolean): ModuleLimits {
  const given: ModuleLimits = {
    fuelPerCall: limits.fuelPerEvent,
    memoryBytes: limits.memoryBytes,
    deadlineMs: limits.eventDeadlineMs,
    storeBytes: limits.stateBytes,
    queueEvents: limits.dispatch.queue,
  }
  if (!isDiscovered) return given
  const { fuelPerEvent, memoryBytes, stateBytes } = discovery.resourceLimits
  return {
    ...given,
    fuelPerCall: Math.min(given.fuelPerCall, fuelPerEvent ?? given.fuelPerCall),
    memoryBytes: Math.min(given.memoryBytes, memoryBytes ?? given.memoryBytes),
    storeBytes: Math.min(given.storeBytes, stateBytes ?? given.storeBytes),
  }
}

/**
 * A manifest narrows and never widens: a larger request is clamped, with a warning. The operator's own values
 * win in both directions (spec nexum-host 3, DESIGN "Limits").
 */
export function limitsFor(
  asked: Partial<ModuleLimits>,
  engine: ModuleLimits,
  operator: Partial<ModuleLimits>,
): { readonly given: ModuleLimits; readonly warnings: readonly string[] } {
  const given: ModuleLimits = { ...engine }
  const warnings: string[] = []
  for (const key of Object.keys(words) as (keyof ModuleLimits)[]) {
    const wanted = asked[key]
    if (wanted !== undefined) given[key] = Math.min(wanted, engine[key])
    given[key] = operator[key] ?? given[key]
    if (wanted !== undefined && wanted > given[key]) {
      warnings.push(`It asks for ${wanted} ${words[key]} and gets ${given[key]}; only you can raise that.`)
    }
  }
  return { given, warnings }
}
