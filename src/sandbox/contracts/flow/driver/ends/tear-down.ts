/** The last calls of a flow, and what its stages must not leave behind (spec flows 4.5, 8.5). */
import type { FlowRun } from '../flow-run.ts'
import type { Queues } from '../graph/queues.ts'
import type { StageCalls } from '../turns/stage-calls.ts'

/**
 * `teardown` of every instance that is initialised and alive, consumers first; then every buffer goes back. Answers how
 * many buffers stages had forgotten.
 */
export function tearDown(run: FlowRun, queues: Queues, calls: StageCalls): number {
  for (const node of run.graph.topological) queues.releaseInputs(node, 'drain')
  for (const node of [...run.graph.topological].reverse()) {
    if (!node.hasStage) continue
    const { stage } = node
    if (!node.isInitialised || node.isDead || stage.isDead || !stage.hasLifecycle) continue
    if (calls.teardown(node, run.plan.timeouts.teardownMs) === 'ready') continue
    const why = stage.error?.message ?? 'no reason given'
    run.reporter.event('component.error', 'warn', node.plan.name, `teardown failed: ${why}`)
  }
  return reclaim(run)
}

function reclaim({ graph, buffers, reporter }: FlowRun): number {
  let leaked = 0
  for (const node of graph.nodes) {
    if (!node.hasStage) continue
    const { stage } = node
    const held = stage.reclaim()
    // What a dead instance held was taken from it; only one that ended by itself can have forgotten something.
    if (held === 0 || node.isDead || stage.isDead) continue
    leaked += held
    const message = `The stage still held ${held} buffers at its end.`
    reporter.event('resource.leak_suspected', 'warn', node.plan.name, message)
  }
  for (const { owner, count, oldestMs } of buffers.survivors()) {
    leaked += count
    const message = `${count} buffers are left, the oldest for ${Math.round(oldestMs)} ms.`
    reporter.event('resource.leak_suspected', 'error', owner, message)
  }
  return leaked
}
