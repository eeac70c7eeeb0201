/** The flows of one engine (spec flows): added, edited, started, watched, and ended together with it. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { FlowEnd, FlowLevel, TraceSpan } from '../../../shared/contracts/flow.ts'
import type { FlowView } from '../../../shared/domain/flow.ts'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { FlowApi, FlowCheck, FlowSource, StartOptions } from '../api.ts'
import { checkFlowFile } from '../file/check-file.ts'
import type { CheckFileOptions } from '../file/model.ts'
import { readUserFile } from '../file/user-file.ts'
import type { FlowAsk } from '../plan/model.ts'
import { findFlowFile, readFlowFile, replaceFlowFile } from '../records/flow-file.ts'
import { flowIdFor } from '../records/flow-id.ts'
import type { FlowRecords } from '../records/flow-records.ts'
import { ChangeSignal } from './change-signal.ts'
import { chooseFlow, flowOf, hasErrors, invalid, judge, refuseUngranted } from './flow-definition.ts'
import { FlowEntry } from './flow-entry.ts'
import { noticeId } from './flow-runner.ts'
import type { FlowServices } from './flow-services.ts'
import { stopAll } from './stop-all.ts'

/** Flows that run at the same time: each has a process of its own. */
const maxRunning = 64

export interface FlowServiceOptions {
  readonly services: FlowServices
  readonly records: FlowRecords
}

export class FlowService implements FlowApi {
  private services: FlowServices
  private readonly records: FlowRecords
  private readonly entries = new Map<string, FlowEntry>()
  private readonly changes: ChangeSignal
  private isClosing = false

  constructor({ services, records }: FlowServiceOptions) {
    this.services = services
    this.records = records
    this.changes = new ChangeSignal(services.clock)
  }

  /** Reads what was added; nothing of it runs yet. Never rejects: a file that cannot be read is said in its view. */
  async open(): Promise<void> {
    await this.readOutside()
    await Promise.all(
      this.records.all().map(async (record) => {
        const entry = this.enter(record, {})
        await entry.load().catch(() => undefined)
      }),
    )
  }

  /** Starts what should run; settles when each runs or has failed. Never rejects. */
  async startEnabled(): Promise<void> {
    const enabled = [...this.entries.values()].filter(
      ({ record, runner }) => record.enabled && !runner.isActive,
    )
    await Promise.all(enabled.map((entry) => entry.start({}).catch(() => undefined)))
  }

  /** Ends all flows in parallel (spec flows 7.5). Safe to call again; never rejects. */
  async close(): Promise<void> {
    this.isClosing = true
    const { runs } = this.services
    await stopAll([...this.entries.values()], this.services)
    await runs.ends.stores.close()
    this.changes.dispose()
  }

  /** For metrics. */
  all(): readonly FlowEntry[] {
    return [...this.entries.values()]
  }

  list(): FlowView[] {
    return [...this.entries.values()].map((entry) => entry.view())
  }

  onDidChange(listener: () => void): () => void {
    return this.changes.listen(listener)
  }

  async check(given: string, text: string | null, components: boolean): Promise<FlowCheck> {
    const file = text === null ? await findFlowFile(given) : path.resolve(given)
    const checked = checkFlowFile(file, text ?? (await readFlowFile(file)), this.fileOptions({}))
    if (!components) return { problems: checked.problems, graphs: checked.graphs }
    const judged = await Promise.all(checked.flows.map((flow) => judge(flow, this.services.components, null)))
    return {
      problems: [...checked.problems, ...judged.flatMap(({ problems }) => problems)],
      graphs: checked.graphs.map(
        (graph) => judged.find((each) => each.graph.name === graph.name)?.graph ?? graph,
      ),
    }
  }

  async asks(source: FlowSource): Promise<readonly FlowAsk[]> {
    return (await this.read(source, null)).asks
  }

  async add(source: FlowSource, granted: readonly string[]): Promise<FlowView> {
    const { file, flow, text, graph, problems, asks } = await this.read(source, granted)
    refuseUngranted(flow, asks, granted)
    const known = [...this.entries.values()].find(
      ({ record }) => record.file === file && record.flow === flow,
    )
    if (known?.runner.isActive === true)
      throw new PaddockError('flow.running', `Flow ${known.id} runs; it is not added anew meanwhile.`)
    const id = known?.id ?? flowIdFor(file, flow, (each) => this.entries.has(each))
    const keys = asks.map(({ key }) => key)
    const record = {
      id,
      file,
      flow,
      granted: keys.filter((key) => granted.includes(key)),
      enabled: known?.record.enabled ?? false,
    }
    this.records.save(record)
    const entry = this.enter(record, source.overrides ?? {})
    entry.take(text)
    entry.describe(graph, problems)
    return entry.view()
  }

  async remove(id: string): Promise<void> {
    const entry = this.entry(id)
    if (entry.runner.isActive) await entry.runner.cancel()
    this.entries.delete(id)
    this.records.remove(id)
    this.services.state.clear(noticeId(id))
    // Its stores and dead letters are the operator's; where it stood is of no use to another flow of this name.
    await rm(path.join(this.services.directory, id, 'positions.json'), { force: true })
    this.changes.touch()
  }

  async reload(id: string): Promise<FlowView> {
    const entry = this.entry(id)
    await entry.load()
    return entry.view()
  }

  async save(id: string, text: string): Promise<FlowView> {
    const entry = this.entry(id)
    const { file, flow } = entry.record
    const { definition, problems } = flowOf(checkFlowFile(file, text, this.fileOptions({})), flow)
    if (definition === null) throw invalid(file, problems)
    await replaceFlowFile(file, text)
    entry.take(text)
    return entry.view()
  }

  async text(id: string): Promise<string> {
    return readFlowFile(this.entry(id).record.file)
  }

  async start(id: string, options: StartOptions = {}): Promise<void> {
    const entry = this.entry(id)
    if (this.isClosing) throw new PaddockError('flow.cancelled', 'Paddock is stopping.')
    const running = [...this.entries.values()].filter(({ runner }) => runner.isActive).length
    if (!entry.runner.isActive && running >= maxRunning) {
      throw new PaddockError('flow.busy', `${maxRunning} flows run already; no more run at the same time.`, {
        remedy: 'Stop another flow first.',
      })
    }
    await entry.start(options)
    // One that was asked for a number of elements only is not for the next time.
    if (options.elementLimit === undefined) this.enable(entry, true)
    void this.forget(entry)
  }

  pause(id: string): void {
    this.entry(id).runner.live.pause()
  }

  resume(id: string): void {
    this.entry(id).runner.live.resume()
  }

  async drain(id: string): Promise<FlowEnd> {
    const entry = this.entry(id)
    this.enable(entry, false)
    return entry.runner.drain()
  }

  async cancel(id: string): Promise<FlowEnd> {
    const entry = this.entry(id)
    this.enable(entry, false)
    return entry.runner.cancel()
  }

  setLevel(id: string, level: FlowLevel, traceRate: number): void {
    this.entry(id).setLevel(level, traceRate)
  }

  trace(id: string): TraceSpan[] {
    return this.entry(id).runner.spans.all()
  }

  watchTrace(id: string, listener: (spans: readonly TraceSpan[]) => void): () => void {
    return this.entry(id).runner.spans.watch(listener)
  }

  async ended(id: string): Promise<FlowEnd> {
    return this.entry(id).runner.ended()
  }

  private async readOutside(): Promise<void> {
    const { outside, log } = this.services
    try {
      const userFile = await readUserFile(outside.environment ?? {})
      if (userFile !== undefined) this.services = { ...this.services, outside: { ...outside, userFile } }
    } catch (error) {
      log('warn', 'flow_settings_unreadable', toErrorReport(error).message, 'flow.unreadable')
    }
  }

  /** One that came to its end by itself does not run again with the next start of the engine. */
  private async forget(entry: FlowEntry): Promise<void> {
    // One that is short may have ended before anybody could wait for it.
    const { runner } = entry
    const end = runner.isActive ? await runner.ended().catch(() => null) : runner.end
    if (end?.state === 'completed' && !this.isClosing) this.enable(entry, false)
  }

  private enable(entry: FlowEntry, enabled: boolean): void {
    if (entry.record.enabled === enabled || this.entries.get(entry.id) !== entry) return
    entry.record = { ...entry.record, enabled }
    this.records.save(entry.record)
    this.changes.touch()
  }

  /** Throws `flow.unknown`. */
  private entry(id: string): FlowEntry {
    const entry = this.entries.get(id)
    if (entry === undefined) throw new PaddockError('flow.unknown', `There is no flow "${id}".`)
    return entry
  }

  private enter(record: FlowEntry['record'], overrides: Readonly<Record<string, string>>): FlowEntry {
    const entry = new FlowEntry({
      record,
      overrides,
      services: this.services,
      onChange: () => this.changes.touch(),
    })
    this.entries.set(record.id, entry)
    return entry
  }

  private fileOptions(overrides: Readonly<Record<string, string>>): CheckFileOptions {
    return { ...this.services.outside, overrides }
  }

  /** Reads and judges a flow with its components. Rejects with `flow.*`. */
  private async read(
    source: FlowSource,
    granted: readonly string[] | null,
  ): Promise<{
    file: string
    flow: string
    text: string
    graph: FlowView['graph']
    problems: FlowView['problems']
    asks: readonly FlowAsk[]
  }> {
    const file = await findFlowFile(source.path)
    const text = await readFlowFile(file)
    const checked = checkFlowFile(file, text, this.fileOptions(source.overrides ?? {}))
    const flow = chooseFlow(checked, file, source.flow)
    const { definition, problems } = flowOf(checked, flow)
    if (definition === null) throw invalid(file, problems)
    const judged = await judge(definition, this.services.components, granted)
    // What is missing a grant is asked for before it counts as a fault.
    if (granted !== null) refuseUngranted(flow, judged.asks, granted)
    if (hasErrors(judged.problems)) throw invalid(file, judged.problems)
    return { file, flow, text, graph: judged.graph, problems: [...judged.problems], asks: judged.asks }
  }
}
