/** Figures of the engine itself: how long its event loop keeps others waiting, and all modules together. */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks'
import type { Clock } from '../clock.ts'
import { ModuleMetrics } from './module-metrics.ts'

const tickMs = 1_000
const resolutionMs = 10

/** The part of an installed module that is counted here. */
export interface CountedModule {
  readonly metrics: ModuleMetrics
  tick(): void
}

export class EngineFigures {
  /** All modules together. */
  readonly totals: ModuleMetrics
  private readonly clock: Clock
  private readonly loopDelay: IntervalHistogram
  private delayMsP99 = 0
  private stopTick: () => void = () => undefined

  constructor(clock: Clock) {
    this.clock = clock
    this.totals = new ModuleMetrics(clock)
    this.loopDelay = monitorEventLoopDelay({ resolution: resolutionMs })
  }

  /** Event-loop delay over the last second, 99th percentile, in milliseconds. */
  get loopDelayMsP99(): number {
    return this.delayMsP99
  }

  /** Measures and adds up once a second, until stopped. */
  start(modules: () => readonly CountedModule[]): void {
    this.loopDelay.enable()
    this.stopTick = this.clock.every(tickMs, () => this.tick(modules()))
  }

  stop(): void {
    this.stopTick()
    this.loopDelay.disable()
  }

  private tick(modules: readonly CountedModule[]): void {
    // The histogram measures from timer to timer: its own resolution is no delay.
    this.delayMsP99 = Math.max(0, this.loopDelay.percentile(99) / 1e6 - resolutionMs)
    this.loopDelay.reset()
    for (const module of modules) module.tick()
    this.totals.recordMemory(
      sum(modules.map(({ metrics }) => metrics.memory)),
      sum(modules.map(({ metrics }) => metrics.store)),
    )
    this.totals.tick('ok')
  }
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0)
}
