import type { SecretView, ToolView } from '../../../shared/domain/tool.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import type { ToastState } from '../toasts.svelte.ts'

export type Permission = ToolView['operations'][number]['permission']

/** A secret that is kept, or that a tool needs and that is not there. */
export interface SecretRow {
  readonly name: string
  readonly kept: SecretView | null
  readonly uses: readonly {
    readonly module: string
    readonly hosts: readonly string[]
    readonly grantedHosts: readonly string[]
    readonly required: boolean
    readonly injected: readonly string[]
  }[]
}

/** Tools and secrets as the whole console knows them, and what the operator does with them. */
export class ToolDesk {
  tools = $state.raw<readonly ToolView[]>([])
  secrets = $state.raw<readonly SecretView[]>([])
  phase = $state<'loading' | 'ready'>('loading')
  /** Why secrets could not be listed. */
  secretsError = $state.raw<ErrorReport | null>(null)
  /** The secret being set: its name, or empty for a new one; null while none is. */
  setting = $state<string | null>(null)
  /** The secret whose removal is asked about. */
  removing = $state<string | null>(null)
  busy = $state<string | null>(null)

  readonly #client: PaddockClient
  readonly #toasts: ToastState
  #needed = ''

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  start(): () => void {
    return this.#client.tools.watch(undefined, (lists) => {
      const tools = lists.at(-1)
      if (tools === undefined) return
      this.tools = tools
      this.phase = 'ready'
      // Secrets are asked for once tools need some: the store of an engine without any is left alone.
      const needed = tools.flatMap(({ secrets }) => secrets.map(({ name }) => name)).join(' ')
      if (needed !== '' && needed !== this.#needed) void this.readSecrets()
      this.#needed = needed
    })
  }

  readonly secretRows = $derived.by((): readonly SecretRow[] => {
    const names = new Set([
      ...this.secrets.map(({ name }) => name),
      ...this.tools.flatMap(({ secrets }) => secrets.map(({ name }) => name)),
    ])
    const rows = [...names].map((name) => ({
      name,
      kept: this.secrets.find((secret) => secret.name === name) ?? null,
      uses: this.tools.flatMap(({ module, secrets }) =>
        secrets
          .filter((secret) => secret.name === name)
          .map(({ hosts, grantedHosts, required, injected }) => ({
            module,
            hosts,
            grantedHosts,
            required,
            injected,
          })),
      ),
    }))
    const rank = ({ kept }: SecretRow): number => (kept === null ? 0 : 1)
    return rows.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
  })

  async readSecrets(): Promise<void> {
    try {
      this.secrets = await this.#client.secrets.list()
      this.secretsError = null
    } catch (thrown) {
      this.secretsError = toErrorReport(thrown)
    }
  }

  /** Sends a value, which is overwritten here; what was wrong, or null. */
  async setSecret(name: string, value: Uint8Array): Promise<ErrorReport | null> {
    const isNew = !this.secrets.some((secret) => secret.name === name)
    try {
      await this.#client.secrets.set({ name, value })
      this.#toasts.done(isNew ? `${name} is kept, encrypted` : `${name} replaced; calls from now on use it`)
      return null
    } catch (thrown) {
      return toErrorReport(thrown)
    } finally {
      value.fill(0)
      await this.readSecrets()
    }
  }

  removeSecret(name: string): Promise<boolean> {
    return this.#run(`remove ${name}`, `${name} could not be removed`, async () => {
      await this.#client.secrets.remove({ name })
      this.#toasts.done(`${name} removed`)
      await this.readSecrets()
    })
  }

  /** Lets a tool use a secret on a host, or no longer. */
  grant(row: SecretRow, module: string, host: string, granted: boolean): Promise<boolean> {
    const use = row.uses.find((each) => each.module === module)
    const others = (use?.grantedHosts ?? []).filter((each) => each !== host)
    const hosts = granted ? [...others, host] : others
    return this.#run(`grant ${row.name}`, `${row.name} could not be granted`, async () => {
      await this.#client.secrets.grant({ name: module, secret: row.name, hosts })
      this.#toasts.done(
        granted
          ? `${module} may use ${row.name} on ${host} from its next call`
          : `${module} no longer uses ${row.name} on ${host}`,
      )
      await this.readSecrets()
    })
  }

  /** The operator's word on an operation, or null for the tool's own. */
  setPermission(module: string, operation: string, permission: Permission | null): Promise<boolean> {
    const words = { allow: 'is allowed', ask: 'asks each time', deny: 'is denied' }
    return this.#run('permission', `${operation} could not be changed`, async () => {
      await this.#client.tools.setPermission({ name: module, operation, permission })
      this.#toasts.done(
        permission === null ? `${operation}: as the tool declares` : `${operation} ${words[permission]}`,
      )
    })
  }

  async #run(subject: string, failure: string, work: () => Promise<void>): Promise<boolean> {
    if (this.busy !== null) return false
    this.busy = subject
    try {
      await work()
      return true
    } catch (thrown) {
      this.#toasts.failed(failure, toErrorReport(thrown))
      return false
    } finally {
      this.busy = null
    }
  }
}
