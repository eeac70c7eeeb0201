import type { FlowGraph, FlowProblem, FlowView } from '../../../shared/domain/flow.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'

/** How long the operator must pause before a text is judged, and before its components are looked at as well. */
const checkAfterMs = 250
const lookAfterMs = 900

/** The text of one flow file as it is being edited, judged as one types. */
export class FlowDraft {
  text = $state('')
  /** As it stands on disk, as far as is known. */
  saved = $state('')
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  problems = $state.raw<readonly FlowProblem[]>([])
  /** The shape that the text has; the last one that could be read while it has none. */
  graph = $state.raw<FlowGraph | null>(null)
  /** Whether the text waits to be judged, is being judged, or has been: alone, or with its components. */
  judged = $state<'waiting' | 'text' | 'components'>('waiting')
  saving = $state(false)
  /** Set when the file changed on disk under a text with changes. */
  theirs = $state.raw<string | null>(null)
  readonly id: string
  readonly #client: PaddockClient
  readonly #name: string
  readonly #file: string
  #timer = 0
  #serial = 0

  constructor(client: PaddockClient, view: FlowView) {
    this.#client = client
    this.id = view.id
    this.#name = view.graph.name
    this.#file = view.file
    this.graph = view.graph
  }

  get isDirty(): boolean {
    return this.phase === 'ready' && this.text !== this.saved
  }

  get errors(): number {
    return this.problems.filter(({ severity }) => severity === 'error').length
  }

  /** Reads the file, keeping a text with changes; judges it, and what is typed, until the returned function is called. */
  start(): () => void {
    void this.#load()
    return () => {
      window.clearTimeout(this.#timer)
      this.#serial += 1
    }
  }

  type(text: string): void {
    this.text = text
    this.judged = 'waiting'
    this.#serial += 1
    window.clearTimeout(this.#timer)
    this.#timer = window.setTimeout(() => void this.#check(false), checkAfterMs)
  }

  revert(): void {
    this.type(this.saved)
  }

  /** Drops the changes for what came to be on disk meanwhile. */
  takeTheirs(): void {
    if (this.theirs === null) return
    this.saved = this.theirs
    this.theirs = null
    this.type(this.saved)
  }

  /** Writes the file. Answers why not, or null. */
  async save(): Promise<ErrorReport | null> {
    if (this.saving) return null
    this.saving = true
    const { text } = this
    try {
      await this.#client.flows.save({ id: this.id, text })
      this.saved = text
      this.theirs = null
      return null
    } catch (thrown) {
      void this.#check(false)
      return toErrorReport(thrown)
    } finally {
      this.saving = false
    }
  }

  async #load(): Promise<void> {
    try {
      const text = await this.#client.flows.text({ id: this.id })
      if (this.isDirty) {
        if (text !== this.saved) this.theirs = text
      } else {
        this.text = text
        this.saved = text
      }
      this.phase = 'ready'
      this.error = null
      await this.#check(false)
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  async #check(components: boolean): Promise<void> {
    const serial = ++this.#serial
    const { text } = this
    try {
      const { problems, graphs } = await this.#client.flows.check({ path: this.#file, text, components })
      if (serial !== this.#serial) return
      this.problems = problems
      this.graph = graphs.find(({ name }) => name === this.#name) ?? this.graph
      this.judged = components ? 'components' : 'text'
      if (!components && this.errors === 0)
        this.#timer = window.setTimeout(() => void this.#check(true), lookAfterMs)
    } catch (thrown) {
      if (serial !== this.#serial) return
      this.error = toErrorReport(thrown)
    }
  }
}
