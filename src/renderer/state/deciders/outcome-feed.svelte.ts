import type { OutcomeRecord } from '../../../shared/contracts/decider-views.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'

const kept = 500

/** One line of the outcomes by code. */
export interface CodeCount {
  readonly key: string
  readonly example: OutcomeRecord
  readonly count: number
}

/** The last commands that ended, newest first, and more as they end; of one decider, or of all. */
export class OutcomeFeed {
  records = $state.raw<readonly OutcomeRecord[]>([])
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  readonly #client: PaddockClient
  readonly #name: string | null
  readonly #onRecord: (record: OutcomeRecord) => void

  constructor(
    client: PaddockClient,
    name: string | null,
    onRecord: (record: OutcomeRecord) => void = () => {},
  ) {
    this.#client = client
    this.#name = name
    this.#onRecord = onRecord
  }

  start(): () => void {
    const stop = this.#client.deciders.watchOutcomes({ name: this.#name }, (items) => {
      this.#add(items)
      for (const record of items) this.#onRecord(record)
    })
    void this.#load()
    return stop
  }

  async #load(): Promise<void> {
    try {
      this.#add(await this.#client.deciders.outcomes({ name: this.#name, limit: kept }))
      this.phase = 'ready'
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  #add(items: readonly OutcomeRecord[]): void {
    const known = new Set(this.records.map(({ id }) => id))
    this.records = [...items.filter(({ id }) => !known.has(id)), ...this.records]
      .sort((a, b) => b.id - a.id)
      .slice(0, kept)
  }
}

/** Outcomes by their code, the most frequent first. */
export function countByCode(records: readonly OutcomeRecord[]): CodeCount[] {
  const counts = new Map<string, { example: OutcomeRecord; count: number }>()
  for (const record of records) {
    const key = record.reason ?? record.code ?? (record.duplicate ? 'duplicate' : 'decided')
    const entry = counts.get(key)
    if (entry === undefined) counts.set(key, { example: record, count: 1 })
    else entry.count += 1
  }
  return [...counts].map(([key, entry]) => ({ key, ...entry })).sort((a, b) => b.count - a.count)
}

/** How often commands had to start over because another was faster, and how often that ended them. */
export function countConflicts(records: readonly OutcomeRecord[]): { retried: number; lost: number } {
  return {
    retried: records.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0),
    lost: records.filter(({ code }) => code === 'decider.conflict').length,
  }
}
