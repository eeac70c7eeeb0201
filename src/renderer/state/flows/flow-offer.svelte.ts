import type { FlowAsk, FlowGraph, FlowProblem } from '../../../shared/domain/flow.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import type { Router } from '../route.svelte.ts'
import type { ToastState } from '../toasts.svelte.ts'
import type { FlowActions } from './flow-actions.svelte.ts'

/** A flow that is being added, with what it asks for. */
export interface OfferedFlow {
  readonly path: string
  readonly graph: FlowGraph
  readonly asks: readonly FlowAsk[]
  /** Warnings; a flow with errors is not offered. */
  readonly problems: readonly FlowProblem[]
}

export type OfferPhase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'checking'; readonly path: string }
  | {
      readonly kind: 'choose'
      readonly path: string
      readonly graphs: readonly FlowGraph[]
      readonly problems: readonly FlowProblem[]
    }
  | { readonly kind: 'review'; readonly offer: OfferedFlow; readonly error: ErrorReport | null }
  | { readonly kind: 'adding'; readonly offer: OfferedFlow }
  | {
      readonly kind: 'failed'
      readonly path: string
      readonly error: ErrorReport
      readonly problems: readonly FlowProblem[]
    }

export interface OfferMeans {
  readonly client: PaddockClient
  readonly toasts: ToastState
  readonly router: Router
  readonly actions: FlowActions
}

/** From a path to a flow in the list: judged, shown with what it asks for, added. One at a time, in order. */
export class FlowOffer {
  phase = $state.raw<OfferPhase>({ kind: 'idle' })
  waiting = $state.raw<readonly string[]>([])
  readonly #means: OfferMeans
  /** Answers of an offer that was put away are of no interest. */
  #serial = 0

  constructor(means: OfferMeans) {
    this.#means = means
  }

  /** Whether a path is a flow file or the folder of one. Never rejects. */
  async isFlow(path: string): Promise<boolean> {
    if (/\.toml$/i.test(path)) return true
    try {
      await this.#means.client.flows.check({ path, text: null, components: false })
      return true
    } catch {
      return false
    }
  }

  offer(path: string): void {
    this.waiting = [...this.waiting, path]
    if (this.phase.kind === 'idle') this.#next()
  }

  /** Shows the system's dialog, then what the flow chosen asks for. */
  async pick(kind: 'file' | 'folder'): Promise<void> {
    const { client, toasts } = this.#means
    try {
      const path = await client.flows.pick({ kind })
      if (path !== null) this.offer(path)
    } catch (thrown) {
      toasts.failed('Nothing could be chosen', toErrorReport(thrown))
    }
  }

  /** Shows what one flow of a file asks for. */
  async review(path: string, graph: FlowGraph, problems: readonly FlowProblem[]): Promise<void> {
    const serial = ++this.#serial
    this.phase = { kind: 'checking', path }
    try {
      const asks = await this.#means.client.flows.asks({ path, flow: graph.name })
      if (serial !== this.#serial) return
      const risky = asks.filter((ask) => ask.risky)
      const usual = asks.filter((ask) => !ask.risky)
      this.phase = {
        kind: 'review',
        offer: { path, graph, asks: [...risky, ...usual], problems },
        error: null,
      }
    } catch (thrown) {
      if (serial === this.#serial)
        this.phase = { kind: 'failed', path, error: toErrorReport(thrown), problems }
    }
  }

  /** Grants what the flow asks for and adds it. */
  async add(start: boolean): Promise<void> {
    if (this.phase.kind !== 'review') return
    const { offer } = this.phase
    const { client, toasts, router, actions } = this.#means
    this.phase = { kind: 'adding', offer }
    try {
      const { id } = await client.flows.add({
        path: offer.path,
        flow: offer.graph.name,
        granted: offer.asks.map(({ key }) => key),
      })
      if (!start) toasts.done(`${id} added, not started`)
      router.go({ screen: 'flows', item: id })
      this.#next()
      if (start) await actions.start(id)
    } catch (thrown) {
      this.phase = { kind: 'review', offer, error: toErrorReport(thrown) }
    }
  }

  /** The harmless way out of every phase. */
  dismiss(): void {
    if (this.phase.kind === 'adding') return
    this.#serial += 1
    this.#next()
  }

  retry(): void {
    if (this.phase.kind === 'failed') void this.#check(this.phase.path)
  }

  #next(): void {
    const [path, ...rest] = this.waiting
    this.waiting = rest
    if (path === undefined) this.phase = { kind: 'idle' }
    else void this.#check(path)
  }

  async #check(path: string): Promise<void> {
    const serial = ++this.#serial
    this.phase = { kind: 'checking', path }
    try {
      const { problems, graphs } = await this.#means.client.flows.check({
        path,
        text: null,
        components: true,
      })
      if (serial !== this.#serial) return
      const [only] = graphs
      if (
        only === undefined ||
        (graphs.length === 1 && problems.some(({ severity }) => severity === 'error'))
      )
        this.phase = { kind: 'failed', path, error: invalid(problems), problems }
      else if (graphs.length === 1) await this.review(path, only, problems)
      else this.phase = { kind: 'choose', path, graphs, problems }
    } catch (thrown) {
      if (serial === this.#serial)
        this.phase = { kind: 'failed', path, error: toErrorReport(thrown), problems: [] }
    }
  }
}

function invalid(problems: readonly FlowProblem[]): ErrorReport {
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const message =
    errors === 0
      ? 'The file holds no flow.'
      : errors === 1
        ? 'The file has one error.'
        : `The file has ${errors} errors.`
  return new PaddockError('flow.invalid', message).toReport()
}
