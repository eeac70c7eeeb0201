/** One flow that was added: its file as it was read last, its runs, and how it looks. */
import type { FlowFigures, FlowLevel } from '../../../shared/contracts/flow.ts'
import type { FlowGraph, FlowProblem, FlowView } from '../../../shared/domain/flow.ts'
import type { InstalledFlow } from '../../../shared/domain/settings.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { StartOptions } from '../api.ts'
import type { FlowDefinition } from '../file/model.ts'
import { readFlowFile } from '../records/flow-file.ts'
import { invalid, readFlow } from './flow-definition.ts'
import { FlowRunner } from './flow-runner.ts'
import type { FlowServices } from './flow-services.ts'

export interface FlowEntryOptions {
  readonly record: InstalledFlow
  readonly overrides: Readonly<Record<string, string>>
  readonly services: FlowServices
  readonly onChange: () => void
}

export class FlowEntry {
  record: InstalledFlow
  readonly runner: FlowRunner
  private readonly options: FlowEntryOptions
  private graph: FlowGraph | null = null
  private problems: readonly FlowProblem[] = []
  private definition: FlowDefinition | null = null
  /** Why its file is of no use. */
  private fileError: ErrorReport | null = null
  /** As the operator set it for the run that goes on. */
  private tracing: { readonly level: FlowLevel; readonly traceRate: number } | null = null

  constructor(options: FlowEntryOptions) {
    this.options = options
    this.record = options.record
    this.runner = new FlowRunner(options.record.id, options.services, options.onChange)
  }

  get id(): string {
    return this.record.id
  }

  get figures(): FlowFigures | null {
    return this.runner.run?.figures ?? null
  }

  /** Reads the file as it is now. Rejects with `flow.unreadable`; problems are kept for the view. */
  async load(): Promise<void> {
    try {
      this.take(await readFlowFile(this.record.file))
    } catch (error) {
      this.fileError = toErrorReport(error)
      this.options.onChange()
      throw error
    }
  }

  /** Takes this text for the file's. */
  take(text: string): void {
    const { record, options } = this
    const { overrides, services } = options
    const read = readFlow(record.file, text, record.flow, { ...services.outside, overrides })
    this.problems = read.problems
    this.graph = read.graph ?? this.graph
    this.definition = read.definition
    this.fileError = read.definition === null ? invalid(record.file, read.problems).toReport() : null
    options.onChange()
  }

  /** Says what is known of it with its components. */
  describe(graph: FlowGraph, problems: readonly FlowProblem[]): void {
    this.graph = graph
    this.problems = [...this.problems, ...problems]
    this.options.onChange()
  }

  /** Settles when it runs. Rejects with why it does not. */
  async start(options: StartOptions): Promise<void> {
    const { definition, record, fileError } = this
    if (definition === null)
      throw fileError === null ? invalid(record.file, this.problems) : PaddockError.fromReport(fileError)
    this.tracing = null
    await this.runner.start({ definition, granted: record.granted, options })
  }

  setLevel(level: FlowLevel, traceRate: number): void {
    this.runner.live.setLevel(level, traceRate)
    this.tracing = { level, traceRate }
    this.options.onChange()
  }

  view(): FlowView {
    const { runner, record, definition } = this
    const { run, end } = runner
    const observability = definition?.settings.observability
    return {
      id: record.id,
      file: record.file,
      graph: this.graph ?? { name: record.flow, description: '', nodes: [], edges: [] },
      problems: [...this.problems],
      state: runner.state,
      since: runner.since,
      startedAt: runner.startedAt,
      paused: run?.paused ?? false,
      enabled: record.enabled,
      priority: run?.plan.priority ?? definition?.priority ?? 'normal',
      level: this.tracing?.level ?? run?.plan.level ?? observability?.level ?? 'production',
      traceRate: this.tracing?.traceRate ?? run?.plan.traceRate ?? observability?.tracingSampleRate ?? 0,
      pid: run?.pid ?? null,
      residentBytes: run?.residentBytes ?? null,
      figures: this.figures,
      rate: runner.rate,
      end: end === null ? null : { state: end.state, failure: end.failure, leaked: end.leaked },
      error: this.fileError ?? runner.error,
    }
  }
}
