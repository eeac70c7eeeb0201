/** What the engine says to a flow while it runs. */
import { toFlowSchema, type ToFlow } from '../../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import { setThreadPriority } from './thread-priority.ts'
import type { Ending } from './ends/ending.ts'
import type { FlowRun } from './flow-run.ts'
import type { NodeState } from './graph/node-state.ts'
import { HostSink, HostSource } from './ends/host-ends.ts'

export class Letters {
  private readonly run: FlowRun
  private readonly ending: Ending
  private readonly byName: ReadonlyMap<string, NodeState>

  constructor(run: FlowRun, ending: Ending) {
    this.run = run
    this.ending = ending
    this.byName = new Map(run.graph.nodes.map((node) => [node.plan.name, node]))
  }

  /** Reads what came. Throws `internal.bug` for a letter that the engine must not send. */
  read(): void {
    const { mail, clock } = this.run
    const letters = mail.take()
    this.run.nowMs = clock.now()
    for (const letter of letters) {
      const parsed = toFlowSchema.safeParse(letter)
      if (!parsed.success) throw new PaddockError('internal.bug', 'A letter to the flow is malformed.')
      this.handle(parsed.data)
    }
    // The engine ends: what is under way may finish (spec flows 7.5).
    if (mail.stopping && this.ending.isOpen()) this.ending.cancel(true)
  }

  private handle(letter: ToFlow): void {
    const { run } = this
    switch (letter.kind) {
      case 'pause':
        if (this.ending.isOpen()) run.isPaused = true
        run.nextDutyMs = run.nowMs
        return
      case 'resume':
        run.isPaused = false
        run.nextDutyMs = run.nowMs
        return
      case 'drain':
        this.ending.cancel(true)
        return
      case 'cancel':
        this.ending.cancel(false)
        return
      case 'level':
        run.setLevel(letter.level, letter.traceRate)
        return
      case 'priority':
        setThreadPriority(letter.priority, run.reporter)
        return
      case 'elements':
        this.arrive(this.find(letter.node), letter)
        return
      case 'credit': {
        const node = this.find(letter.node)
        const { stage } = node
        if (!(stage instanceof HostSink)) throw unfit(letter.node)
        stage.credit += letter.elements
        node.notBefore = 0
      }
    }
  }

  private arrive(node: NodeState, { elements, closed }: Extract<ToFlow, { kind: 'elements' }>): void {
    const { stage } = node
    if (!(stage instanceof HostSource)) throw unfit(node.plan.name)
    if (node.isDone) return
    stage.take(elements, closed)
    node.pending = stage.waiting
  }

  private find(name: string): NodeState {
    const node = this.byName.get(name)
    if (node === undefined || !node.hasStage) throw unfit(name)
    return node
  }
}

function unfit(name: string): PaddockError {
  return new PaddockError('internal.bug', `Node "${name}" exchanges no elements with the engine.`)
}
