/** Live figures of one module (or of all): counters, percentiles of the last minutes, short series. */
import type { Series } from '../../shared/domain/engine.ts'
import type { Dispatch, ModuleUsage, ModuleView } from '../../shared/domain/module.ts'
import type { Clock } from '../clock.ts'

/** Percentiles and rates look back this far. */
const windowMs = 300_000
/** Dispatches kept for percentiles; at higher rates the window is shorter. */
const maxSamples = 512
/** One point of a series each this often. */
export const seriesStepMs = 5_000
/** 15 minutes of points. */
const seriesPoints = 180

export type SeriesState = NonNullable<Series['states'][number]>
const severity: readonly SeriesState[] = ['idle', 'ok', 'busy', 'warn', 'crit']

interface Sample {
  readonly at: number
  readonly durationMs: number
  readonly fuel: number | null
}

interface Point {
  eventsPerSecond: number
  latencyMsP99: number | null
  fuelP50: number | null
  memoryBytes: number | null
  storeBytes: number | null
  hostCallsPerSecond: number
  state: SeriesState
}

/** Value at `fraction` of the sorted values, or null when there are none. */
export function percentile(values: readonly number[], fraction: number): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const index = Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))
  return sorted[index] ?? null
}

export class ModuleMetrics {
  private readonly clock: Clock
  private samples: Sample[] = []
  private readonly points: (Point | null)[] = []
  private stepStart: number
  private stepSamples: Sample[] = []
  private stepHostCalls = 0
  private stepState: SeriesState = 'idle'
  private readonly counters = {
    dispatches: 0,
    rolledBack: 0,
    failed: 0,
    rolledBackInRow: 0,
    dropped: 0,
    hostCalls: 0,
    logLines: 0,
    logLinesDropped: 0,
  }
  private memoryBytes: number | null = null
  private storeBytes: number | null = null
  private residentBytes: number | null = null
  private cpu: number | null = null
  private rollback: ModuleView['lastError'] = null

  constructor(clock: Clock) {
    this.clock = clock
    this.stepStart = clock.monotonicMs()
  }

  get memory(): number | null {
    return this.memoryBytes
  }

  get store(): number | null {
    return this.storeBytes
  }

  /** The last error with which the module answered an event: it runs on, but did not do its work. */
  get lastRollback(): ModuleView['lastError'] {
    return this.rollback
  }

  recordDispatch(dispatch: Dispatch): void {
    const sample = { at: this.clock.monotonicMs(), durationMs: dispatch.durationMs, fuel: dispatch.fuel }
    this.samples.push(sample)
    if (this.samples.length > 2 * maxSamples) this.samples = this.samples.slice(-maxSamples)
    this.stepSamples.push(sample)
    this.stepHostCalls += dispatch.hostCalls
    this.counters.dispatches += 1
    this.counters.hostCalls += dispatch.hostCalls
    if (dispatch.result === 'rolled-back') {
      this.counters.rolledBack += 1
      this.counters.rolledBackInRow += 1
      if (dispatch.error !== null) this.rollback = { time: dispatch.startedAt, error: dispatch.error }
    } else {
      this.counters.rolledBackInRow = 0
    }
    if (dispatch.result === 'failed') this.counters.failed += 1
    if (dispatch.result !== 'committed') this.noteState(dispatch.result === 'failed' ? 'crit' : 'warn')
  }

  recordDropped(count: number): void {
    this.counters.dropped += count
    this.noteState('warn')
  }

  recordLogs(lines: number, dropped: number): void {
    this.counters.logLines += lines
    this.counters.logLinesDropped += dropped
  }

  recordMemory(memoryBytes: number, storeBytes: number): void {
    this.memoryBytes = memoryBytes
    this.storeBytes = storeBytes
  }

  recordProcess(residentBytes: number, cpu: number): void {
    this.residentBytes = residentBytes
    this.cpu = cpu
  }

  /** The sandbox is gone: its memory is given back, the store stays. */
  forgetProcess(): void {
    this.counters.rolledBackInRow = 0
    this.memoryBytes = null
    this.residentBytes = null
    this.cpu = null
  }

  /** Remembers the worst state seen during the current step. */
  noteState(state: SeriesState): void {
    if (severity.indexOf(state) > severity.indexOf(this.stepState)) this.stepState = state
  }

  /** Closes steps that are over. Call about once a second with the state that holds now. */
  tick(state: SeriesState): void {
    this.noteState(state)
    const now = this.clock.monotonicMs()
    while (now - this.stepStart >= seriesStepMs) {
      // After a sleep of the machine there are steps in which nothing was measured.
      const missed = now - this.stepStart >= 2 * seriesStepMs
      this.points.push(missed ? null : this.closeStep())
      if (this.points.length > seriesPoints) this.points.shift()
      this.stepStart += seriesStepMs
      this.stepSamples = []
      this.stepHostCalls = 0
      this.stepState = state
    }
  }

  usage(queued: number): ModuleUsage {
    const now = this.clock.monotonicMs()
    const recent = this.samples.slice(-maxSamples).filter((sample) => now - sample.at <= windowMs)
    const latencies = recent.map((sample) => sample.durationMs)
    const lastTenSeconds = recent.filter((sample) => now - sample.at <= 10_000).length
    return {
      ...this.counters,
      eventsPerSecond: lastTenSeconds / 10,
      queued,
      latencyMsP50: percentile(latencies, 0.5),
      latencyMsP99: percentile(latencies, 0.99),
      fuelP50: percentile(fuels(recent), 0.5),
      memoryBytes: this.memoryBytes,
      storeBytes: this.storeBytes,
      residentBytes: this.residentBytes,
      cpu: this.cpu,
    }
  }

  series(): Series {
    const pick = <K extends keyof Point>(key: K): (Point[K] | null)[] =>
      this.points.map((point) => (point === null ? null : point[key]))
    return {
      stepMs: seriesStepMs,
      endsAt: Math.max(0, Math.round(this.clock.now() - (this.clock.monotonicMs() - this.stepStart))),
      eventsPerSecond: pick('eventsPerSecond'),
      latencyMsP99: pick('latencyMsP99'),
      fuelP50: pick('fuelP50'),
      memoryBytes: pick('memoryBytes'),
      storeBytes: pick('storeBytes'),
      hostCallsPerSecond: pick('hostCallsPerSecond'),
      states: pick('state'),
    }
  }

  private closeStep(): Point {
    const seconds = seriesStepMs / 1_000
    return {
      eventsPerSecond: this.stepSamples.length / seconds,
      latencyMsP99: percentile(
        this.stepSamples.map((sample) => sample.durationMs),
        0.99,
      ),
      fuelP50: percentile(fuels(this.stepSamples), 0.5),
      memoryBytes: this.memoryBytes,
      storeBytes: this.storeBytes,
      hostCallsPerSecond: this.stepHostCalls / seconds,
      state: this.stepState,
    }
  }
}

function fuels(samples: readonly Sample[]): number[] {
  return samples.flatMap((sample) => (sample.fuel === null ? [] : [sample.fuel]))
}
