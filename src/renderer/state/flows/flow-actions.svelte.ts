import { SvelteMap } from 'svelte/reactivity'
import type { FlowEnd, FlowLevel } from '../../../shared/contracts/flow.ts'
import { toErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { count } from '../../format/numbers.ts'
import type { ToastState } from '../toasts.svelte.ts'

export type FlowVerb = 'start' | 'pause' | 'resume' | 'drain' | 'cancel' | 'remove' | 'reload'

const failures: Readonly<Record<FlowVerb, string>> = {
  start: 'did not start',
  pause: 'could not be paused',
  resume: 'could not go on',
  drain: 'could not be drained',
  cancel: 'could not be cancelled',
  remove: 'could not be removed',
  reload: 'could not be read again',
}

/** What the operator does with flows: one thing at a time with each, its outcome told in a toast. */
export class FlowActions {
  /** Flows whose removal is being asked about. */
  removing = $state<string | null>(null)
  readonly #busy = new SvelteMap<string, FlowVerb>()
  readonly #client: PaddockClient
  readonly #toasts: ToastState

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  /** What is being done with a flow. */
  busy(id: string): FlowVerb | null {
    return this.#busy.get(id) ?? null
  }

  start(id: string): Promise<boolean> {
    return this.#run(id, 'start', async () => {
      await this.#client.flows.start({ id, elementLimit: null })
      this.#toasts.done(`${id} runs`)
    })
  }

  pause(id: string): Promise<boolean> {
    return this.#run(id, 'pause', async () => {
      await this.#client.flows.pause({ id })
      this.#toasts.done(`${id} paused: all of it stands still, and nothing is lost`)
    })
  }

  resume(id: string): Promise<boolean> {
    return this.#run(id, 'resume', async () => {
      await this.#client.flows.resume({ id })
      this.#toasts.done(`${id} goes on`)
    })
  }

  /** Ends it once what is under way is through. */
  drain(id: string): Promise<boolean> {
    return this.#run(id, 'drain', async () =>
      this.#told(id, await this.#client.flows.drain({ id }), 'drained'),
    )
  }

  /** Ends it at once; while it drains, too. */
  async cancel(id: string): Promise<boolean> {
    if (this.busy(id) === 'drain' || this.busy(id) === 'start') this.#busy.delete(id)
    return this.#run(id, 'cancel', async () =>
      this.#told(id, await this.#client.flows.cancel({ id }), 'cancelled'),
    )
  }

  async remove(id: string): Promise<boolean> {
    this.removing = null
    return this.#run(id, 'remove', async () => {
      await this.#client.flows.remove({ id })
      this.#toasts.done(`${id} removed; its file stays`)
    })
  }

  reload(id: string): Promise<boolean> {
    return this.#run(id, 'reload', async () => {
      await this.#client.flows.reload({ id })
      this.#toasts.done(`${id} read again`)
    })
  }

  /** Also while something else is done with it. */
  async setLevel(id: string, level: FlowLevel, traceRate: number): Promise<boolean> {
    try {
      await this.#client.flows.setLevel({ id, level, traceRate })
      return true
    } catch (thrown) {
      this.#toasts.failed(`${id} keeps its level of tracing`, toErrorReport(thrown))
      return false
    }
  }

  #told(id: string, end: Pick<FlowEnd, 'state' | 'failure' | 'leaked'>, done: string): void {
    if (end.failure !== null) this.#toasts.failed(`${id} ended with a failure`, end.failure.error)
    else if (end.leaked > 0)
      this.#toasts.done(`${id} ${done}; ${count(end.leaked, 'buffer')} of stages had to be taken back`)
    else this.#toasts.done(`${id} ${done} and stopped`)
  }

  async #run(id: string, verb: FlowVerb, work: () => Promise<unknown>): Promise<boolean> {
    if (this.#busy.has(id)) return false
    this.#busy.set(id, verb)
    try {
      await work()
      return true
    } catch (thrown) {
      const error = toErrorReport(thrown)
      // What the operator cancelled is no failure.
      if (error.code !== 'flow.cancelled') this.#toasts.failed(`${id} ${failures[verb]}`, error)
      return false
    } finally {
      if (this.#busy.get(id) === verb) this.#busy.delete(id)
    }
  }
}
