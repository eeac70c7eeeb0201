import { SvelteMap } from 'svelte/reactivity'
import type { Series } from '../../shared/domain/engine.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'

const everyMs = 5_000

/** The whole engine, as a subject beside the modules' names, which are never empty. */
const wholeEngine = ''

/** Short histories of what is on screen, asked for every 5 s while anything shows them. */
export class SeriesState {
  readonly #client: PaddockClient
  readonly #known = new SvelteMap<string, Series>()
  readonly #watched = new Map<string, number>()
  #timer = 0

  constructor(client: PaddockClient) {
    this.#client = client
  }

  /** The last history of a module, or of the whole engine for null; undefined until it came. */
  of(subject: string | null): Series | undefined {
    return this.#known.get(subject ?? wholeEngine)
  }

  /** Keeps a subject's history current until the returned function is called. */
  watch(subject: string | null): () => void {
    const key = subject ?? wholeEngine
    this.#watched.set(key, (this.#watched.get(key) ?? 0) + 1)
    if (this.#watched.get(key) === 1) void this.#ask(key)
    if (this.#timer === 0) this.#timer = window.setInterval(() => this.#askAll(), everyMs)
    return () => this.#release(key)
  }

  #release(key: string): void {
    const left = (this.#watched.get(key) ?? 1) - 1
    if (left > 0) {
      this.#watched.set(key, left)
      return
    }
    this.#watched.delete(key)
    if (this.#watched.size > 0) return
    window.clearInterval(this.#timer)
    this.#timer = 0
  }

  #askAll(): void {
    if (document.hidden) return
    for (const key of this.#watched.keys()) void this.#ask(key)
  }

  async #ask(key: string): Promise<void> {
    try {
      this.#known.set(key, await this.#client.state.series({ module: key === wholeEngine ? null : key }))
    } catch {
      // A module that was just removed has no history; an empty track says so.
      this.#known.delete(key)
    }
  }
}
