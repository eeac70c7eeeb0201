/** Flows in memory: added after consent, started, paused, edited and ended as those of an engine are. */
import type { TraceSpan } from '../../../shared/contracts/flow.ts'
import type { FlowAsk, FlowGraph, FlowProblem, FlowView } from '../../../shared/domain/flow.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import { figuresOf, sampleFlow } from './sample-flows.ts'

export interface FlowFileDouble {
  readonly text: string
  readonly graphs: readonly FlowGraph[]
  readonly asks: readonly FlowAsk[]
  readonly problems: readonly FlowProblem[]
}

export class FlowsDouble {
  readonly flows = new Map<string, FlowView>()
  /** Flow files by their path; anything else is none. */
  readonly files = new Map<string, FlowFileDouble>()
  readonly calls: { readonly call: string; readonly input: unknown }[] = []
  /** Judges a text that is typed; no problem unless set. */
  judge: (text: string) => { problems: FlowProblem[]; graphs: FlowGraph[] } | null = () => null
  picked: string | null = null
  /** Calls that fail, and how. */
  readonly refusals = new Map<string, PaddockError>()
  readonly #watches = new Set<(items: readonly FlowView[][], dropped: number) => void>()
  readonly #traces = new Set<{ id: string; push: (items: readonly TraceSpan[], dropped: number) => void }>()
  readonly spans: TraceSpan[] = []

  add(view: FlowView, text = '[torvyn]\nname = "test"\n'): FlowView {
    this.flows.set(view.id, view)
    if (!this.files.has(view.file))
      this.files.set(view.file, { text, graphs: [view.graph], asks: [], problems: [] })
    this.tell()
    return view
  }

  set(id: string, change: Partial<FlowView>): void {
    this.flows.set(id, { ...this.#flow(id), ...change })
    this.tell()
  }

  tell(): void {
    for (const push of this.#watches) push([[...this.flows.values()]], 0)
  }

  trace(id: string, spans: readonly TraceSpan[]): void {
    this.spans.push(...spans)
    for (const watch of this.#traces) if (watch.id === id) watch.push(spans, 0)
  }

  handlers(): PaddockHandlers['flows'] {
    return {
      list: () => [...this.flows.values()],
      watch: (_, push) => {
        this.#watches.add(push)
        push([[...this.flows.values()]], 0)
        return () => void this.#watches.delete(push)
      },
      pick: () => this.picked,
      check: ({ path, text }) => {
        if (text !== null) {
          const judged = this.judge(text)
          if (judged !== null) return judged
        }
        const file = this.#file(path)
        return { problems: [...file.problems], graphs: [...file.graphs] }
      },
      asks: ({ path }) => [...this.#file(path).asks],
      add: (input) => {
        this.#note('add', input)
        const file = this.#file(input.path)
        const missing = file.asks.filter(({ key }) => !input.granted.includes(key))
        if (missing.length > 0) throw new PaddockError('flow.consent_required', 'The flow does not start so.')
        const graph = file.graphs.find(({ name }) => name === input.flow) ?? file.graphs[0]
        if (graph === undefined) throw new PaddockError('flow.invalid', 'The file holds no flow.')
        return this.add(sampleFlow(graph, { file: input.path }))
      },
      remove: ({ id }) => {
        this.#note('remove', { id })
        this.flows.delete(id)
        this.tell()
      },
      reload: ({ id }) => {
        this.#note('reload', { id })
        return this.#flow(id)
      },
      text: ({ id }) => this.#file(this.#flow(id).file).text,
      save: ({ id, text }) => {
        this.#note('save', { id, text })
        const view = this.#flow(id)
        const judged = this.judge(text)
        if (judged?.problems.some(({ severity }) => severity === 'error') === true)
          throw new PaddockError('flow.invalid', judged.problems[0]?.message ?? 'It is wrong.')
        this.files.set(view.file, { ...this.#file(view.file), text })
        const graph = judged?.graphs.find(({ name }) => name === view.graph.name) ?? view.graph
        this.set(id, { graph })
        return this.#flow(id)
      },
      start: ({ id }) => {
        this.#note('start', { id })
        const { graph } = this.#flow(id)
        const now = Date.now()
        this.set(id, {
          state: 'running',
          since: now,
          startedAt: now,
          figures: figuresOf(graph),
          end: null,
          error: null,
          pid: 4_242,
          enabled: true,
        })
      },
      pause: ({ id }) => {
        this.#note('pause', { id })
        this.set(id, { paused: true })
      },
      resume: ({ id }) => {
        this.#note('resume', { id })
        this.set(id, { paused: false })
      },
      drain: ({ id }) => this.#end('drain', id),
      cancel: ({ id }) => this.#end('cancel', id),
      setLevel: ({ id, level, traceRate }) => {
        this.#note('setLevel', { id, level, traceRate })
        this.set(id, { level, traceRate })
      },
      watchTrace: ({ id }, push) => {
        const watch = { id, push }
        this.#traces.add(watch)
        push(this.spans, 0)
        return () => void this.#traces.delete(watch)
      },
    }
  }

  #end(call: 'drain' | 'cancel', id: string): NonNullable<FlowView['end']> {
    this.#note(call, { id })
    const end: NonNullable<FlowView['end']> = { state: 'cancelled', failure: null, leaked: 0 }
    this.set(id, {
      state: 'cancelled',
      since: Date.now(),
      end,
      pid: null,
      enabled: false,
      paused: false,
      rate: 0,
    })
    return end
  }

  #note(call: string, input: unknown): void {
    this.calls.push({ call, input })
    const refusal = this.refusals.get(call)
    if (refusal !== undefined) throw refusal
  }

  #flow(id: string): FlowView {
    const view = this.flows.get(id)
    if (view === undefined) throw new PaddockError('flow.unknown', `There is no flow "${id}".`)
    return view
  }

  #file(path: string): FlowFileDouble {
    const file = this.files.get(path)
    if (file === undefined)
      throw new PaddockError('flow.unreadable', `${path} holds neither Torvyn.toml nor pipeline.toml.`)
    return file
  }
}
