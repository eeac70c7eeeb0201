import type { LogFilter, LogRecord } from '../../shared/domain/log.ts'
import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'

const pageSize = 400
/** Lines kept in the page while following; older ones load again on scrolling up. */
const maxLines = 5_000

/** One live view of the log: a page of what is kept, what follows, and more on scrolling up. */
export class LogFeed {
  records = $state.raw<readonly LogRecord[]>([])
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  /** Whether older lines remain. */
  more = $state(false)
  loadingOlder = $state(false)
  following = $state(true)
  /** Lines that came while held; shown on following again. */
  held = $state(0)
  /** Lines the console could not keep up with, as main counted them. */
  dropped = $state(0)
  /** True while the last change of `records` was at their start. */
  prepended = $state(false)

  readonly #client: PaddockClient
  #filter: LogFilter = {}
  #pending: LogRecord[] = []
  #stopTail: (() => void) | null = null
  #serial = 0

  constructor(client: PaddockClient) {
    this.#client = client
  }

  /** Shows what matches a filter, newest last, until `close`. */
  async open(filter: LogFilter): Promise<void> {
    this.close()
    const serial = ++this.#serial
    this.#filter = filter
    this.#pending = []
    this.held = 0
    this.dropped = 0
    this.following = true
    // The tail opens first, so that no line falls between the page and what follows.
    this.#stopTail = this.#client.logs.tail(filter, (items, dropped) => this.#receive(items, dropped))
    if (this.phase === 'failed') this.phase = 'loading'
    try {
      const page = await this.#client.logs.query({ filter, before: null, limit: pageSize })
      if (serial !== this.#serial) return
      this.prepended = false
      this.records = page.records
      this.more = page.more
      this.error = null
      this.phase = 'ready'
      this.#flush()
    } catch (thrown) {
      if (serial !== this.#serial) return
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  close(): void {
    this.#stopTail?.()
    this.#stopTail = null
    this.#serial += 1
  }

  hold(): void {
    this.following = false
  }

  follow(): void {
    this.following = true
    if (this.#pending.length > maxLines) void this.open(this.#filter)
    else this.#flush()
  }

  async loadOlder(): Promise<void> {
    const oldest = this.records[0]
    if (!this.more || this.loadingOlder || oldest === undefined) return
    this.loadingOlder = true
    const serial = this.#serial
    try {
      const page = await this.#client.logs.query({ filter: this.#filter, before: oldest.id, limit: pageSize })
      if (serial !== this.#serial) return
      this.prepended = true
      this.records = [...page.records, ...this.records]
      this.more = page.more
    } catch (thrown) {
      if (serial === this.#serial) this.error = toErrorReport(thrown)
    } finally {
      this.loadingOlder = false
    }
  }

  #receive(items: readonly LogRecord[], dropped: number): void {
    this.dropped += dropped
    // Past the cap only the count matters: following again asks for the newest page.
    if (this.#pending.length <= maxLines) this.#pending.push(...items)
    if (this.phase === 'ready' && this.following) this.#flush()
    else if (this.phase === 'ready') this.held += items.length
  }

  #flush(): void {
    const newest = this.records[this.records.length - 1]?.id ?? -1
    const fresh = this.#pending.filter((record) => record.id > newest)
    this.#pending = []
    this.held = 0
    if (fresh.length === 0) return
    const all = [...this.records, ...fresh]
    this.prepended = false
    this.records = all.length > maxLines ? all.slice(-maxLines) : all
    if (all.length > maxLines) this.more = true
  }
}
