import type { TraceSpan } from '../../../shared/contracts/flow.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { treesOf, type ElementTree } from './trace-trees.ts'

/** Spans kept in the page: of enough elements that those that waited long in queues still have their first calls. */
const mostSpans = 4_000
/** The list is drawn anew at most so often, in milliseconds. */
const everyMs = 250

/** Elements of one flow as their calls come. */
export class TraceFeed {
  trees = $state.raw<readonly ElementTree[]>([])
  following = $state(true)
  /** Spans that came while held. */
  held = $state(0)
  /** Spans that never reached the page, as main counted them. */
  dropped = $state(0)
  readonly #client: PaddockClient
  readonly #id: string
  #spans: TraceSpan[] = []
  #timer = 0
  #startedAt: number | null | undefined

  constructor(client: PaddockClient, id: string) {
    this.#client = client
    this.#id = id
  }

  /** Listens until the returned function is called. */
  start(): () => void {
    const stop = this.#client.flows.watchTrace({ id: this.#id }, (spans, dropped) => {
      const known = new Set(this.#spans.map(({ span }) => span))
      const fresh = spans.filter(({ span }) => !known.has(span))
      this.#spans = [...this.#spans, ...fresh].slice(-mostSpans)
      this.dropped += dropped
      if (!this.following) this.held += fresh.length
      else if (this.#timer === 0) this.#timer = window.setTimeout(() => this.#show(), everyMs)
    })
    return () => {
      stop()
      window.clearTimeout(this.#timer)
      this.#timer = 0
    }
  }

  hold(): void {
    this.following = false
  }

  follow(): void {
    this.following = true
    this.held = 0
    this.#show()
  }

  clear(): void {
    this.#spans = []
    this.held = 0
    this.dropped = 0
    this.trees = []
  }

  /** Begins anew where another run has begun; its first spans may have come already. */
  begin(startedAt: number | null): void {
    if (this.#startedAt !== undefined && this.#startedAt !== startedAt) this.clear()
    this.#startedAt = startedAt
  }

  #show(): void {
    this.#timer = 0
    if (this.following) this.trees = treesOf(this.#spans)
  }
}
