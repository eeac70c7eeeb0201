import type { Series } from '../../shared/domain/engine.ts'
import type { ModuleView } from '../../shared/domain/module.ts'

const mib = 1024 * 1024

/** A history with some life in it, the same for the same subject. */
export function sampleSeries(module: ModuleView | null): Series {
  const steps = 60
  const seed = module === null ? 7 : module.name.length + module.name.charCodeAt(1)
  const wave = (base: number | null, swing: number): (number | null)[] =>
    Array.from({ length: steps }, (_, step) =>
      base === null
        ? null
        : Math.max(
            0,
            base * (1 + swing * (Math.sin((step + seed) / 3) * 0.5 + Math.sin((step * seed) / 7) * 0.5)),
          ),
    )
  const usage = module?.usage
  const state = module?.status.state
  const states = Array.from({ length: steps }, (_, step): Series['states'][number] => {
    if (state === 'stopped' || state === 'needs-consent') return 'idle'
    if (state === 'dead') return step > 54 ? 'crit' : step > 44 && step % 3 === 0 ? 'busy' : 'ok'
    if (state === 'restarting') return step > 48 ? (step % 3 === 0 ? 'busy' : 'warn') : 'ok'
    if (module?.name === 'twap-monitor') return step > 35 ? 'warn' : 'ok'
    return 'ok'
  })
  const events = usage?.eventsPerSecond ?? 537
  return {
    stepMs: 5_000,
    endsAt: Date.now(),
    eventsPerSecond: wave(events, 0.2),
    latencyMsP99: wave(usage === undefined ? 41 : usage.latencyMsP99, 0.3),
    fuelP50: wave(usage === undefined ? 32e6 : usage.fuelP50, 0.15),
    memoryBytes: wave(usage === undefined ? 237 * mib : usage.memoryBytes, 0.02),
    storeBytes: wave(usage === undefined ? 137 * mib : usage.storeBytes, 0.01),
    hostCallsPerSecond: wave(events * 2.4, 0.2),
    states,
  }
}
