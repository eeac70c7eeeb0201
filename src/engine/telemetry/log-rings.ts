/** The last lines of the last runs of each module, in memory: there also when no disk keeps the log (spec nexum-host 14.1). */
import type { LogRecord } from '../../shared/domain/log.ts'

export interface RingLimits {
  readonly bytesPerRun: number
  readonly runsRetained: number
}

interface Ring {
  readonly run: number
  records: LogRecord[]
  bytes: number
  /** Lines that made room for later ones. */
  dropped: number
}

/** Modules whose lines are kept; the one that was silent longest goes first. */
const maxModules = 1_024
/** What a line takes beside its text. */
const lineCost = 128

export class LogRings {
  private readonly limits: () => RingLimits
  private readonly modules = new Map<string, Ring[]>()

  /** `limits` is looked at with each line: the operator may change it. */
  constructor(limits: () => RingLimits) {
    this.limits = limits
  }

  add(record: LogRecord): void {
    const { module, run } = record
    if (module === null) return
    const { bytesPerRun, runsRetained } = this.limits()
    const rings = this.modules.get(module) ?? []
    // Put at the end: what is first was silent longest.
    this.modules.delete(module)
    this.modules.set(module, rings)
    let ring = rings.find((each) => each.run === run)
    if (ring === undefined) {
      ring = { run, records: [], bytes: 0, dropped: 0 }
      rings.push(ring)
      rings.splice(0, Math.max(0, rings.length - runsRetained))
    }
    ring.records.push(record)
    ring.bytes += cost(record)
    let gone = 0
    while (ring.bytes > bytesPerRun && gone < ring.records.length - 1) {
      ring.bytes -= cost(ring.records[gone])
      gone += 1
    }
    if (gone > 0) ring.records = ring.records.slice(gone)
    ring.dropped += gone
    const [oldest] = this.modules.keys()
    if (this.modules.size > maxModules && oldest !== undefined) this.modules.delete(oldest)
  }

  /** Runs with lines, oldest first. */
  runs(module: string): { readonly run: number; readonly lines: number; readonly dropped: number }[] {
    return (this.modules.get(module) ?? []).map(({ run, records, dropped }) => ({
      run,
      lines: records.length,
      dropped,
    }))
  }

  /** Lines of one run, oldest first. */
  lines(module: string, run: number): readonly LogRecord[] {
    return this.modules.get(module)?.find((ring) => ring.run === run)?.records ?? []
  }
}

function cost(record: LogRecord | undefined): number {
  return lineCost + Buffer.byteLength(record?.message ?? '', 'utf8')
}
