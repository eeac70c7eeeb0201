/** Counters of one node, in arrays made once (spec flows 11). */
import { stageErrorCases, type StageErrorCase } from '../../../../../shared/contracts/flow.ts'
import { Histogram } from './histogram.ts'

export const dropReasons = ['stage', 'filter', 'error', 'oldest', 'newest', 'drain', 'no-port'] as const
export type DropReason = (typeof dropReasons)[number]

export class NodeMeter {
  invocations = 0
  elementsIn = 0
  elementsOut = 0
  busyNs = 0
  restarts = 0
  /** Calls that came back too late. */
  timeouts = 0
  unknownPorts = 0
  /** Of instances that were replaced. */
  formerCopies = 0
  formerCopyBytes = 0
  formerFuel = 0
  readonly calls = new Histogram()
  private readonly errorCounts = new Float64Array(stageErrorCases.length)
  private readonly dropCounts = new Float64Array(dropReasons.length)

  addError(kind: StageErrorCase): void {
    const place = stageErrorCases.indexOf(kind)
    this.errorCounts[place] = (this.errorCounts[place] ?? 0) + 1
  }

  addDrop(reason: DropReason): void {
    const place = dropReasons.indexOf(reason)
    this.dropCounts[place] = (this.dropCounts[place] ?? 0) + 1
  }

  get errors(): Record<string, number> {
    return named(stageErrorCases, this.errorCounts)
  }

  get dropped(): Record<string, number> {
    return named(dropReasons, this.dropCounts)
  }

  get errorTotal(): number {
    return total(this.errorCounts)
  }

  get dropTotal(): number {
    return total(this.dropCounts)
  }
}

/** Those that happened at all. */
function named(names: readonly string[], counts: Float64Array): Record<string, number> {
  const record: Record<string, number> = {}
  for (const [place, name] of names.entries()) {
    const count = counts[place] ?? 0
    if (count > 0) record[name] = count
  }
  return record
}

function total(counts: Float64Array): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}
