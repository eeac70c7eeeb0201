import type { Approval } from '../../../shared/domain/identity.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import type { ToastState } from '../toasts.svelte.ts'

/** Signatures that wait for the operator: what is asked, which one is looked at, and the answer. */
export class ApprovalQueue {
  /** Oldest first. */
  list = $state.raw<readonly Approval[]>([])
  /** Whether the operator put the questions aside; they go on waiting in the bar. */
  isAside = $state(false)
  /** Set by the dialog while it is open. */
  isShown = false
  answering = $state(false)
  error = $state.raw<ErrorReport | null>(null)
  #chosen = $state<string | null>(null)

  readonly #client: PaddockClient
  readonly #toasts: ToastState

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  /** The one on screen: the chosen one, else the one whose time ends first. */
  get current(): Approval | null {
    return this.list.find(({ id }) => id === this.#chosen) ?? this.list[0] ?? null
  }

  /** Whether the bar stands for what waits. */
  get isBar(): boolean {
    return this.isAside && this.list.length > 0
  }

  get position(): number {
    return this.list.findIndex(({ id }) => id === this.current?.id)
  }

  /** Follows what waits until the returned function is called. */
  start(): () => void {
    return this.#client.identity.watchApprovals(undefined, (updates) => {
      const latest = updates[updates.length - 1]
      if (latest !== undefined) this.#take(latest)
    })
  }

  /** Looks at the next or the previous one. */
  step(by: number): void {
    const { length } = this.list
    if (length === 0) return
    this.#choose(this.list[(this.position + by + length) % length] ?? null)
  }

  review(): void {
    this.isAside = false
  }

  putAside(): void {
    this.isAside = true
  }

  async answer(approval: Approval, approve: boolean): Promise<void> {
    if (this.answering) return
    this.answering = true
    this.error = null
    try {
      await this.#client.identity.answer({ id: approval.id, approve })
      this.#toasts.done(
        approve
          ? `Signed for ${approval.module}; told in the audit trail`
          : `${approval.module} got no signature; told in the audit trail`,
      )
    } catch (thrown) {
      const error = toErrorReport(thrown)
      // Where it is gone, the dialog is as well.
      if (this.current?.id === approval.id) this.error = error
      else this.#toasts.failed(`${approval.module} got no signature`, error)
    } finally {
      this.answering = false
    }
  }

  #choose(approval: Approval | null): void {
    this.#chosen = approval?.id ?? null
    this.error = null
  }

  #take(list: readonly Approval[]): void {
    const { current } = this
    const isNew = list.some(({ id }) => !this.list.some((known) => known.id === id))
    this.list = list
    if (current !== null && !list.some(({ id }) => id === current.id)) this.#choose(null)
    else this.#chosen = current?.id ?? null
    // Put aside were those that were known; a new one is a new question.
    // Several at once do not push themselves forward one after the other.
    if (list.length === 0 || (isNew && list.length === 1)) this.isAside = false
    else if (isNew && !this.isShown) this.isAside = true
  }
}
