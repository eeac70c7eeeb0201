import type { z } from 'zod'
import type { OutcomeRecord, streamViewSchema } from '../../../shared/contracts/decider-views.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'

export type StreamView = z.infer<typeof streamViewSchema>

const pageSize = 200

/** The streams of one decider under a prefix, page by page, current without changing their order. */
export class StreamList {
  prefix = $state('')
  streams = $state.raw<readonly StreamView[]>([])
  totals = $state.raw<{ streams: number; events: number; lastPosition: number; usedBytes: number } | null>(
    null,
  )
  more = $state(false)
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  loadingMore = $state(false)
  /** Streams that began since the list was read; shown when it is read again. */
  unseen = $state(0)
  readonly #client: PaddockClient
  readonly #reference: string
  readonly #unseen = new Set<string>()
  #serial = 0

  constructor(client: PaddockClient, reference: string) {
    this.#client = client
    this.#reference = reference
  }

  /** Reads the first page under a prefix. */
  async open(prefix: string): Promise<void> {
    const serial = ++this.#serial
    this.prefix = prefix
    try {
      const { streams, totals } = await this.#page(prefix, null, pageSize)
      if (serial !== this.#serial) return
      this.streams = streams
      this.totals = totals
      this.more = streams.length === pageSize
      this.#unseen.clear()
      this.unseen = 0
      this.error = null
      this.phase = 'ready'
    } catch (thrown) {
      if (serial !== this.#serial) return
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  async loadMore(): Promise<void> {
    const last = this.streams[this.streams.length - 1]
    if (!this.more || this.loadingMore || last === undefined) return
    const serial = this.#serial
    this.loadingMore = true
    try {
      const { streams, totals } = await this.#page(this.prefix, last.streamId, pageSize)
      if (serial !== this.#serial) return
      this.streams = [...this.streams, ...streams]
      this.totals = totals
      this.more = streams.length === pageSize
    } catch (thrown) {
      if (serial === this.#serial) this.error = toErrorReport(thrown)
    } finally {
      this.loadingMore = false
    }
  }

  /** Takes what a command appended: a known stream swaps in place, a new one is counted, or shown if nothing would move. */
  async note(record: OutcomeRecord, isOwn: boolean): Promise<void> {
    const { streamId } = record
    if (record.outcome !== 'decided' || record.duplicate || streamId === null) return
    const serial = this.#serial
    if (!this.streams.some((stream) => stream.streamId === streamId)) {
      if (this.streams.length === 0 || isOwn) return this.open(this.prefix)
      if (!streamId.startsWith(this.prefix)) return
      this.#unseen.add(streamId)
      this.unseen = this.#unseen.size
      return
    }
    try {
      const { streams, totals } = await this.#page(streamId, null, 1)
      const [fresh] = streams
      if (serial !== this.#serial || fresh?.streamId !== streamId) return
      this.totals = totals
      this.streams = this.streams.map((stream) => (stream.streamId === streamId ? fresh : stream))
    } catch {
      // The list stays as it was read; the next reading says what is wrong.
    }
  }

  #page(
    prefix: string,
    after: string | null,
    limit: number,
  ): ReturnType<PaddockClient['deciders']['streams']> {
    return this.#client.deciders.streams({ reference: this.#reference, prefix, after, limit })
  }
}
