import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { keyOf } from './actor-words.ts'

export type RequestOutcome =
  | { readonly ok: true; readonly method: string; readonly ms: number; readonly answer: Uint8Array }
  | { readonly ok: false; readonly method: string; readonly ms: number; readonly error: ErrorReport }

const mostMethods = 20

function storageKey(module: string): string {
  return `paddock.methods.${module}`
}

function rememberedMethods(module: string): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storageKey(module)) ?? '[]')
    return Array.isArray(kept) ? kept.filter((each): each is string => typeof each === 'string') : []
  } catch {
    return []
  }
}

/** A request being written, and what became of the last one. */
export class RequestDraft {
  key = $state('')
  method = $state('')
  payload = $state('')
  sending = $state(false)
  outcome = $state.raw<RequestOutcome | null>(null)
  /** Methods that answered before; kept in this console only. */
  methods = $state.raw<readonly string[]>([])

  readonly #client: PaddockClient
  readonly #module: string

  constructor(client: PaddockClient, module: string, key: string) {
    this.#client = client
    this.#module = module
    this.key = key
    this.methods = rememberedMethods(module)
  }

  /** What is wrong with the payload, or null. */
  get problem(): string | null {
    if (this.payload.trim() === '') return null
    try {
      JSON.parse(this.payload)
      return null
    } catch (error) {
      return `Not JSON: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  get ready(): boolean {
    return !this.sending && this.key.trim() !== '' && this.method.trim() !== '' && this.problem === null
  }

  /** Sends it; true once an answer or a failure is there. */
  async send(): Promise<boolean> {
    if (!this.ready) return false
    this.sending = true
    const method = this.method.trim()
    const payload = Uint8Array.from(new TextEncoder().encode(this.payload.trim()))
    const began = performance.now()
    const took = (): number => performance.now() - began
    try {
      const reply = await this.#client.actors.request({
        name: this.#module,
        key: keyOf(this.key.trim()),
        method,
        payload,
      })
      this.outcome = reply.ok
        ? { ok: true, method, ms: took(), answer: reply.answer }
        : { ok: false, method, ms: took(), error: reply.error }
      if (reply.ok) this.#remember(method)
    } catch (thrown) {
      this.outcome = { ok: false, method, ms: took(), error: toErrorReport(thrown) }
    } finally {
      this.sending = false
    }
    return true
  }

  #remember(method: string): void {
    this.methods = [method, ...this.methods.filter((each) => each !== method)].slice(0, mostMethods)
    try {
      localStorage.setItem(storageKey(this.#module), JSON.stringify(this.methods))
    } catch {
      // Only a convenience.
    }
  }
}
