import type { QueryAnswer } from '../../shared/contracts/query-module.ts'
import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'

export type QueryForm = 'text' | 'json' | 'hex'

export interface QueryRun {
  readonly id: number
  readonly at: number
  readonly form: QueryForm
  /** As the operator wrote it. */
  readonly input: string
  readonly inputBytes: number
  readonly tookMs: number
  /** What the module answered; null where it could not be asked. */
  readonly answer: QueryAnswer | null
  /** Why it could not be asked. */
  readonly error: ErrorReport | null
}

/** What the operator writes, kept while the window is open. */
export interface QueryDraft {
  readonly form: QueryForm
  readonly input: string
}

export type ParsedInput =
  { readonly bytes: Uint8Array; readonly problem: null } | { readonly bytes: null; readonly problem: string }

const keptRuns = 50
const emptyDraft: QueryDraft = { form: 'json', input: '' }

/** The bytes that an input stands for, or what is wrong with it. */
export function parseInput({ form, input }: QueryDraft): ParsedInput {
  if (form === 'hex') {
    const digits = input.replace(/^\s*0x/i, '').replace(/\s+/g, '')
    if (!/^[0-9a-f]*$/i.test(digits)) return { bytes: null, problem: 'Write hexadecimal digits only.' }
    if (digits.length % 2 === 1) return { bytes: null, problem: 'A digit is missing: bytes have two each.' }
    return { bytes: Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)), problem: null }
  }
  if (form === 'json') {
    try {
      JSON.parse(input)
    } catch (error) {
      return { bytes: null, problem: error instanceof Error ? `${error.message}.` : 'This is no JSON.' }
    }
  }
  return { bytes: Uint8Array.from(new TextEncoder().encode(input)), problem: null }
}

/** Queries of this session, by module. */
export class QueryRuns {
  #runs = $state.raw<ReadonlyMap<string, readonly QueryRun[]>>(new Map())
  #drafts = $state.raw<ReadonlyMap<string, QueryDraft>>(new Map())
  #asking = $state.raw<ReadonlySet<string>>(new Set())
  readonly #client: PaddockClient
  #nextId = 1

  constructor(client: PaddockClient) {
    this.#client = client
  }

  /** Newest first. */
  of(module: string): readonly QueryRun[] {
    return this.#runs.get(module) ?? []
  }

  draft(module: string): QueryDraft {
    return this.#drafts.get(module) ?? emptyDraft
  }

  write(module: string, draft: QueryDraft): void {
    this.#drafts = new Map(this.#drafts).set(module, draft)
  }

  isAsking(module: string): boolean {
    return this.#asking.has(module)
  }

  /** Asks with what is written; the outcome goes to the front of the history. */
  async ask(module: string): Promise<void> {
    const draft = this.draft(module)
    const { bytes } = parseInput(draft)
    if (bytes === null || this.isAsking(module)) return
    this.#asking = new Set(this.#asking).add(module)
    const at = Date.now()
    const started = performance.now()
    let answer: QueryAnswer | null = null
    let error: ErrorReport | null = null
    try {
      answer = await this.#client.modules.query({ name: module, input: bytes })
    } catch (thrown) {
      error = toErrorReport(thrown)
    }
    const tookMs = performance.now() - started
    const run = { id: this.#nextId++, at, ...draft, inputBytes: bytes.length, tookMs, answer, error }
    this.#runs = new Map(this.#runs).set(module, [run, ...this.of(module)].slice(0, keptRuns))
    this.#asking = new Set([...this.#asking].filter((name) => name !== module))
  }
}
