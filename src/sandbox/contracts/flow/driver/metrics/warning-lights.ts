/** Notices what an operator should look at before it fails (spec flows 8.5, 11). */
import type { FlowFigures } from '../../../../../shared/contracts/flow.ts'
import type { FlowRun } from '../flow-run.ts'

/** A stage that owns more than this share of its budget for so long is told of, once. */
const fullShare = 0.9
const fullMs = 60_000

export class WarningLights {
  private readonly run: FlowRun
  private readonly fullSince = new Map<string, number>()
  private readonly told = new Set<string>()
  private fallbacks = 0

  constructor(run: FlowRun) {
    this.run = run
  }

  look(figures: FlowFigures): void {
    const { nowMs, reporter, graph } = this.run
    for (const [index, { name, ownedBytes }] of figures.nodes.entries()) {
      const budget = graph.nodes[index]?.plan.bufferBytes ?? Number.POSITIVE_INFINITY
      if (ownedBytes <= budget * fullShare) {
        this.fullSince.delete(name)
        continue
      }
      const sinceMs = this.fullSince.get(name) ?? nowMs
      this.fullSince.set(name, sinceMs)
      if (nowMs - sinceMs < fullMs || this.told.has(name)) continue
      this.told.add(name)
      reporter.event(
        'resource.budget_nearly_spent',
        'warn',
        name,
        `The stage owns ${ownedBytes} of its ${budget} bytes of buffers.`,
      )
    }
    if (this.fallbacks === 0 && figures.pool.fallbacks > 0)
      reporter.event(
        'pool.exhausted',
        'info',
        null,
        'A pool of buffers ran empty; further buffers are allocated one by one.',
      )
    this.fallbacks = figures.pool.fallbacks
  }
}
