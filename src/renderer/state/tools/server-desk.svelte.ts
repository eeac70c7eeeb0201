import type { ToolServerFacts } from '../../../shared/domain/tool.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import type { ToastState } from '../toasts.svelte.ts'

/** The server of tools of this machine, as the settings say and as it is. */
export class ServerDesk {
  facts = $state.raw<ToolServerFacts | null>(null)
  error = $state.raw<ErrorReport | null>(null)
  busy = $state(false)
  readonly #client: PaddockClient
  readonly #toasts: ToastState

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  async read(): Promise<void> {
    try {
      this.facts = await this.#client.tools.server()
      this.error = null
    } catch (thrown) {
      this.error = toErrorReport(thrown)
    }
  }

  async set(enabled: boolean): Promise<void> {
    if (this.busy) return
    this.busy = true
    try {
      this.facts = await this.#client.tools.setServer({ enabled })
      this.error = null
      if (this.facts.url !== null) this.#toasts.done(`Tools are served at ${this.facts.url}`)
      else if (!enabled) this.#toasts.done('Tools are no longer served')
    } catch (thrown) {
      this.error = toErrorReport(thrown)
    } finally {
      this.busy = false
    }
  }

  async reveal(): Promise<void> {
    try {
      await this.#client.tools.revealToken()
    } catch (thrown) {
      this.#toasts.failed('The token file could not be shown', toErrorReport(thrown))
    }
  }
}
