import { toErrorReport } from '../../../shared/errors.ts'
import { bytes, count, measureText } from '../../format/numbers.ts'
import type { ConsoleState } from '../console.svelte.ts'
import type { ActorFocus } from './actor-focus.svelte.ts'
import { keyText } from './actor-words.ts'

/** What the operator does with one actor: one thing at a time, its outcome told in a toast. */
export class ActorActions {
  busy = $state<string | null>(null)
  readonly #session: ConsoleState
  readonly #focus: ActorFocus

  constructor(session: ConsoleState, focus: ActorFocus) {
    this.#session = session
    this.#focus = focus
  }

  get #name(): string {
    return keyText(this.#focus.key)
  }

  async sleep(): Promise<void> {
    await this.#run('sleep', `${this.#name} could not be put to sleep`, async () => {
      await this.#session.client.actors.sleep(this.#focus.ref)
      this.#session.toasts.done(`${this.#name} sleeps; its database stays`)
    })
  }

  async wake(): Promise<void> {
    await this.#run('wake', `${this.#name} could not be woken`, async () => {
      await this.#session.client.actors.info(this.#focus.ref)
      await this.#focus.look()
      this.#session.toasts.done(`${this.#name} is awake`)
    })
  }

  async backup(): Promise<void> {
    await this.#run('backup', `${this.#name} was not backed up`, async () => {
      const { client, toasts } = this.#session
      const path = await client.actors.pickTarget({ suggestion: `${this.#fileName}.db` })
      if (path === null) return
      const { pages } = await client.actors.backup({ ...this.#focus.ref, path })
      toasts.done(`${this.#name} backed up, ${count(pages, 'page')}, to ${path}`)
    })
  }

  async export(): Promise<void> {
    await this.#run('export', `${this.#name} was not exported`, async () => {
      const { client, toasts } = this.#session
      const path = await client.actors.pickTarget({ suggestion: `${this.#fileName}-export.db` })
      if (path === null) return
      const manifest = await client.actors.export({ ...this.#focus.ref, path })
      toasts.done(`${this.#name} exported, ${measureText(bytes(manifest.bytes))}, to ${path}`)
    })
  }

  /** Asks which file; null when cancelled. */
  chooseImport(): Promise<string | null> {
    return this.#session.client.actors.pickSource()
  }

  async import(path: string): Promise<void> {
    await this.#run('import', `Nothing was imported into ${this.#name}`, async () => {
      const { client, toasts } = this.#session
      const taken = await client.actors.import({ ...this.#focus.ref, path, sha256: null })
      toasts.done(`${this.#name} has the file’s ${count(taken.tables, 'table')} now`)
      await this.#focus.refresh()
      await this.#focus.look()
    })
  }

  /** True when the actor is gone. */
  async destroy(): Promise<boolean> {
    return this.#run('destroy', `${this.#name} was not destroyed`, async () => {
      await this.#session.client.actors.destroy(this.#focus.ref)
      this.#session.toasts.done(`${this.#name} destroyed`)
    })
  }

  get #fileName(): string {
    return `${this.#focus.name}-${this.#name}`.replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, 120)
  }

  async #run(what: string, failure: string, work: () => Promise<void>): Promise<boolean> {
    if (this.busy !== null) return false
    this.busy = what
    try {
      await work()
      return true
    } catch (thrown) {
      this.#session.toasts.failed(failure, toErrorReport(thrown))
      return false
    } finally {
      this.busy = null
      void this.#focus.refresh()
    }
  }
}
