import type { Grant, ModuleCapabilities } from '../../../shared/domain/capability-grants.ts'
import type { AccountView } from '../../../shared/domain/identity.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { poll } from '../poll.ts'
import type { ToastState } from '../toasts.svelte.ts'

export type ApprovalMode = ModuleCapabilities['approval']

/** How often counts are read again while somebody looks, in milliseconds. */
const refreshMs = 2_000

/** What one module may do, read again while it is on screen, and changed by the operator. */
export class CapabilityDesk {
  view = $state.raw<ModuleCapabilities | null>(null)
  /** Every account there is, granted or not. */
  accounts = $state.raw<readonly AccountView[]>([])
  error = $state.raw<ErrorReport | null>(null)
  /** What is being changed, by the label of its switch; null while nothing is. */
  changing = $state<string | null>(null)

  readonly #client: PaddockClient
  readonly #toasts: ToastState
  readonly #name: string
  #last: Promise<void> = Promise.resolve()

  constructor(client: PaddockClient, toasts: ToastState, name: string) {
    this.#client = client
    this.#toasts = toasts
    this.#name = name
  }

  /** Reads now and every two seconds until the returned function is called. */
  start(): () => void {
    return poll(() => this.read(), refreshMs)
  }

  async read(): Promise<void> {
    try {
      const [view, identity] = await Promise.all([
        this.#client.capabilities.view({ name: this.#name }),
        this.#client.identity.list(),
      ])
      this.view = view
      this.accounts = identity.accounts
      this.error = null
    } catch (thrown) {
      this.error = toErrorReport(thrown)
    }
  }

  /** Gives or takes one thing; `what` names it in the toast. */
  async set(grant: Grant, granted: boolean, what: string): Promise<void> {
    const verb = granted ? 'granted' : 'taken back'
    await this.#change(what, `${what} could not be ${verb}`, async () => {
      const input = { name: this.#name, grant }
      await (granted ? this.#client.capabilities.grant(input) : this.#client.capabilities.revoke(input))
      this.#toasts.done(`${what} ${verb}; it holds from the next call of ${this.#name}`)
    })
  }

  async setApproval(approval: ApprovalMode): Promise<void> {
    await this.#change('approval', 'Who agrees to signatures could not be changed', async () => {
      await this.#client.capabilities.setApproval({ name: this.#name, approval })
      this.#toasts.done(
        { ask: 'You are asked each time', auto: 'It signs without asking you', deny: 'It signs nothing' }[
          approval
        ],
      )
    })
  }

  /** One after the other: a change that is asked for during another is made after it. */
  #change(subject: string, failure: string, work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(() => this.#make(subject, failure, work))
    return this.#last
  }

  async #make(subject: string, failure: string, work: () => Promise<void>): Promise<void> {
    this.changing = subject
    try {
      await work()
    } catch (thrown) {
      this.#toasts.failed(failure, toErrorReport(thrown))
    } finally {
      this.changing = null
      await this.read()
    }
  }
}
