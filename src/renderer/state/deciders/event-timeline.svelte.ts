import type { z } from 'zod'
import type { EventView, snapshotViewSchema } from '../../../shared/contracts/decider-views.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'

export type SnapshotView = z.infer<typeof snapshotViewSchema>

const pageSize = 100

/** The events of one stream, newest first, older ones as one scrolls; new ones wait while held. */
export class EventTimeline {
  events = $state.raw<readonly EventView[]>([])
  snapshots = $state.raw<readonly SnapshotView[]>([])
  /** Revision of the stream's last event that is known, 0 for no stream. */
  head = $state(0)
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  loadingOlder = $state(false)
  /** While held, new events are counted, not shown. */
  held = $state(false)
  /** Revision that was the last when the timeline was opened: what came later is new. */
  openedAt = $state(0)
  /** True while the last change of `events` was at their start. */
  prepended = $state(false)
  readonly #client: PaddockClient
  readonly #reference: string
  readonly #streamId: string
  #closed = false

  constructor(client: PaddockClient, reference: string, streamId: string) {
    this.#client = client
    this.#reference = reference
    this.#streamId = streamId
  }

  /** Events that came while held. */
  get waiting(): number {
    return this.head - (this.events[0]?.revision ?? 0)
  }

  get more(): boolean {
    return (this.events[this.events.length - 1]?.revision ?? 1) > 1
  }

  async open(): Promise<void> {
    this.phase = 'loading'
    try {
      // The head is not known yet: a read far behind any stream's end tells it.
      const { head } = await this.#read(Number.MAX_SAFE_INTEGER, 1)
      const page = await this.#range(Math.max(1, head - pageSize + 1), head)
      const snapshots = await this.#client.deciders.snapshots(this.#target())
      if (this.#closed) return
      this.prepended = false
      this.events = page
      this.snapshots = snapshots
      this.head = Math.max(head, page[0]?.revision ?? 0)
      this.openedAt = this.head
      this.error = null
      this.phase = 'ready'
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      this.phase = 'failed'
    }
  }

  close(): void {
    this.#closed = true
  }

  async loadOlder(): Promise<void> {
    const oldest = this.events[this.events.length - 1]
    if (this.loadingOlder || oldest === undefined || oldest.revision <= 1) return
    this.loadingOlder = true
    try {
      const page = await this.#range(Math.max(1, oldest.revision - pageSize), oldest.revision - 1)
      this.prepended = false
      this.events = [...this.events, ...page]
    } catch (thrown) {
      this.error = toErrorReport(thrown)
    } finally {
      this.loadingOlder = false
    }
  }

  /** A command appended: shows what it did, or counts it while held. */
  async refresh(lastRevision: number): Promise<void> {
    this.head = Math.max(this.head, lastRevision)
    if (this.phase === 'ready' && !this.held) await this.catchUp()
  }

  /** Shows what waits. */
  async catchUp(): Promise<void> {
    this.held = false
    const newest = this.events[0]?.revision ?? 0
    if (this.head <= newest) return
    if (this.head - newest > 2 * pageSize) return this.open()
    try {
      const page = await this.#range(newest + 1, this.head)
      const snapshots = await this.#client.deciders.snapshots(this.#target())
      const known = this.events[0]?.revision ?? 0
      this.prepended = true
      this.events = [...page.filter(({ revision }) => revision > known), ...this.events]
      this.snapshots = snapshots
    } catch (thrown) {
      this.error = toErrorReport(thrown)
    }
  }

  /** Events of these revisions, both included, newest first; a page may end early at its limit of bytes. */
  async #range(from: number, to: number): Promise<EventView[]> {
    const found: EventView[] = []
    for (let next = from; next <= to;) {
      const { events } = await this.#read(next, Math.min(500, to - next + 1))
      if (events.length === 0) break
      found.push(...events.filter(({ revision }) => revision <= to))
      next += events.length
    }
    return found.reverse()
  }

  #read(from: number, limit: number): ReturnType<PaddockClient['deciders']['events']> {
    return this.#client.deciders.events({ ...this.#target(), from, limit })
  }

  #target(): { reference: string; streamId: string } {
    return { reference: this.#reference, streamId: this.#streamId }
  }
}
