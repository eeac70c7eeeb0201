import { maxInspectRows, type InspectAnswer } from '../../../shared/contracts/actor-inspect.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { forgetQueries, queryHistory, rememberQuery } from './query-history.ts'

export interface QueryResult {
  readonly sql: string
  readonly answer: InspectAnswer
  readonly at: number
  /** Steps of the plan, indented by depth; empty where the statement has none. */
  readonly plan: readonly { readonly depth: number; readonly text: string }[]
}

/** Queries of the operator on one actor: the text, the last result, and what was run before. */
export class QueryConsole {
  sql = $state('')
  running = $state(false)
  result = $state.raw<QueryResult | null>(null)
  error = $state.raw<ErrorReport | null>(null)
  history = $state.raw<readonly string[]>([])

  readonly #client: PaddockClient
  readonly #name: string

  constructor(client: PaddockClient, name: string) {
    this.#client = client
    this.#name = name
    this.history = queryHistory(name)
  }

  /** Drops the result: another actor is looked at. The text stays. */
  forget(): void {
    this.result = null
    this.error = null
  }

  clearHistory(): void {
    forgetQueries(this.#name)
    this.history = []
  }

  /** Runs the text on an actor; true when rows came back. */
  async run(id: string): Promise<boolean> {
    const sql = this.sql.trim()
    if (sql === '' || this.running) return false
    this.running = true
    this.history = rememberQuery(this.#name, sql)
    try {
      const answer = await this.#query(id, sql)
      this.result = { sql, answer, at: Date.now(), plan: await this.#plan(id, sql) }
      this.error = null
      return true
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      return false
    } finally {
      this.running = false
    }
  }

  #query(id: string, sql: string): Promise<InspectAnswer> {
    return this.#client.actors.query({ name: this.#name, id, sql, maxRows: maxInspectRows })
  }

  async #plan(id: string, sql: string): Promise<QueryResult['plan']> {
    if (/^\s*(explain|pragma)\b/i.test(sql)) return []
    try {
      const { rows } = await this.#query(id, `EXPLAIN QUERY PLAN ${sql}`)
      const depths = new Map<string, number>()
      return rows.map(([step, parent, , detail]) => {
        const depth = parent?.type === 'integer' ? (depths.get(parent.text) ?? -1) + 1 : 0
        if (step?.type === 'integer') depths.set(step.text, depth)
        return { depth, text: detail?.type === 'text' ? detail.text : '' }
      })
    } catch {
      // The rows are what was asked for; a statement without a plan is shown without one.
      return []
    }
  }
}
