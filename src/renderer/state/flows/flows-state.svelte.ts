import { SvelteMap } from 'svelte/reactivity'
import type { FlowView } from '../../../shared/domain/flow.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import type { Router } from '../route.svelte.ts'
import type { ToastState } from '../toasts.svelte.ts'
import { FlowActions } from './flow-actions.svelte.ts'
import { FlowDraft } from './flow-draft.svelte.ts'
import { FlowList } from './flow-list.svelte.ts'
import { FlowOffer } from './flow-offer.svelte.ts'

/** Everything about flows that outlives their screen. */
export class FlowsState {
  readonly list: FlowList
  readonly actions: FlowActions
  readonly offer: FlowOffer
  readonly #client: PaddockClient
  /** Texts with changes are kept until they are saved or reverted, wherever the operator goes meanwhile. */
  readonly #drafts = new SvelteMap<string, FlowDraft>()

  constructor(client: PaddockClient, toasts: ToastState, router: Router) {
    this.#client = client
    this.list = new FlowList(client)
    this.actions = new FlowActions(client, toasts)
    this.offer = new FlowOffer({ client, toasts, router, actions: this.actions })
  }

  start(): () => void {
    return this.list.start()
  }

  draft(view: FlowView): FlowDraft {
    const known = this.#drafts.get(view.id)
    if (known !== undefined) return known
    const draft = new FlowDraft(this.#client, view)
    this.#drafts.set(view.id, draft)
    return draft
  }

  /** Whether the text of a flow has changes that are not saved. */
  hasChanges(id: string): boolean {
    return this.#drafts.get(id)?.isDirty ?? false
  }
}
