import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'

const pageSize = 200

export interface StoreEntry {
  readonly key: string
  readonly sizeBytes: number
}

export interface StoreValue {
  readonly key: string
  readonly sizeBytes: number
  readonly head: Uint8Array
}

/** A look into one module's store: keys under a prefix, page by page, and one value. */
export class StoreBrowser {
  prefix = $state('')
  entries = $state.raw<readonly StoreEntry[]>([])
  more = $state(false)
  total = $state(0)
  usedBytes = $state(0)
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  loadingMore = $state(false)
  key = $state<string | null>(null)
  value = $state.raw<StoreValue | null>(null)
  /** Whether the chosen key was gone when its value was asked for. */
  gone = $state(false)
  valueError = $state.raw<ErrorReport | null>(null)
  /** When the list was read, in milliseconds since the epoch. */
  readAt = $state(0)

  readonly #client: PaddockClient
  readonly #name: string
  #serial = 0

  constructor(client: PaddockClient, name: string) {
    this.#client = client
    this.#name = name
  }

  /** Reads the first page under a prefix. */
  async open(prefix: string): Promise<void> {
    const serial = ++this.#serial
    this.prefix = prefix
    try {
      const page = await this.#page(null)
      if (serial !== this.#serial) return
      this.entries = page.entries
      this.more = page.more
      this.total = page.total
      this.usedBytes = page.usedBytes
      this.readAt = Date.now()
      this.error = null
      this.phase = 'ready'
    } catch (thrown) {
      if (serial !== this.#serial) return
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
    if (this.key !== null) await this.select(this.key)
  }

  async loadMore(): Promise<void> {
    const last = this.entries[this.entries.length - 1]
    if (!this.more || this.loadingMore || last === undefined) return
    const serial = this.#serial
    this.loadingMore = true
    try {
      const page = await this.#page(last.key)
      if (serial !== this.#serial) return
      this.entries = [...this.entries, ...page.entries]
      this.more = page.more
    } catch (thrown) {
      if (serial === this.#serial) this.error = toErrorReport(thrown)
    } finally {
      this.loadingMore = false
    }
  }

  /** Shows one value. */
  async select(key: string): Promise<void> {
    this.key = key
    try {
      const value = await this.#client.store.value({ name: this.#name, key })
      if (this.key !== key) return
      this.value = value === null ? null : { key, ...value }
      this.gone = value === null
      this.valueError = null
    } catch (thrown) {
      if (this.key === key) this.valueError = toErrorReport(thrown)
    }
  }

  #page(after: string | null): ReturnType<PaddockClient['store']['keys']> {
    return this.#client.store.keys({ name: this.#name, prefix: this.prefix, after, limit: pageSize })
  }
}
