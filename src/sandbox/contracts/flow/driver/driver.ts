/** Drives one flow from its first call to its end, on one thread, as one long call (spec flows 4, 5). */
import { PaddockError, toErrorReport } from '../../../../shared/errors.ts'
import type { FlowEnd } from '../../../../shared/contracts/flow.ts'
import { Ending } from './ends/ending.ts'
import { Faults } from './faults/faults.ts'
import { FlowRun, type RunParts } from './flow-run.ts'
import type { NodeState } from './graph/node-state.ts'
import { HostSink, HostSource } from './ends/host-ends.ts'
import { Letters } from './letters.ts'
import { figuresOf } from './metrics/figures.ts'
import { Queues } from './graph/queues.ts'
import { Replacements, type StageFactory } from './faults/replacements.ts'
import { Sources } from './turns/sources.ts'
import { StageCalls } from './turns/stage-calls.ts'
import { tearDown } from './ends/tear-down.ts'
import { setThreadPriority } from './thread-priority.ts'
import { Turns } from './turns/turns.ts'
import { WarningLights } from './metrics/warning-lights.ts'

/** At most four a second (spec flows 11). */
const figuresMs = 250
/** The longest sleep: a clock that jumps must not keep a flow asleep. */
const maxSleepMs = 60_000

export interface DriverParts extends RunParts {
  readonly createStage: StageFactory
}

export class FlowDriver {
  readonly run: FlowRun
  private readonly queues: Queues
  private readonly calls: StageCalls
  private readonly replacements: Replacements
  private readonly ending: Ending
  private readonly faults: Faults
  private readonly turns: Turns
  private readonly letters: Letters
  private readonly lights: WarningLights
  private readonly sources: Sources
  private startedMs = 0
  private endedMs: number | null = null
  private figuresDueMs = 0
  private figuresCall = -1
  private leaked = 0

  constructor(parts: DriverParts) {
    const run = new FlowRun(parts)
    this.run = run
    this.queues = new Queues(run)
    this.calls = new StageCalls(run)
    this.replacements = new Replacements(run, this.calls, parts.createStage)
    this.ending = new Ending(run, this.queues, { complete: (node) => this.turns.complete(node) })
    const { queues, calls, replacements, ending } = this
    this.faults = new Faults({ run, queues, ending, replacements })
    this.turns = new Turns({ run, queues, calls, faults: this.faults, ending })
    this.letters = new Letters(run, ending)
    this.lights = new WarningLights(run)
    this.sources = new Sources(run, this.turns, ending)
  }

  /** Instantiates every stage. Throws `sandbox.*`, `stage.unsupported`. */
  instantiate(): void {
    for (const node of this.run.graph.topological) this.replacements.create(node)
  }

  /** Runs the flow to its end. Never throws: a fault of the engine's own fails the flow. */
  execute(): FlowEnd {
    const { run, ending } = this
    const { reporter } = run
    this.startedMs = run.clock.now()
    // Stages may have been made long ago; their time begins now.
    run.nowMs = this.startedMs
    reporter.move('validated', 'plan accepted')
    reporter.move('instantiated', `${run.graph.nodes.length} stages`)
    try {
      setThreadPriority(run.plan.priority, reporter)
      if (this.initialise()) {
        reporter.move('running', 'all stages are ready')
        this.loop()
      }
    } catch (error) {
      if (reporter.state === 'running') ending.failFlow(asBug(error))
      ending.failure ??= {
        node: null,
        function: null,
        sequence: null,
        case: 'internal',
        error: toErrorReport(error),
      }
      ending.kind = 'failed'
    }
    run.nowMs = run.clock.now()
    this.endedMs = run.nowMs
    this.leaked = this.finish()
    const state = ending.kind ?? 'failed'
    reporter.move(state, ending.failure?.error.message ?? ending.reason)
    this.sendSpans()
    const end: FlowEnd = { state, failure: ending.failure, figures: this.figures(), leaked: this.leaked }
    reporter.figures(end.figures)
    return end
  }

  /** Nothing of the flow is left behind, whatever state it is in; answers how many buffers were forgotten. */
  private finish(): number {
    try {
      return tearDown(this.run, this.queues, this.calls)
    } catch (error) {
      this.ending.kind = 'failed'
      this.ending.failure ??= {
        node: null,
        function: null,
        sequence: null,
        case: 'internal',
        error: asBug(error).toReport(),
      }
      return 0
    }
  }

  /** `init` of every stage, producers first (spec flows 4.2, 4.3). False when the flow is not to run. */
  private initialise(): boolean {
    const { run, ending } = this
    const { deadlineMs } = run.plan.timeouts
    if (deadlineMs > 0) run.facts.deadlineMs = this.startedMs + deadlineMs
    for (const node of run.graph.topological) {
      run.buffers.clockMs = run.clock.now()
      const refusal = this.replacements.initialise(node)
      if (refusal !== null) {
        ending.kind = 'failed'
        ending.failure = {
          node: node.plan.name,
          function: 'init',
          sequence: null,
          case: refusal.kind,
          error: refusal.error,
        }
        return false
      }
      run.reporter.event('component.instantiated', 'debug', node.plan.name, 'The stage is ready.')
    }
    for (const node of run.graph.sources) {
      const { stage } = node
      if (!(stage instanceof HostSource)) node.pending = 1
      else {
        stage.init()
        node.pending = stage.waiting
      }
    }
    run.nowMs = run.clock.now()
    this.figuresDueMs = run.nowMs + figuresMs
    run.nextDutyMs = run.nowMs
    return true
  }

  private loop(): void {
    const { run } = this
    const { mail } = run
    const count = run.graph.nodes.length
    while (run.doneNodes < count) {
      if (mail.hasNews) this.letters.read()
      if (run.nowMs >= run.nextDutyMs) this.duties()
      // A letter or a timer may have ended the last node.
      if (run.doneNodes === count) break
      if (run.isPaused || !this.step()) this.rest()
      if (run.mustTell) this.sources.tell()
    }
  }

  /** Serves the first node that is ready, consumers first (spec flows 5.2). False when none is. */
  private step(): boolean {
    const { nowMs } = this.run
    const { consumers } = this.run.graph
    for (let place = 0; place < consumers.length; place += 1) {
      const node = consumers[place]
      if (node === undefined || node.pending <= 0 || node.blocked !== 0 || node.notBefore > nowMs) continue
      if (node.isRated && !this.isLetThrough(node)) continue
      if (node.refused !== 0) {
        if (this.turns.refuse(node)) return true
        continue
      }
      this.turns.serve(node)
      if (node.plan.body.kind === 'host') closeGate(node)
      return true
    }
    return this.sources.pullOne()
  }

  /** Whether the rate limit of the input with the oldest element lets it through now. */
  private isLetThrough(node: NodeState): boolean {
    if (node.current !== null) return true
    const edge = this.queues.oldestInput(node)
    return edge === null || edge.nextTakeMs <= this.run.nowMs
  }

  /** Sleeps until a timer is due or a letter comes. */
  private rest(): void {
    const { run } = this
    for (const { stage } of run.graph.nodes) if (stage instanceof HostSink) stage.send()
    let untilMs = this.nextDeadline()
    if (this.figuresCall !== run.call) untilMs = Math.min(untilMs, this.figuresDueMs)
    if (!run.isPaused) {
      for (const node of run.graph.nodes) {
        if (node.isPaused && node.notBefore > run.nowMs) untilMs = Math.min(untilMs, node.notBefore)
        if (node.pending <= 0 || node.blocked !== 0) continue
        untilMs = Math.min(untilMs, this.readyAt(node))
      }
    }
    const waitMs = untilMs - run.clock.now()
    if (waitMs > 0) run.mail.sleep(Math.min(waitMs, maxSleepMs))
    run.nowMs = run.clock.now()
    run.nextDutyMs = run.nowMs
  }

  private readyAt(node: NodeState): number {
    if (node.notBefore > this.run.nowMs) return node.notBefore
    // Blocked by a queue that was refused already: only a consumer changes that.
    if (node.refused !== 0) return Number.POSITIVE_INFINITY
    if (!node.isRated || node.current !== null) return this.run.nowMs
    return this.queues.oldestInput(node)?.nextTakeMs ?? this.run.nowMs
  }

  private nextDeadline(): number {
    return Math.min(this.ending.drainEndsMs, this.ending.isOpen() ? this.run.facts.deadlineMs : Infinity)
  }

  /** Everything that goes by the clock. */
  private duties(): void {
    const { run, ending } = this
    if (ending.isOpen() && run.nowMs >= run.facts.deadlineMs)
      ending.failFlow(this.deadlinePassed(), 'deadline-exceeded')
    if (run.nowMs >= ending.drainEndsMs) ending.drainIsDue()
    if (run.nowMs >= this.figuresDueMs) {
      this.report()
      run.nowMs = run.clock.now()
    }
    let nextMs = Math.min(this.nextDeadline(), this.figuresDueMs)
    for (const node of run.graph.consumers) {
      if (!node.isPaused) continue
      if (node.notBefore > run.nowMs) nextMs = Math.min(nextMs, node.notBefore)
      // Without an element in the queue there is nothing to try the sink with: one more is let in.
      else this.queues.relieve(node)
    }
    run.nextDutyMs = nextMs
  }

  private report(): void {
    const { run } = this
    this.figuresDueMs = run.nowMs + figuresMs
    run.buffers.clockMs = run.nowMs
    run.clock.anchor()
    for (const { stage } of run.graph.nodes) if (stage instanceof HostSink) stage.send()
    this.sendSpans()
    if (this.figuresCall === run.call) return
    this.figuresCall = run.call
    const figures = this.figures()
    this.lights.look(figures)
    run.reporter.figures(figures)
  }

  private sendSpans(): void {
    const { spans, reporter } = this.run
    if (spans.hasKept) reporter.send({ kind: 'spans', ...spans.take() })
  }

  private figures(): FlowEnd['figures'] {
    return figuresOf(this.run, (this.endedMs ?? this.run.nowMs) - this.startedMs)
  }

  private deadlinePassed(): PaddockError {
    const { flow, timeouts } = this.run.plan
    const ranMs = this.run.nowMs - this.startedMs
    return new PaddockError(
      'flow.deadline',
      `Flow "${flow}" passed its deadline of ${timeouts.deadlineMs / 1_000} s (ran ${(ranMs / 1_000).toFixed(2)} s).`,
      { details: { deadlineMs: timeouts.deadlineMs, ranMs } },
    )
  }
}

/** A sink in the engine takes no more than it has credit for. */
function closeGate(node: NodeState): void {
  const { stage } = node
  if (stage instanceof HostSink && stage.credit === 0) node.notBefore = Number.POSITIVE_INFINITY
}

function asBug(error: unknown): PaddockError {
  if (error instanceof PaddockError) return error
  return new PaddockError(
    'internal.bug',
    `The driver of the flow failed: ${error instanceof Error ? error.message : 'unknown'}`,
  )
}
