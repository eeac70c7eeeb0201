/** Measuring two things in turns within one run, so that only their ratio counts. */

export interface Finding {
  readonly name: string
  /** What is compared with what. */
  readonly what: string
  /** Ours over the bare mechanism, or a bare figure where `unit` is given. */
  readonly value: number
  readonly unit: string
  readonly goal: { readonly kind: 'at most' | 'at least'; readonly value: number } | null
  /** The figures behind it, for people. */
  readonly detail: string
}

export type Task = () => Promise<void> | void

/** Microseconds per operation of both sides, the median of many batches taken in turns. */
export async function compare(
  ours: Task,
  bare: Task,
  options: { batches: number; operations: number },
): Promise<{ ours: number; bare: number; ratio: number }> {
  const oursUs: number[] = []
  const bareUs: number[] = []
  // The first batches warm both up and do not count.
  for (let batch = -3; batch < options.batches; batch += 1) {
    const first = await timeUs(bare, options.operations)
    const second = await timeUs(ours, options.operations)
    if (batch < 0) continue
    bareUs.push(first)
    oursUs.push(second)
  }
  const result = { ours: median(oursUs), bare: median(bareUs) }
  return { ...result, ratio: result.ours / result.bare }
}

async function timeUs(task: Task, operations: number): Promise<number> {
  const began = performance.now()
  await task()
  return ((performance.now() - began) * 1_000) / operations
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

export function us(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} µs`
}

export function meets(finding: Finding): boolean {
  if (finding.goal === null) return true
  return finding.goal.kind === 'at most'
    ? finding.value <= finding.goal.value
    : finding.value >= finding.goal.value
}
