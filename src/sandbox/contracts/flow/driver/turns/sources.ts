/** Whose turn it is among sources, and what they are told of back-pressure (spec flows 5.2, 6.5). */
import type { Ending } from '../ends/ending.ts'
import { HostSource } from '../ends/host-ends.ts'
import type { FlowRun } from '../flow-run.ts'
import type { NodeState } from '../graph/node-state.ts'
import type { Turns } from './turns.ts'

export class Sources {
  private readonly run: FlowRun
  private readonly turns: Turns
  private readonly ending: Ending
  /** Those of the same priority take turns, or the first by name would starve the others. */
  private readonly nodes: NodeState[]

  constructor(run: FlowRun, turns: Turns, ending: Ending) {
    this.run = run
    this.turns = turns
    this.ending = ending
    this.nodes = [...run.graph.sources]
  }

  /** Serves the first source that is ready. False when none is. */
  pullOne(): boolean {
    const { nodes } = this
    const { nowMs } = this.run
    for (let place = 0; place < nodes.length; place += 1) {
      const node = nodes[place]
      if (node === undefined || node.pending <= 0 || node.blocked !== 0 || node.notBefore > nowMs) continue
      if (node.refused !== 0) {
        if (this.turns.refuse(node)) return true
        continue
      }
      if (nodes.length > 1) this.rotate(place, node)
      this.turns.serve(node)
      const { stage } = node
      if (stage instanceof HostSource && !node.isDone) node.pending = stage.waiting
      return true
    }
    return false
  }

  /** Tells those of back-pressure for which it came or went. */
  tell(): void {
    this.run.mustTell = false
    if (this.ending.kind !== null) return
    for (const node of this.nodes) if (node.mayTell) this.turns.tellSource(node)
  }

  /** Puts a source behind those of its priority. */
  private rotate(place: number, node: NodeState): void {
    const { nodes } = this
    let last = place
    while (nodes[last + 1]?.plan.priority === node.plan.priority) {
      const next = nodes[last + 1]
      if (next === undefined) break
      nodes[last] = next
      last += 1
    }
    nodes[last] = node
  }
}
