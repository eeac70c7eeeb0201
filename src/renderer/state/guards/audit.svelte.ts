import type { AuditEntry, AuditFilter } from '../../../shared/domain/audit.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'

const pageSize = 200

/** The audit trail, newest first: a page at a time into the past, and what is added while it is open. */
export class AuditFeed {
  entries = $state.raw<readonly AuditEntry[]>([])
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  more = $state(false)
  loadingMore = $state(false)
  /** Entries added while the operator reads further down, not shown yet. */
  held = $state(0)
  following = $state(true)

  readonly #client: PaddockClient
  readonly #pageSize: number
  #stop: (() => void) | null = null
  #fresh: AuditEntry[] = []
  #serial = 0
  #filter: AuditFilter = {}

  constructor(client: PaddockClient, entriesPerPage = pageSize) {
    this.#client = client
    this.#pageSize = entriesPerPage
  }

  /** Reads the newest page of what fits the filter, and follows it. */
  async open(filter: AuditFilter): Promise<void> {
    this.close()
    const serial = ++this.#serial
    this.#filter = filter
    this.#stop = this.#client.audit.watch(filter, (items) => this.#add(items))
    try {
      const page = await this.#client.audit.query({ filter, before: null, limit: this.#pageSize })
      if (serial !== this.#serial) return
      this.entries = page.entries
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
    this.#serial += 1
    this.#stop?.()
    this.#stop = null
    this.#fresh = []
    this.held = 0
    this.following = true
  }

  /** The page before the oldest entry shown. */
  async loadOlder(): Promise<void> {
    const oldest = this.entries[this.entries.length - 1]
    if (!this.more || this.loadingMore || oldest === undefined) return
    const serial = this.#serial
    this.loadingMore = true
    try {
      const page = await this.#client.audit.query({
        filter: this.#filter,
        before: oldest.id,
        limit: this.#pageSize,
      })
      if (serial !== this.#serial) return
      this.entries = [...this.entries, ...page.entries]
      this.more = page.more
    } catch (thrown) {
      if (serial === this.#serial) this.error = toErrorReport(thrown)
    } finally {
      this.loadingMore = false
    }
  }

  hold(): void {
    this.following = false
  }

  follow(): void {
    this.following = true
    this.#flush()
  }

  #add(items: readonly AuditEntry[]): void {
    this.#fresh.push(...items)
    if (this.phase === 'ready' && this.following) this.#flush()
    else if (this.phase === 'ready') this.held += items.length
  }

  #flush(): void {
    const newest = this.entries[0]?.id ?? -1
    const fresh = this.#fresh.filter(({ id }) => id > newest).sort((a, b) => b.id - a.id)
    this.#fresh = []
    this.held = 0
    if (fresh.length > 0) this.entries = [...fresh, ...this.entries]
  }
}
