/** The runs of one flow, one after the other: prepared, run, ended, and started again where its policy says so. */
import path from 'node:path'
import type { FlowEnd } from '../../../shared/contracts/flow.ts'
import type { FlowView } from '../../../shared/domain/flow.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { StartOptions } from '../api.ts'
import { Positions } from '../ends/positions.ts'
import type { FlowDefinition } from '../file/model.ts'
import { RateMeter } from '../figures/rate-meter.ts'
import { FlowRun } from '../runs/flow-run.ts'
import type { RunEnd } from '../runs/run-end.ts'
import { RunJournal } from '../runs/run-journal.ts'
import { SpanRing } from '../runs/span-ring.ts'
import { prepareFlow } from './flow-definition.ts'
import { endWithoutRun, type FlowServices } from './flow-services.ts'
import { RestartWindow } from './restart-window.ts'

/** A flow whose process was lost starts again after this, in milliseconds. */
const restartAfterMs = 1_000

export interface StartRequest {
  readonly definition: FlowDefinition
  readonly granted: readonly string[]
  readonly options: StartOptions
}

export class FlowRunner {
  readonly spans = new SpanRing()
  /** When its state changed last. */
  since: number
  startedAt: number | null = null
  /** Why it was not started. */
  error: ErrorReport | null = null
  /** How the last run ended; null while one goes on. */
  end: FlowEnd | null = null
  /** How long its end may hold up the engine's, in milliseconds. */
  shutdownMs = 30_000
  /** Counts every start. */
  number = 0
  run: FlowRun | null = null
  private readonly id: string
  private readonly services: FlowServices
  private readonly onChange: () => void
  private readonly rateMeter: RateMeter
  private readonly restarts: RestartWindow
  private preparing: AbortController | null = null
  private cancelRestart: (() => void) | null = null
  private endWaiters: ((end: FlowEnd) => void)[] = []

  constructor(id: string, services: FlowServices, onChange: () => void) {
    this.id = id
    this.services = services
    this.onChange = onChange
    this.since = services.clock.now()
    this.rateMeter = new RateMeter(services.clock)
    this.restarts = new RestartWindow(services.clock)
  }

  /** Whether it runs, is about to, or will again in a moment. */
  get isActive(): boolean {
    return this.preparing !== null || this.isLive || this.cancelRestart !== null
  }

  /** The run that goes on. Throws `flow.not_running`. */
  get live(): FlowRun {
    if (this.run === null || !this.isLive) throw this.notRunning()
    return this.run
  }

  get state(): FlowView['state'] {
    if (this.preparing !== null || this.cancelRestart !== null) return 'preparing'
    return this.end?.state ?? this.run?.figures.state ?? 'idle'
  }

  /** Elements a second from sources. */
  get rate(): number {
    return this.isLive ? this.rateMeter.rate : 0
  }

  /** Settles when it runs. Rejects with why it does not. */
  async start(request: StartRequest): Promise<void> {
    if (this.isActive) throw new PaddockError('flow.running', `Flow ${this.id} runs already.`)
    await this.begin(request)
  }

  /** Ends what runs, or is about to. Rejects with `flow.not_running`. */
  async cancel(): Promise<FlowEnd> {
    if (this.preparing !== null) {
      const ended = this.ended()
      this.preparing.abort()
      return ended
    }
    if (this.cancelRestart !== null && this.end !== null) {
      this.cancelRestart()
      this.cancelRestart = null
      this.tellEnd(this.end)
      return this.end
    }
    return this.live.cancel()
  }

  drain(): Promise<FlowEnd> {
    return this.preparing === null && this.cancelRestart === null ? this.live.drain() : this.cancel()
  }

  /** Settles when what runs has ended for good. Rejects with `flow.not_running`. */
  async ended(): Promise<FlowEnd> {
    if (!this.isActive) throw this.notRunning()
    return new Promise((resolve) => {
      this.endWaiters.push(resolve)
    })
  }

  private get isLive(): boolean {
    return this.run !== null && this.end === null
  }

  private async begin(request: StartRequest): Promise<void> {
    const { services } = this
    const abort = new AbortController()
    this.preparing = abort
    this.shutdownMs = request.definition.timeouts.shutdownMs
    this.number += 1
    this.error = null
    this.since = services.clock.now()
    this.onChange()
    const journal = this.openJournal()
    let run: FlowRun
    try {
      run = await this.prepare(request, journal, abort.signal)
      if (abort.signal.aborted) throw new PaddockError('flow.cancelled', 'The flow was cancelled.')
    } catch (error) {
      const wasCancelled = abort.signal.aborted
      this.preparing = null
      this.onNotStarted(toErrorReport(error), wasCancelled, journal)
      throw wasCancelled ? new PaddockError('flow.cancelled', 'The flow was cancelled.') : error
    }
    this.preparing = null
    this.run = run
    this.end = null
    this.startedAt = services.clock.now()
    this.since = this.startedAt
    this.rateMeter.begin()
    this.spans.clear()
    services.state.clear(noticeId(this.id))
    void run.ended.then((end) => this.onEnded(run, end, journal, request))
    await run.start()
  }

  private openJournal(): RunJournal {
    const { logs, clock, isKept } = this.services
    return new RunJournal({
      flow: this.id,
      run: this.number,
      logs,
      clock,
      isKept: (level) => isKept(this.id, level),
    })
  }

  private async prepare(
    { definition, granted, options }: StartRequest,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<FlowRun> {
    const { services, id } = this
    const directory = path.join(services.directory, id)
    const prepared = await prepareFlow(definition, services.components, {
      granted,
      directory,
      start: options,
      signal,
    })
    const positions = await Positions.open({
      file: path.join(directory, 'positions.json'),
      clock: services.clock,
      onUnwritable: ({ message, code }) => journal.tell('warn', 'positions_unwritable', message, code),
    })
    return new FlowRun({
      ...prepared,
      id,
      run: this.number,
      means: services.runs,
      positions,
      journal,
      logLevel: services.logLevel(id),
      onChange: () => this.onRunChange(),
      onSpans: (spans, dropped) => this.spans.add(spans, dropped),
    })
  }

  private onRunChange(): void {
    if (this.run !== null) this.rateMeter.sample(this.run.figures.elements)
    this.onChange()
  }

  /** It could not be prepared: there was no run. */
  private onNotStarted(error: ErrorReport, wasCancelled: boolean, journal: RunJournal): void {
    const { services, id } = this
    this.since = services.clock.now()
    this.run = null
    this.end = endWithoutRun(wasCancelled ? 'cancelled' : 'failed', error)
    if (!wasCancelled) {
      this.error = error
      journal.tell('error', 'flow.start_failed', error.message, error.code)
      services.state.raise(noticeId(id), 'error', { kind: 'flow', id }, error)
      services.state.note('crit', id, 'flow.start_failed', `Flow ${id} did not start: ${error.message}`)
    }
    this.tellEnd(this.end)
    this.onChange()
  }

  private onEnded(run: FlowRun, { end, wasLost }: RunEnd, journal: RunJournal, request: StartRequest): void {
    const { services, id } = this
    this.end = end
    this.since = services.clock.now()
    const error = end.failure?.error ?? null
    const text =
      error === null ? `The flow is ${end.state}: ${countsOf(end)}.` : `${error.message} (${countsOf(end)})`
    journal.tell(error === null ? 'info' : 'error', `flow.${end.state}`, text, error?.code, end.failure?.node)
    if (end.leaked > 0) {
      const leak = `${end.leaked} buffers were still alive at the end of the flow and were taken back.`
      journal.tell('warn', 'resource.leak_suspected', leak)
    }
    if (wasLost && error !== null && !run.isEnding && this.restarts.allows(run.plan.restart)) {
      journal.tell('warn', 'flow.restarting', 'The flow starts again; what was in its queues is lost.')
      this.cancelRestart = services.clock.after(restartAfterMs, () => {
        this.cancelRestart = null
        this.begin(request).catch(() => undefined)
      })
      this.onChange()
      return
    }
    if (error !== null) services.state.raise(noticeId(id), 'error', { kind: 'flow', id }, error)
    services.state.note(error === null ? 'ok' : 'crit', id, `flow.${end.state}`, text)
    this.tellEnd(end)
    this.onChange()
  }

  private tellEnd(end: FlowEnd): void {
    for (const waiter of this.endWaiters.splice(0)) waiter(end)
  }

  private notRunning(): PaddockError {
    return new PaddockError('flow.not_running', `Flow ${this.id} does not run.`)
  }
}

/** Under which the operator is told of a flow that failed. */
export function noticeId(flow: string): string {
  return `flow ${flow}`
}

function countsOf({ figures }: FlowEnd): string {
  const { elements, delivered, dropped, errors } = figures
  return `${elements} elements in, ${delivered} delivered, ${dropped} dropped, ${errors} errors`
}
