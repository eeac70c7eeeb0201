/** What the command and the console ask of an engine's flows. */
import type { FlowEnd, FlowLevel, TraceSpan } from '../../shared/contracts/flow.ts'
import type { FlowAsk } from './plan/model.ts'
import type { FlowGraph, FlowProblem, FlowView } from '../../shared/domain/flow.ts'

export interface FlowCheck {
  readonly problems: readonly FlowProblem[]
  /** Null where the text is not even a flow file. */
  readonly graphs: readonly FlowGraph[]
}

/** Lines of a file in place of a source, or a file of lines in place of a sink; `-` is standard input or output. */
export interface LinesEnd {
  readonly kind: 'lines'
  readonly file: string
}

export interface FlowSource {
  /** `Torvyn.toml`, `pipeline.toml`, or the folder that holds one. */
  readonly path: string
  /** Which flow of the file; the only one unless given. */
  readonly flow?: string | undefined
  /** Keys of the flow file that stand over it, by key path; they last as long as the engine. */
  readonly overrides?: Readonly<Record<string, string>>
}

export interface StartOptions {
  /** Ends it after so many elements of its sources. */
  readonly elementLimit?: number
  readonly level?: FlowLevel
  readonly traceRate?: number
  /** In place of a node's config, by node. */
  readonly configs?: Readonly<Record<string, string>>
  /** In place of a node's own body, by node. */
  readonly ends?: Readonly<Record<string, LinesEnd>>
}

export interface FlowApi {
  list(): FlowView[]
  /** Told at most four times a second. */
  onDidChange(listener: () => void): () => void
  /** Judges a text as if it stood in `path`; compiles nothing unless `components`. */
  check(path: string, text: string | null, components: boolean): Promise<FlowCheck>
  /** What the flow wants granted. Throws `flow.*`. */
  asks(source: FlowSource): Promise<readonly FlowAsk[]>
  /** Keeps the flow in the settings; what it asks for (grants) must be in `granted`. Throws `flow.*`. */
  add(source: FlowSource, granted: readonly string[]): Promise<FlowView>
  remove(id: string): Promise<void>
  /** Reads the file again, as it is now; a flow that runs keeps running what it runs. */
  reload(id: string): Promise<FlowView>
  /** Writes the flow file, checked first; the version before is kept beside it. Throws `flow.invalid` with the problems. */
  save(id: string, text: string): Promise<FlowView>
  text(id: string): Promise<string>
  /** Settles when it runs. Throws `flow.*`. */
  start(id: string, options?: StartOptions): Promise<void>
  pause(id: string): void
  resume(id: string): void
  /** Settles when it has ended. */
  drain(id: string): Promise<FlowEnd>
  cancel(id: string): Promise<FlowEnd>
  setLevel(id: string, level: FlowLevel, traceRate: number): void
  /** Newest last; the last 1,000 spans of the flow. */
  trace(id: string): TraceSpan[]
  /** Called with spans as they come. */
  watchTrace(id: string, listener: (spans: readonly TraceSpan[]) => void): () => void
  /** Settles when the run that goes on has ended. */
  ended(id: string): Promise<FlowEnd>
}
