import type { ToolCallLine, ToolCallView } from '../../../shared/domain/tool.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'

const kept = 500
const rateMs = 60_000

export interface ToolRate {
  /** Calls that began in the last minute. */
  readonly lastMinute: number
  readonly p99Ms: number | null
  readonly lastAt: number | null
}

/** The last calls of all tools as they happen, and all of the one that is looked at. */
export class ToolCalls {
  /** Newest first. */
  lines = $state.raw<readonly ToolCallLine[]>([])
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  shown = $state.raw<ToolCallView | null>(null)
  /** Id that is looked at, whether or not it was read yet; gone when it is no longer kept. */
  wanted = $state<string | null>(null)
  gone = $state(false)

  readonly #client: PaddockClient
  #isOpen = false

  constructor(client: PaddockClient) {
    this.#client = client
  }

  /** Follows calls until the returned function is called. */
  start(): () => void {
    this.#isOpen = true
    const stop = this.#client.tools.watchCalls(undefined, (lines) => this.#take(lines))
    void this.refresh()
    return () => {
      this.#isOpen = false
      stop()
    }
  }

  async refresh(): Promise<void> {
    try {
      const lines = await this.#client.tools.history({ module: null, before: null, limit: kept })
      if (!this.#isOpen) return
      const known = new Set(lines.map(({ id }) => id))
      // What began after the list was made is told already.
      this.lines = [...this.lines.filter(({ id }) => !known.has(id)), ...lines].slice(0, kept)
      this.phase = 'ready'
      this.error = null
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  of(module: string): readonly ToolCallLine[] {
    return this.lines.filter((line) => line.module === module)
  }

  rateOf(module: string, now: number): ToolRate {
    const lines = this.of(module)
    const recent = lines.filter(({ startedAt }) => now - startedAt < rateMs)
    const times = lines.flatMap(({ end, wallMs }) => (end === null ? [] : [wallMs])).sort((a, b) => a - b)
    return {
      lastMinute: recent.length,
      p99Ms: times[Math.ceil(times.length * 0.99) - 1] ?? null,
      lastAt: lines[0]?.startedAt ?? null,
    }
  }

  /** Looks at a call; null for none. */
  async show(id: string | null): Promise<void> {
    if (id !== this.wanted) {
      this.wanted = id
      this.gone = false
      if (this.shown?.id !== id) this.shown = null
    }
    if (id === null) return
    try {
      const call = await this.#client.tools.view({ id })
      if (this.wanted !== id) return
      this.shown = call
      this.gone = call === null
    } catch (thrown) {
      if (this.wanted === id) this.error = toErrorReport(thrown)
    }
  }

  #take(changed: readonly ToolCallLine[]): void {
    const byId = new Map(changed.map((line) => [line.id, line]))
    const known = new Set(this.lines.map(({ id }) => id))
    const fresh = [...byId.values()].filter(({ id }) => !known.has(id)).reverse()
    this.lines = [...fresh, ...this.lines.map((line) => byId.get(line.id) ?? line)].slice(0, kept)
    if (this.wanted !== null && byId.has(this.wanted)) void this.show(this.wanted)
  }
}
