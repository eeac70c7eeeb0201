import type { StateView } from '../../../shared/contracts/decider.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'

/** While the slider moves, only where it rests is folded. */
const restMs = 120

/** The state of one stream at a revision, and at another to compare it with. */
export class StateViewer {
  /** The revision looked at, or null for the newest, whatever that is. */
  at = $state<number | null>(null)
  /** The revision compared with, or null. */
  from = $state<number | null>(null)
  shown = $state.raw<StateView | null>(null)
  compared = $state.raw<StateView | null>(null)
  /** How long folding to the newest revision took, in milliseconds; null before that is known. */
  foldedMs = $state<number | null>(null)
  error = $state.raw<ErrorReport | null>(null)
  loading = $state(false)
  readonly #client: PaddockClient
  readonly #reference: string
  readonly #streamId: string
  #timer: ReturnType<typeof setTimeout> | undefined
  #serial = 0

  constructor(client: PaddockClient, reference: string, streamId: string) {
    this.#client = client
    this.#reference = reference
    this.#streamId = streamId
  }

  move(at: number | null): void {
    this.at = at
    this.#soon()
  }

  compare(from: number | null): void {
    this.from = from
    if (from === null) this.compared = null
    this.#soon()
  }

  /** Folds now. */
  async read(): Promise<void> {
    const serial = ++this.#serial
    const { at, from } = this
    this.loading = true
    try {
      const shown = await this.#fold(at)
      const compared = from === null ? null : await this.#fold(from)
      if (serial !== this.#serial) return
      this.shown = shown
      this.compared = compared
      if (shown.revision === shown.head) this.foldedMs = shown.durationMs
      this.error = null
    } catch (thrown) {
      if (serial === this.#serial) this.error = toErrorReport(thrown)
    } finally {
      if (serial === this.#serial) this.loading = false
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#serial += 1
  }

  #soon(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.read(), restMs)
  }

  #fold(at: number | null): Promise<StateView> {
    return this.#client.deciders.stateAt({ reference: this.#reference, streamId: this.#streamId, at })
  }
}
