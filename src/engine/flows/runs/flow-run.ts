/** One run of a flow: its process, its ends in the engine, and one honest end. */
import type {
  FlowEnd,
  FlowFigures,
  FlowLevel,
  FlowPlan,
  FromFlow,
  ToFlow,
  TraceSpan,
} from '../../../shared/contracts/flow.ts'
import type { LogLevel } from '../../../shared/domain/primitives.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { Gate } from '../../sandboxes/gates/gate.ts'
import { runPatiently } from '../../sandboxes/gates/patience.ts'
import type { ProcessMeans } from '../../sandboxes/launch-process.ts'
import type { Positions } from '../ends/positions.ts'
import { RunEnds, type EndMeans, type HostNode } from '../ends/run-ends.ts'
import { emptyFigures } from '../figures/empty-figures.ts'
import { FlowProcess } from './flow-process.ts'
import { endOf, wasCutShort, type EndReason, type RunEnd } from './run-end.ts'
import { flowLogName, type RunJournal } from './run-journal.ts'
import { stopFlow, type StopTier } from './stop-path.ts'

export interface RunMeans {
  readonly processes: ProcessMeans
  readonly preparing: Gate
  readonly clock: Clock
  readonly ends: EndMeans
}

export interface FlowRunOptions {
  readonly id: string
  readonly run: number
  readonly plan: FlowPlan
  readonly hosts: readonly HostNode[]
  readonly means: RunMeans
  readonly positions: Positions
  readonly journal: RunJournal
  readonly logLevel: LogLevel
  /** Something of the view changed. */
  readonly onChange: () => void
  readonly onSpans: (spans: readonly TraceSpan[], dropped: number) => void
}

export class FlowRun {
  readonly plan: FlowPlan
  /** Settles once, with how it ended; never rejects. */
  readonly ended: Promise<RunEnd>
  figures: FlowFigures
  paused = false
  /** How far it had to go to end it, once it was asked to. */
  stopTier: StopTier | null = null
  /** Whether it was on its way to its end, asked or by itself: it is not started again then. */
  isEnding = false
  private readonly options: FlowRunOptions
  private readonly ends: RunEnds
  private process: FlowProcess | null = null
  private settleEnded: (end: RunEnd) => void = () => undefined
  private resolveRunning: () => void = () => undefined
  private rejectRunning: (error: PaddockError) => void = () => undefined
  private reason: EndReason = { kind: 'none' }
  private isOver = false
  private stopping: Promise<void> | null = null
  /** Settles when nobody waits for the ends in the engine any longer. */
  private readonly givenUp: Promise<void>
  private resolveGivenUp: () => void = () => undefined
  private readonly abort = new AbortController()

  constructor(options: FlowRunOptions) {
    this.options = options
    this.plan = options.plan
    this.figures = emptyFigures(options.plan, 'validated')
    this.ended = new Promise((resolve) => {
      this.settleEnded = resolve
    })
    this.givenUp = new Promise((resolve) => {
      this.resolveGivenUp = resolve
    })
    this.ends = new RunEnds({
      flow: options.id,
      nodes: options.hosts,
      means: options.means.ends,
      positions: options.positions,
      mail: (letter) => this.mail(letter),
      notice: (node, level, event, message) => options.journal.event(level, event, node, message),
      onFailed: (node, error) => this.fail(node, error.toReport()),
    })
  }

  get pid(): number | null {
    return this.process?.pid ?? null
  }

  get residentBytes(): number | null {
    return this.pid === null ? null : (this.process?.residentBytes ?? null)
  }

  /** Elements that sources in the engine dropped because the flow did not keep up. */
  get droppedAtSources(): number {
    return this.ends.dropped
  }

  /** Launches and starts; settles when it runs. Rejects with why it does not; `ended` settles then too. */
  async start(): Promise<void> {
    const { means, id } = this.options
    const running = new Promise<void>((resolve, reject) => {
      this.resolveRunning = resolve
      this.rejectRunning = reject
    })
    running.catch(() => undefined)
    try {
      await runPatiently(means.preparing, flowLogName(id), means.clock, this.abort.signal, () =>
        this.launch(),
      )
    } catch (error) {
      const report = toErrorReport(error)
      this.process?.kill(PaddockError.fromReport(report))
      const reason: EndReason =
        this.reason.kind === 'none' ? { kind: 'failed', node: null, error: report } : this.reason
      this.ends.closeSources()
      this.finish(endOf(PaddockError.fromReport(report), reason, this.figures))
    }
    await running
  }

  pause(): void {
    this.mail({ kind: 'pause' })
    this.paused = true
    this.options.onChange()
  }

  resume(): void {
    this.mail({ kind: 'resume' })
    this.paused = false
    this.options.onChange()
  }

  setLevel(level: FlowLevel, traceRate: number): void {
    this.mail({ kind: 'level', level, traceRate })
  }

  /** Sources give no more; what is under way goes on. A flow that does not end by itself then is cancelled. */
  async drain(): Promise<FlowEnd> {
    const { drainMs, cancelMs, teardownMs } = this.plan.timeouts
    this.isEnding = true
    this.ends.closeSources()
    this.mail({ kind: 'drain' })
    const latestMs = drainMs + cancelMs + teardownMs * this.plan.nodes.length
    const stop = this.options.means.clock.after(latestMs, () => void this.cancel())
    const { end } = await this.ended
    stop()
    return end
  }

  /** Walks the path of spec flows 7.4. */
  async cancel(): Promise<FlowEnd> {
    if (!this.isOver) {
      this.isEnding = true
      if (this.reason.kind === 'none') this.reason = { kind: 'cancelled' }
      this.stop()
    }
    return (await this.ended).end
  }

  /** Settles when the process is gone too. */
  async whenGone(): Promise<void> {
    await this.ended
    await this.process?.stop()
  }

  /** An end in the engine cannot go on, and so the flow cannot. */
  private fail(node: string, error: ErrorReport): void {
    if (this.isOver || this.reason.kind !== 'none') return
    this.reason = { kind: 'failed', node, error }
    this.stop()
  }

  private stop(): void {
    this.abort.abort()
    this.stopping ??= this.walkStopPath()
  }

  private async walkStopPath(): Promise<void> {
    const { process } = this
    if (process === null) return
    if (!process.isRunning) {
      process.kill(cancelled())
      return
    }
    const { timeouts, nodes } = this.plan
    this.stopTier = await stopFlow({
      clock: this.options.means.clock,
      timeouts,
      stages: nodes.length,
      ask: () => this.mail({ kind: 'cancel' }),
      isDraining: () => !['created', 'validated', 'instantiated', 'running'].includes(this.figures.state),
      endThread: () => process.endThread(),
      killProcess: () => {
        process.kill(cancelled())
        this.ends.giveUp()
        this.resolveGivenUp()
      },
      ended: this.ended,
    })
    if (this.stopTier === 'asked') return
    this.options.journal.tell(
      'warn',
      'flow.forced',
      'The flow did not end by itself: its thread was ended, and what was in its queues is lost.',
    )
  }

  private async launch(): Promise<void> {
    const { id, run, plan, means, journal, logLevel } = this.options
    const process = new FlowProcess({
      id,
      run,
      plan,
      processes: means.processes,
      journal,
      logLevel,
      onLetter: (letter) => this.take(letter),
    })
    this.process = process
    await process.load()
    if (this.abort.signal.aborted) throw cancelled()
    this.ends.open()
    void this.serve(process)
  }

  private async serve(process: FlowProcess): Promise<void> {
    const reply = await process.run()
    // What sinks took is dealt with before the run counts as ended.
    await Promise.race([this.ends.close(), this.givenUp])
    const end = endOf(reply, this.reason, this.figures)
    // What was dropped on the way out is told again by the next run; so is what was lost.
    if (!end.wasLost && !wasCutShort(end.end.figures)) this.ends.settle(end.end.figures)
    await this.options.positions.flush()
    this.finish(end)
    await process.stop()
  }

  private finish(end: RunEnd): void {
    if (this.isOver) return
    this.isOver = true
    this.figures = end.end.figures
    const { failure, state } = end.end
    if (state === 'completed') this.resolveRunning()
    else this.rejectRunning(failure === null ? cancelled() : PaddockError.fromReport(failure.error))
    this.settleEnded(end)
  }

  private mail(letter: ToFlow): void {
    if (!this.isOver) this.process?.mail(letter)
  }

  /** False for a letter that breaks what was agreed on. */
  private take(letter: FromFlow): boolean {
    const { journal, onChange, onSpans } = this.options
    switch (letter.kind) {
      case 'figures':
        this.figures = letter.figures
        this.ends.settle(letter.figures)
        onChange()
        return true
      case 'state':
        this.onState(letter.state, letter.reason)
        return true
      case 'event':
        journal.event(letter.level, letter.event, letter.node, letter.message)
        return true
      case 'spans':
        onSpans(letter.spans, letter.dropped)
        return true
      case 'elements':
        return this.ends.accept(letter.node, letter.elements)
      case 'wanted':
        return this.ends.want(letter.node, letter.elements)
    }
  }

  private onState(state: FlowFigures['state'], reason: string): void {
    this.figures = { ...this.figures, state }
    if (state === 'draining') this.isEnding = true
    this.options.journal.event(
      'info',
      `flow.${state}`,
      null,
      reason === '' ? `The flow is ${state}.` : `The flow is ${state}: ${reason}.`,
    )
    if (state === 'running' || state === 'draining' || state === 'completed') this.resolveRunning()
    this.options.onChange()
  }
}

function cancelled(): PaddockError {
  return new PaddockError('flow.cancelled', 'The flow was cancelled.')
}
