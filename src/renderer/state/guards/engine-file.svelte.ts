import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { ConfigImport } from '../../../shared/ipc/groups/config.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import type { ToastState } from '../toasts.svelte.ts'
import { count } from '../../format/numbers.ts'

const maxFileBytes = 1_048_576

/** The settings as an engine.toml: read out, and taken in after a look at what changes. */
export class EngineFileDesk {
  exported = $state.raw<string | null>(null)
  /** The file to take in, and what it would change. */
  name = $state('')
  plan = $state.raw<ConfigImport | null>(null)
  error = $state.raw<ErrorReport | null>(null)
  exportError = $state.raw<ErrorReport | null>(null)
  busy = $state(false)
  #text = ''

  readonly #client: PaddockClient
  readonly #toasts: ToastState

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  async read(): Promise<void> {
    try {
      this.exported = (await this.#client.config.export()).text
      this.exportError = null
    } catch (thrown) {
      this.exportError = toErrorReport(thrown)
    }
  }

  /** Looks at a file and changes nothing. */
  async preview(file: File): Promise<void> {
    this.discard()
    this.name = file.name
    if (file.size > maxFileBytes) {
      this.error = {
        code: 'settings.invalid',
        message: 'The file is larger than 1 MiB.',
        remedy: 'Choose an engine.toml.',
      }
      return
    }
    const text = await file.text()
    await this.#import(text, false)
    this.#text = text
  }

  /** Takes in what was looked at. */
  async apply(): Promise<void> {
    const changes = this.plan?.changes.length ?? 0
    const isDone = await this.#import(this.#text, true)
    if (!isDone) return
    this.#toasts.done(`${count(changes, 'setting')} changed; running modules keep their runs`)
    this.discard()
    await this.read()
  }

  discard(): void {
    this.#text = ''
    this.name = ''
    this.plan = null
    this.error = null
  }

  async #import(text: string, apply: boolean): Promise<boolean> {
    this.busy = true
    try {
      this.plan = await this.#client.config.import({ text, apply })
      this.error = null
      return true
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      return false
    } finally {
      this.busy = false
    }
  }
}
