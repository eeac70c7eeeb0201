import type { Cell } from '../../../shared/contracts/actor-inspect.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'

const pageRows = 200
/** Rows that are read again when the actor changed something. */
const mostAtOnce = 1_000

/** Rows of one table, page by page, in the order of the engine. */
export class TableRows {
  columns = $state.raw<readonly string[]>([])
  rows = $state.raw<readonly (readonly Cell[])[]>([])
  more = $state(false)
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  readAt = $state(0)
  loadingMore = $state(false)
  readonly table: string

  readonly #client: PaddockClient
  readonly #ref: { name: string; id: string }
  #serial = 0

  constructor(client: PaddockClient, ref: { name: string; id: string }, table: string) {
    this.#client = client
    this.#ref = ref
    this.table = table
  }

  /** Reads the first rows, or those shown once more. */
  async open(): Promise<void> {
    const serial = ++this.#serial
    const limit = Math.min(mostAtOnce, Math.max(pageRows, this.rows.length))
    try {
      const page = await this.#client.actors.rows({ ...this.#ref, table: this.table, offset: 0, limit })
      if (serial !== this.#serial) return
      this.columns = page.columns
      this.rows = page.rows
      this.more = page.more
      this.error = null
      this.readAt = Date.now()
      this.phase = 'ready'
    } catch (thrown) {
      if (serial !== this.#serial) return
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.loadingMore) return
    const serial = this.#serial
    this.loadingMore = true
    try {
      const offset = this.rows.length
      const page = await this.#client.actors.rows({
        ...this.#ref,
        table: this.table,
        offset,
        limit: pageRows,
      })
      if (serial !== this.#serial) return
      this.rows = [...this.rows, ...page.rows]
      this.more = page.more
    } catch (thrown) {
      if (serial === this.#serial) this.error = toErrorReport(thrown)
    } finally {
      this.loadingMore = false
    }
  }
}
